"""Checks of report pages in a real browser, run by hand (needs Chromium; too slow and too heavy for every test run):

    python -m tests.report.browser_check                      # made-up study with every form, and all studies
    python -m tests.report.browser_check results/*/report/report.html --pictures /tmp/pictures

Each page is opened at 1280 and 390 pixels, light and dark. It must ask for nothing but itself, raise no complaint,
fit the width, have readable contrast, be whole without its script, be reachable and usable by keyboard, filter
rightly, keep the filter in its address, light up the runs of a seed together, and print. `--pictures FOLDER` keeps
screenshots, 2,400 pixels high each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.report.browser import Browser

WIDTHS = (1280, 390)
SLICE = 2400
TAB = ("Tab", 9)

_CONTRAST = """
(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    if (!own || !element.checkVisibility() || element.closest("svg, .hidden, [aria-hidden=true]")) continue;
    const [a, b] = [light(parse(style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
      poor.push(`${element.tagName} ${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(poor)].slice(0, 5);
})()
"""
_WIDE = """
[...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll, svg, .hidden, .skip")
  && e.getBoundingClientRect().right > WIDTH + 1).slice(0, 5).map((e) => `${e.tagName} ${e.className}`)
"""
_FOCUSED = """
(() => { const e = document.activeElement, s = getComputedStyle(e.closest(".chip") || e);
  const visible = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0;
  return [e.tagName, e.name || e.textContent.slice(0, 20), visible]; })()
"""

_CHECKED = "[...document.querySelectorAll('[name=verdict]:checked')].map((box) => box.value)"
_PLACE = "Math.abs(document.getElementById('ID').getBoundingClientRect().top)"
_MIDDLE = """
(() => { const r = document.querySelector("SELECTOR").getBoundingClientRect();
  return [r.x + r.width / 2, r.y + r.height / 2]; })()
"""
_LIT = """
(() => { const lit = [...document.querySelectorAll(".lit")];
  const seeds = lit.flatMap((e) => [...e.classList].filter((name) => name.startsWith("seed-")));
  return [lit.length, new Set(seeds).size, new Set(lit.map((e) => e.closest("figure, table"))).size]; })()
"""


def problems_of(browser: Browser, page: Path, width: int, *, dark: bool) -> Iterator[str]:
    """Everything that is wrong with a page at one width, by light or dark."""
    browser.open(page, width, dark=dark)
    if asked := [url for url in browser.requests() if not url.startswith("data:") and url != page.resolve().as_uri()]:
        yield f"asks for {asked[:3]}"
    if complaints := browser.complaints():
        yield f"the browser complains: {complaints[:3]}"
    if browser.run("document.documentElement.scrollWidth") > width:
        culprits = browser.run(_WIDE.replace("WIDTH", str(width)))
        yield f"is wider than the screen: {culprits}"
    if poor := browser.run(_CONTRAST):
        yield f"has poor contrast: {poor}"


def problems_of_use(browser: Browser, page: Path) -> Iterator[str]:
    """What is wrong with the page for a keyboard, for the filter, without the script and on paper."""
    browser.open(page, 1280)
    form = "document.getElementById('filter')"
    if browser.run(f"{form}.hidden"):
        yield "the filter does not appear"
    browser.run(f"{form}.scrollIntoView()")
    browser.run(f"{form}.querySelector('input').focus()")
    wanted = browser.run(f"{form}.querySelectorAll('input, select').length")
    seen = []
    for _ in range(wanted - 1):
        browser.press(*TAB)
        seen.append(browser.run(_FOCUSED))
    if len({tuple(name[:2]) for name in seen if name[0] in ("INPUT", "SELECT")}) < 3:
        yield f"Tab does not go through the filter: {seen}"
    if unseen := [name for name in seen if not name[2]]:
        yield f"focus is not visible on {unseen[:3]}"
    for verdict in browser.run(f"[...{form}.querySelectorAll('[name=verdict]')].map((box) => box.value)"):
        browser.run(f"{form}.querySelector('[value={verdict}]').click()")
        shown = browser.run("[...document.querySelectorAll('article')].filter((a) => a.checkVisibility()).length")
        right = browser.run(
            f"new Set([...document.querySelectorAll('.judgement[data-verdict={verdict}]')]"
            ".map((e) => e.closest('article').id)).size"
        )
        if shown != right:
            yield f"the filter shows {shown} statements that are {verdict}, there are {right}"
        browser.run(f"{form}.querySelector('[value={verdict}]').click()")
    yield from problems_of_address(browser, page)
    yield from problems_of_seeds(browser, page)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page, 1280)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    hidden = "[...document.querySelectorAll('article, .judgement')].filter((e) => !e.checkVisibility()).length"
    if browser.run(hidden) or not browser.run(f"{form}.hidden"):
        yield "is not whole without its script"
    if not browser.call("Page.printToPDF", preferCSSPageSize=True)["data"]:
        yield "does not print"


def problems_of_address(browser: Browser, page: Path) -> Iterator[str]:
    """What is wrong with the filter's state in the page's address."""
    browser.open(page, 1280)
    browser.run("document.querySelector('[name=verdict][value=inconclusive]').click()")
    kept = browser.run("location.hash")
    if kept != "#?verdict=inconclusive":
        yield f"the address of a filtered page ends in {kept!r}"
    browser.open(page, 1280, part=kept)
    if browser.run(_CHECKED) != ["inconclusive"]:
        yield "the filter in the address is not restored"
    target = browser.run("document.querySelector('article:not([hidden])').id")
    browser.open(page, 1280, part=f"#{target}?verdict=inconclusive&kind=nonsense&section=%zz")
    if browser.run(_CHECKED) != ["inconclusive"] or not browser.run(f"{_PLACE.replace('ID', target)} < 300"):
        yield "a statement with a filter in the address is not both"
    browser.run("document.querySelector('.filter [type=reset]').click()")
    browser.run("new Promise((done) => setTimeout(done))")
    if browser.run(_CHECKED) or browser.run("location.hash") != f"#{target}":
        yield "the address keeps a filter that was taken off"
    if complaints := browser.complaints():
        yield f"the browser complains of the address: {complaints[:3]}"


def problems_of_seeds(browser: Browser, page: Path) -> Iterator[str]:
    """What is wrong with the link between the runs of a seed."""
    browser.open(page, 1280)
    browser.run("document.querySelector('circle.dot[class*=seed-]').scrollIntoView({block: 'center'})")
    x, y = browser.run(_MIDDLE.replace("SELECTOR", "circle.dot[class*=seed-]"))
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    lit, seeds, figures = browser.run(_LIT)
    if lit < 2 or seeds != 1 or figures < 2:
        yield f"under the pointer {lit} elements of {seeds} seeds in {figures} figures light up"
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
    if browser.run(_LIT)[0]:
        yield "seeds stay lit without a pointer"


def made_up_pages(folder: Path) -> list[Path]:
    """A study with every form of claim, and all studies: that one and a small one."""
    from repro.report.page.all_studies import StudyResults, all_studies_html
    from repro.report.page.page import write_report
    from tests.report.every_form import every_form
    from tests.report.made_up_study import made_up_study, project_registry
    from tests.report.made_up_verdicts import verdict_rows

    registry = project_registry()
    evidence, rows = every_form()
    write_report(folder / "every_form.html", evidence, rows, registry)
    small = StudyResults(made_up_study(study="small"), [*verdict_rows(registry, "small")])
    both = all_studies_html([StudyResults(evidence, [*rows]), small], registry)
    (folder / "all_studies.html").write_text(both)
    return [folder / "every_form.html", folder / "all_studies.html"]


def _keep_pictures(browser: Browser, folder: Path, name: str, width: int, dark: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    height = browser.run("document.documentElement.scrollHeight")
    for number, top in enumerate(range(0, height, SLICE)):
        file = folder / f"{name}-{width}-{'dark' if dark else 'light'}-{number:02}.png"
        browser.picture(file, top, width, min(SLICE, height - top))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--pictures", type=Path, help="a folder for screenshots")
    options = parser.parse_args()
    found = 0
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        for page in options.pages or made_up_pages(Path(folder)):
            problems = [*problems_of_use(browser, page)]
            for width in WIDTHS:
                for dark in (False, True):
                    where = f"at {width} px, {'dark' if dark else 'light'}"
                    problems += [f"{where}, {problem}" for problem in problems_of(browser, page, width, dark=dark)]
                    if options.pictures:
                        _keep_pictures(browser, options.pictures, f"{page.parent.parent.name}-{page.stem}", width, dark)
            for problem in problems:
                print(f"{page}: {problem}")
            print(f"{page}: {page.stat().st_size:,} bytes, {len(problems)} problems")
            found += len(problems)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
