"""The page over all studies: their verdicts, judged here where no file holds them, and their evidence side by side."""

from __future__ import annotations

from pathlib import Path

from repro.errors import UserError
from repro.evidence.directory import load_evidence
from repro.files import read_json, write_text
from repro.progress import say
from repro.project import Project
from repro.report.cases.rows import Row, checked_rows, judged_on_other
from repro.report.figures.retrieval.search import retrieval_at_hand
from repro.report.page.all_studies import StudyResults, all_studies_html
from repro.verdicts.judging.ledger import make_ledger
from repro.verdicts.registry.registry import REGISTRY_FILE, claims_folder, load_registry
from repro.verdicts.telling.headline import recorded_folders


def studies_at_hand(root: Path, claims: Path) -> list[tuple[Path, list[Row]]]:
    """Evidence folders with their verdicts: results/STUDY where the pipeline judged it, else evidence/STUDY.

    Recorded evidence has no file of verdicts, so it is judged here, as is what the pipeline judged on other evidence
    than lies there now; that is said. Raises UserError when there is no study.
    """
    results: dict[str, tuple[Path, list[Row]]] = {}
    for path in sorted((root / "results").glob("*/verdicts.json")):
        folder, study = path.parent / "evidence", path.parent.name
        if folder.is_dir():
            rows = checked_rows(read_json(path))
            if judged_on_other(rows, load_evidence(folder)):
                say(
                    f"results/{study}/verdicts.json was judged on other evidence; the page has verdicts on the "
                    f"evidence that is there, and `repro verdicts {study}` writes them too"
                )
                rows = _judged_here(claims, folder)
            results[study] = (folder, rows)
    for folder in recorded_folders(root):
        if folder.name not in results:
            results[folder.name] = (folder, _judged_here(claims, folder))
    if not results:
        raise UserError(
            f"{root}: no study has verdicts (results/STUDY/verdicts.json) or recorded evidence (evidence/STUDY); "
            "run `dvc repro` first"
        )
    return [results[name] for name in sorted(results)]


def _judged_here(claims: Path, folder: Path) -> list[Row]:
    return checked_rows(make_ledger(claims, [folder]).as_json())


def report_all_stage(project: Project, claims: Path | None = None) -> tuple[Path, list[str]]:
    """Write `results/report.html`; returns it and the studies' names. `claims`: by default the project's folder."""
    root = project.root
    folder_of_claims = claims or claims_folder(root)
    registry = load_registry(folder_of_claims / REGISTRY_FILE)
    path = root / "results" / "report.html"
    results = []
    for folder, rows in studies_at_hand(root, folder_of_claims):
        evidence = load_evidence(folder)
        own = root / "results" / evidence.study.study
        page = own / "report" / "report.html"
        results.append(
            StudyResults(
                evidence,
                rows,
                page=page.relative_to(path.parent).as_posix() if page.is_file() else None,
                retrieval=retrieval_at_hand(evidence, project.store, own / "prepared.json"),
            )
        )
    write_text(path, all_studies_html(results, registry))
    return path, [item.name for item in results]
