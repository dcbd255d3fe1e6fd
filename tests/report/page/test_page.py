"""The report page: complete, well formed, self-contained, safe, and the same for the same evidence."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from repro.evidence.directory import Evidence, write_evidence
from repro.report.page.page import report_html, write_report
from repro.verdicts.judging.ledger import make_ledger
from tests.report.made_up_study import (
    ROOT,
    arrays_of,
    collapsed_run,
    made_up_study,
    run_record,
)
from tests.report.reading import Page, plain
from tests.report.rendered import REGISTRY, ROWS, page, verdicts_shown


@pytest.fixture(scope="module")
def whole() -> Page:
    return page()


def test_every_statement_has_its_article_with_verdict_and_reason(whole: Page) -> None:
    assert verdicts_shown(whole) == {row["id"]: row["verdict"] or "no_claim_yet" for row in ROWS}
    for row in ROWS:
        assert plain(row["statement"]) in whole.text, row["id"]
        assert row["verdict"] is None or plain(row["reason"]) in whole.text, row["id"]


def test_cells_of_the_map_are_the_verdicts(whole: Page) -> None:
    cells = {a["data-of"]: (a["data-verdict"], a["href"]) for a in whole.of_class("cell")}
    assert cells == {row["id"]: (row["verdict"] or "no_claim_yet", f"#{row['id']}") for row in ROWS}


def test_the_filter_finds_what_it_offers(whole: Page) -> None:
    articles = [a for tag, a in whole.tags if tag == "article"]
    judgements = whole.of_class("judgement")
    assert len(judgements) == len(articles) == len(ROWS)
    assert [a["data-verdict"] for a in judgements] == [a["data-verdict"] for a in articles]
    options = whole.values("value", "option")
    assert {a["data-section"] for a in articles} == set(options) - {""} == {row["section"] for row in ROWS}
    assert {a["data-kind"] for a in articles} == {row["kind"] for row in ROWS}
    offered = [a["value"] for tag, a in whole.tags if tag == "input" and a.get("name") == "verdict"]
    assert set(offered) == {row["verdict"] or "no_claim_yet" for row in ROWS}
    form = next(a for tag, a in whole.tags if tag == "form")
    assert "hidden" in form, "without the script there is nothing to filter with"


def test_controls_are_named_and_reachable(whole: Page) -> None:
    assert not [a for _, a in whole.tags if (a.get("tabindex") or "0") != "0"]
    assert all(a.get("aria-label") for _, a in whole.tags if a.get("role") in ("region", "search", "img"))
    assert "skip" in (whole.tags[[tag for tag, _ in whole.tags].index("a")][1].get("class") or "")


def test_sources_stand_beside_the_verdicts(whole: Page) -> None:
    for row in ROWS:
        if row["paper"]:
            assert plain(row["paper"]) in whole.text
        if row["authors"]:
            assert row["authors"]["number"] in whole.text
            assert row["authors"]["file"] in whole.text


def test_counts_are_those_of_the_verdicts(whole: Page) -> None:
    for verdict in ("supported", "contradicted", "inconclusive", "not_evaluated", "untestable", None):
        number = sum(row["verdict"] == verdict for row in ROWS)
        word = (verdict or "no_claim_yet").replace("_", " ")
        assert re.search(rf"{number} \S {word}", whole.text), word


def test_numbers_of_a_statistical_verdict(whole: Page) -> None:
    assert "+1.31 points" in whole.text
    assert "0.42 to 2.20" in whole.text
    assert "p adjusted0.0093" in whole.text.replace("p adjusted 0", "p adjusted0")
    assert "fragile" in whole.text


def test_ids_are_unique_and_links_lead_somewhere(whole: Page) -> None:
    ids = whole.values("id")
    assert len(set(ids)) == len(ids)
    for target in whole.values("href", "a"):
        assert target.startswith("#")
        assert target[1:] in ids


def test_nothing_is_loaded_from_outside(whole: Page) -> None:
    assert not {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in whole.tags}
    assert all(source.startswith("data:image/") for source in whole.values("src") + whole.values("href", "image"))
    text = report_html(made_up_study(), ROWS, REGISTRY)
    assert not re.search(r"(src|href|srcset|action)\s*=\s*[\"']?\s*(https?:)?//", text)
    for word in ("@import", "url(", "fetch(", "XMLHttpRequest", "http://", "https://"):
        assert word not in text


def test_the_one_script_is_the_one_that_the_policy_names(whole: Page) -> None:
    (script,) = whole.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(a["content"] for tag, a in whole.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
    ]
    assert not [a for _, a in whole.tags if any(name.startswith("on") for name in a)]


def test_pictures_and_drawings_are_described(whole: Page) -> None:
    assert all(a.get("alt") for tag, a in whole.tags if tag == "img")
    drawings = [a for tag, a in whole.tags if tag == "svg" and not {"x", "y"} & set(a)]
    assert all(a.get("aria-label") or a.get("aria-hidden") for a in drawings)


def test_every_kernel_of_the_large_run_has_its_chroma_share(whole: Page) -> None:
    alts = [alt for alt in whole.values("alt") if alt.startswith("kernel ") and "chroma" in alt]
    assert len(alts) == 48
    assert sum("excluded" in alt for alt in alts) == 4


def test_a_seeds_runs_carry_its_class_in_every_figure(whole: Page) -> None:
    for seed in (10, 11, 12):
        tags = {tag for tag, a in whole.tags if f"seed-{seed}" in (a.get("class") or "").split()}
        assert {"circle", "polyline", "figure", "tr"} <= tags
    kernels = [a for tag, a in whole.tags if tag == "circle" and "seed-" not in (a.get("class") or "")]
    assert kernels, "a kernel's dot belongs to no seed"
    (script,) = whole.scripts
    assert "pointerover" in script
    (body,) = [a for tag, a in whole.tags if tag == "body"]
    assert body["data-study"] == "smoke", "seeds are linked within a study"


def test_the_towers_section_says_how_the_division_comes_about(whole: Page) -> None:
    assert "How the division comes about Exploratory: no verdict reads these figures." in whole.text
    assert "J along training: means over the runs behind them" in whole.text
    assert "base, untrained" in whole.text
    assert "singular vector" in whole.text


def test_verdicts_under_other_choices_say_which_one_decides(tmp_path: Path) -> None:
    made = made_up_study()
    rows = json.loads(json.dumps(judged_rows(made, tmp_path)))
    read = page(made, rows)
    decided = [row["id"] for row in rows if row["study"] and row["estimate"] is not None]
    assert len(read.of_class("choices")) == sum(REGISTRY[name].repeats is None for name in decided)
    assert "The registered choice alone decides." in read.text
    assert "Paired by seed" in read.text
    assert "One seed left out" in read.text
    assert not page().of_class("choices"), "those verdicts do not follow from that evidence"


def judged_rows(evidence: Evidence, folder: Path) -> list[dict[str, Any]]:
    """The verdicts of the project's own claims on it."""
    study = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(evidence.study).items()}
    write_evidence(folder / "evidence", study, map(vars, evidence.runs), evidence.facts, evidence.arrays)
    return make_ledger(ROOT / "claims", [folder / "evidence"]).as_json()


def test_small_for_many_seeds() -> None:
    evidence = made_up_study(seeds=tuple(range(20)))
    evidence.arrays.update(arrays_of(evidence.of("base") + evidence.of("dense"), count=96, side=11))
    assert len(report_html(evidence, ROWS, REGISTRY).encode()) < 5_000_000


def test_same_evidence_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, made_up_study(), ROWS, REGISTRY)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_the_projects_registry_is_read_by_default(tmp_path: Path) -> None:
    write_report(tmp_path / "sub" / "report.html", made_up_study(), ROWS)
    assert (tmp_path / "sub" / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_settings_break_between_their_parts_and_are_written_as_a_person_would() -> None:
    study = made_up_study(
        summary="The recipe of `decay`.",
        deviations={"base": ["net.widths.fc: [4096, 4096] -> [128, 128]", "training.schedule.at: [] -> [0.8]"]},
    )
    text = report_html(study, ROWS, REGISTRY)
    assert "<code>training.<wbr>schedule.<wbr>at</code></th><td>none</td><td>0.8</td>" in text
    assert "<td>4096, 4096</td><td>128, 128</td>" in text
    assert "The recipe of “decay”." in text


HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> {{ 7 * 7 }} </style>"


def test_hostile_names_are_only_text() -> None:
    runs = [run_record(HOSTILE, 10, classes=2), run_record("base", 10), collapsed_run("base", 11)]
    runs[2] = run_record("base", 11, status="collapsed", collapse_reason=HOSTILE)
    evidence = made_up_study(
        runs,
        variants=("base", HOSTILE),
        settings={"base": {"net": {"a": 1}}, HOSTILE: {"net": {"a": HOSTILE, HOSTILE: 2}}},
        deviations={"base": [f"{HOSTILE}: 1 -> 2", HOSTILE]},
        class_names=(HOSTILE, "cat"),
        classes=2,
        study=HOSTILE,
        summary=HOSTILE,
        data={"name": HOSTILE, "digest": HOSTILE, "counts": {HOSTILE: 3}, "size": 56, "crop": 48},
        machine={"processor": HOSTILE, "accelerators": [HOSTILE], "system": HOSTILE},
        versions={HOSTILE: HOSTILE},
        command=HOSTILE,
    )
    rows = [
        {
            **row,
            "statement": HOSTILE,
            "reason": HOSTILE,
            "paper": HOSTILE,
            "flags": [HOSTILE],
            "section": HOSTILE,
        }
        for row in ROWS[:8]
    ]
    read = page(evidence, [{**row, "study": None, "kind": HOSTILE} for row in rows])
    assert len(read.scripts) == 1
    assert not [tag for tag, attributes in read.tags if "onerror" in attributes]
    assert all(source.startswith("data:") for source in read.values("src"))
    assert "49" not in read.text.replace("0.49", "")
    assert plain(html.unescape(HOSTILE)) in read.text


def test_a_verdict_on_another_study_is_not_shown_as_ours() -> None:
    rows = [{**row, "study": "full"} if row["id"] == "S61c" else row for row in ROWS]
    read = page(rows=rows)
    assert verdicts_shown(read)["S61c"] == "not_evaluated"
    assert "hold no judgement of it on smoke" in read.text
    both = [*rows, next(row for row in ROWS if row["id"] == "S61c")]
    read = page(rows=both)
    assert verdicts_shown(read)["S61c"] == "supported"


def test_scope_is_said_and_differs_at_the_papers_scale() -> None:
    assert "neither confirms nor refutes" in page().text
    counts = {"train": 1_281_167, "held_out": 50_000}
    full = made_up_study(
        classes=1000,
        scaling="none",
        data={"name": "ilsvrc", "counts": counts, "size": 256, "crop": 224},
        settings={"base": {"net": {}, "training": {}}},
    )
    assert "That is the paper's own scale" in page(full).text
