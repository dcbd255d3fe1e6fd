"""Families of claims on drawn evidence: which verdicts are true there, how often one is wrong, what is found.

Everything that judges is the project's own: its registry, its claims, its decision code. Only the gates that a
world's errors could shut are opened; the others are open on drawn evidence.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from repro.evidence.directory import Evidence
from repro.evidence.record import StudyRecord
from repro.files import write_text
from repro.randomness import generator
from repro.study.load import load_study
from repro.verdicts.authoring.claim import Claim, load_claims
from repro.verdicts.authoring.scale import TRAINING_PICTURES, at_paper_scale
from repro.verdicts.authoring.study_evidence import StudyEvidence
from repro.verdicts.judging.claim_outcomes import study_outcomes
from repro.verdicts.judging.decision import Looks, counted
from repro.verdicts.registry.registry import Registry, load_registry
from repro.verdicts.registry.test_types import StatisticalTest
from repro.verdicts.statistics.estimates import T_CAUTION
from repro.verdicts.statistics.multiplicity import corrected
from repro.verdicts.statistics.power import welch_power
from simulations.null_evidence import ALIKE, NullStudy, Shape, TowerNets
from simulations.null_world import Kind, Part, World, make_world, parts_of

ROOT = Path(__file__).resolve().parents[1]
EVERYTHING, FULL_SCALE = "everything", "full scale"
WITH_EVERY_VARIANT = "exercise"
"""The study whose settings the two made-up studies have."""
BY_FORM: Mapping[Kind, Mapping[str, frozenset[str]]] = {
    "nothing": {
        "tower_contrast": frozenset({"contradicted"}),
        "most_runs": frozenset({"contradicted"}),
        "every_run": frozenset({"contradicted"}),
        "fair_coin": frozenset({"supported"}),
    },
    "one": {
        "tower_contrast": frozenset({"supported"}),
        "most_runs": frozenset(),
        "every_run": frozenset({"contradicted"}),
        "fair_coin": frozenset(),
    },
}
"""Verdicts that are true of the towers: no kernel knows its tower, or half of the nets are divided, four in
five of them with the colour in the second tower."""
TOWERS: Mapping[Kind, TowerNets] = {"nothing": ALIKE, "one": TowerNets(split_share=0.5, second=0.8)}


BEYOND_IT = ("scale", "missing_runs", "hardware", "fidelity")
"""Why a study may have nothing to say about a statement, whatever its runs."""


@dataclass(frozen=True)
class Design:
    """A study to be drawn. `seeds` and `looks` of None: as it stands in studies/."""

    study: str
    seeds: int | None = None
    looks: Looks | None = None


@lru_cache(maxsize=1)
def project() -> tuple[Registry, dict[str, Claim]]:
    """The project's registry, with the gates opened that a world's errors could shut, and its claims."""
    registry = load_registry(ROOT / "claims" / "statements.yaml")
    opened: dict[str, dict[str, float]] = {
        "trained": {"training_error_below_share_of_chance": 1e9},
        "learned": {"training_error_below_share_of_chance": 1e9},
        "settled": {"fall_at_most": 1e9, "points_at_least": 1},
        "errors_left": {"training_error_at_least": -1e9},
    }
    changed = {name: getattr(registry.gates, name).model_copy(update=rule) for name, rule in opened.items()}
    gates = registry.gates.model_copy(update=changed)
    return replace(registry, gates=gates), load_claims(ROOT / "claims")


@lru_cache(maxsize=32)
def record_of(design: Design) -> StudyRecord:
    """The study as its evidence would name it."""
    registry, _ = project()
    own = design.study not in (EVERYTHING, FULL_SCALE)
    name = design.study if own else WITH_EVERY_VARIANT
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ROOT / "studies", root / "studies")
        shutil.copy(ROOT / "variants.yaml", root)
        write_text(root / "params.yaml", f"studies: {{{name}: procedural, full: procedural}}\n")
        resolved, printed = load_study(root, name), load_study(root, "full").settings["base"]
    study = resolved.study
    statistical = [entry.id for entry in registry if entry.scope == "statistical"]
    family = counted(study.family, repeats=registry.repeats, definitions=registry.definitions) if own else statistical
    full = design.study == FULL_SCALE
    held_out = 50_000 if full else 1000
    seeds = study.seeds if design.seeds is None else tuple(range(design.seeds))
    classes = 1000 if full else 10
    train = TRAINING_PICTURES[2012] if full else 4000
    settings = {key: value.model_dump(mode="json") for key, value in resolved.settings.items()}
    if not own:  # the drawn curves are of one rate; one that falls at a fixed step leaves S60b without a verdict
        for value in settings.values():
            value["training"]["schedule"] |= {"kind": "steps", "at": []}
    if full:  # whether a study is at the paper's scale is read off its base
        settings["base"] = printed.model_dump(mode="json")
    return StudyRecord(
        study=design.study,
        summary="drawn",
        fidelity="paper",
        scaling="none" if full else "small",
        classes=classes,
        class_names=tuple(f"class{number}" for number in range(classes)),
        data={
            "name": "lsvrc" if full else "procedural",
            "digest": "0",
            "counts": {"train": train, "held_out": held_out, "validation": 0},
            "size": 256 if full else 56,
            "crop": 224 if full else 46,
        },
        settings=settings,
        deviations={name: [] for name in study.variants},
        variants=study.variants,
        seeds=seeds,
        looks=design.looks or study.looks,
        family=tuple(family),
        versions={},
        machine={},
        device="cpu",
        git_commit=None,
        command="drawn",
        created="",
        evaluation={"neighbour_queries": held_out},
        tuned={name: {"rate": 0.01, "interior": True, "criterion": "iterations"} for name in study.variants},
    )


def asked(evidence: Evidence) -> dict[str, list[Part]]:
    """The parameters of each registered statistical statement that this study can speak about.

    They are those of the samples that the statement's own claim picks; none for the forms on towers.
    """
    registry, claims = project()
    classes, full = evidence.study.classes, at_paper_scale(evidence)
    parameters: dict[str, list[Part]] = {}
    for name, (verdict, _) in study_outcomes(registry, claims, evidence, bare=True).items():
        entry = registry[name]
        if isinstance(entry.test, StatisticalTest) and verdict.code not in BEYOND_IT:
            samples = claims[name].function(StudyEvidence(evidence, entry, registry.printed))
            parameters[name] = parts_of(entry.test, samples, paper_scale=full, classes=classes)
    return parameters


@dataclass(frozen=True)
class NullFamily:
    """A study in one world, ready to be drawn, with the verdicts that are true there."""

    study: NullStudy
    right: Mapping[str, frozenset[str]]


@lru_cache(maxsize=8)
def null_family(design: Design, kind: Kind, shape: Shape) -> NullFamily:
    record = record_of(design)
    first_look = NullStudy(record, World("nothing"), "normal").draw(generator("samples"))
    parameters = asked(first_look)
    world = make_world(kind, [parts for parts in parameters.values() if parts])
    registry, _ = project()
    right = {}
    for name, parts in parameters.items():
        test = registry[name].test
        assert test is not None
        right[name] = world.right_verdicts(parts) if parts else BY_FORM[kind][test.form]
    return NullFamily(NullStudy(record, world, shape, TOWERS[kind]), right)


def wrong_families(design: Design, kind: Kind, shape: Shape, families: int, chunk: int = 0) -> Counter[str]:
    """In how many families any verdict is wrong (under "any"), and how often each statement's is."""
    registry, claims = project()
    null = null_family(design, kind, shape)
    family = set(null.study.record.family)
    rng = generator("null evidence", str(design), kind, shape, chunk)
    wrong: Counter[str] = Counter({"any": 0})
    for _ in range(families):
        outcomes = study_outcomes(registry, claims, null.study.draw(rng), bare=True)
        mistaken = [
            name
            for name in family & outcomes.keys()
            if (outcome := outcomes[name][0].outcome) in ("supported", "contradicted")
            and outcome not in null.right.get(name, frozenset())
        ]
        wrong.update(mistaken)
        wrong["any"] += bool(mistaken)
    return wrong


def shares_supported(
    design: Design, sd: float, families: int, effects: Mapping[str, float], chunk: int = 0
) -> dict[str, float]:
    """Share of planted effects (points) that come out supported, each in a family that is null otherwise."""
    registry, claims = project()
    record = record_of(design)
    null = null_family(design, "nothing", "normal")
    world = World("nothing", dict(null.study.world.means))
    parameters = asked(null.study.draw(generator("samples")))
    for name, effect in effects.items():
        (part,) = parameters[name]
        moved = part.cell if part.cell[0] != "base" else part.against
        assert not isinstance(moved, float)
        world.means[moved] = world.mean(moved) + (effect / 100 if moved == part.cell else -effect / 100)
    study = NullStudy(record, world, "normal", deviation=sd)
    rng = generator("planted effects", str(design), sd, chunk)
    hits: Counter[str] = Counter()
    for _ in range(families):
        outcomes = study_outcomes(registry, claims, study.draw(rng), bare=True)
        hits.update(name for name in effects if outcomes[name][0].outcome == "supported")
    return {name: hits[name] / families for name in effects}


def stated_power(effect: float, sd: float, n: int, alpha: float) -> float:
    """Power that the detectable effects of verdicts imply for an effect (both in points)."""
    return welch_power(effect / (sd * math.sqrt(2.0 / n)), n, alpha / T_CAUTION)


def first_step(design: Design) -> int:
    """What the family's level is divided by where a statement that heads its chain is tested first."""
    registry, _ = project()
    family = record_of(design).family
    return max(
        correction.step
        for name, correction in corrected({}, family, registry.after, 0.05).items()
        if name not in registry.after
    )
