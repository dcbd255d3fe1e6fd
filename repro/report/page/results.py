"""`make docs`: docs/results.md, the README's headline table and its picture, from all recorded evidence.

The README holds the table between two marks; everything else in it is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from repro.files import write_bytes, write_text
from repro.report.drawing.kernel_images import Pixels, png
from repro.report.figures.kernels.plate import kernel_plate
from repro.report.page.marked import with_part
from repro.verdicts.registry.registry import claims_folder
from repro.verdicts.telling.headline import Recorded, recorded_results
from repro.verdicts.telling.results_page import headline_table, results_page

PAGE, README, PICTURE = Path("docs/results.md"), Path("README.md"), Path("docs/kernels.png")
PICTURE_OF = "towers"
"""The study whose kernels are shown."""
BEGIN, END = "<!-- results: make docs -->", "<!-- end of results -->"


def readme_with(text: str, recorded: Recorded) -> str:
    """The README with the table and the picture of today's evidence; UserError without its two marks."""
    return with_part(README, text, BEGIN, "\n".join(_block(recorded)), END)


def picture(recorded: Recorded) -> Pixels | None:
    """The pixels of the README's picture; None without evidence of that study."""
    evidence = recorded.evidences.get(PICTURE_OF)
    return None if evidence is None else kernel_plate(evidence)


def _block(recorded: Recorded) -> list[str]:
    lines = headline_table(recorded.headlines)
    if picture(recorded) is not None:
        lines += [
            "",
            f"![First-layer kernels of several runs, two-tower nets on the left, dense nets on the right]({PICTURE})",
            "",
            "*First-layer kernels, a row a seed, each half sorted from grey to coloured; pale ones are dead or hardly "
            "moved and do not count. J is how far the halves differ in their share of coloured kernels, from 0 to 1.*",
        ]
    return lines


def write_results(root: Path) -> list[Path]:
    """Write all three; returns their paths."""
    recorded = recorded_results(root, claims_folder(root))
    readme = root / README
    write_text(root / PAGE, results_page(recorded))
    write_text(readme, readme_with(readme.read_text(encoding="utf-8"), recorded))
    pixels = picture(recorded)
    if pixels is not None:
        write_bytes(root / PICTURE, png(pixels))
    return [root / path for path in (PAGE, README, PICTURE)]


def main() -> None:
    """Write them in the project of the claims that are imported."""
    for path in write_results(claims_folder().parent):
        print(path)


if __name__ == "__main__":
    main()
