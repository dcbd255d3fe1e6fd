"""What this page is about: pictures, scale, recipe, runs, machine, program, date."""

from __future__ import annotations

from dataclasses import dataclass

from repro.evidence.directory import Evidence
from repro.report.drawing import words
from repro.report.drawing.class_words import class_words
from repro.verdicts.authoring.scale import at_paper_scale

MOST_NAMES = 40
"""Class names written out; with more, the number alone stands there."""


@dataclass(frozen=True)
class Item:
    """A line of the description."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Masthead:
    """Title, summary, the sentence on what the verdicts speak about, and the description."""

    study: str
    summary: str
    scope: str
    items: tuple[Item, ...]
    class_names: tuple[str, ...]
    more_classes: int


def masthead(evidence: Evidence) -> Masthead:
    """Everything from the evidence itself, so that the same evidence gives the same page."""
    names = evidence.study.class_names
    return Masthead(
        study=evidence.study.study,
        summary=evidence.study.summary,
        scope=scope(evidence),
        items=tuple(_items(evidence)),
        class_names=tuple(class_words(name) for name in names[:MOST_NAMES]),
        more_classes=max(0, len(names) - MOST_NAMES),
    )


def scope(evidence: Evidence) -> str:
    """What a verdict here is about, in two sentences."""
    study = evidence.study
    counts = study.data.get("counts", {})
    about = (
        "Every verdict on trained nets speaks about these pictures at this scale only: "
        f"{study.data.get('name', 'unnamed data')}, {words.count(study.classes)} classes, "
        f"{words.count(counts.get('train'))} training pictures, "
        f"crops of {words.count(study.data.get('crop'))} pixels."
    )
    if at_paper_scale(evidence):
        return f"{about} That is the paper's own scale, so its magnitudes are compared too."
    return (
        f"{about} That is not the paper's scale: a verdict here neither confirms nor refutes what the paper "
        "reports for ImageNet, and no magnitude is compared with its numbers."
    )


def _items(evidence: Evidence) -> list[Item]:
    study = evidence.study
    data, machine = study.data, study.machine
    counts = data.get("counts", {})
    runs = [run for variant in study.variants for run in evidence.of(variant)]
    expected = len(study.variants) * len(study.seeds)
    failed = sum(run.status != "finished" for run in runs)
    seconds = [value for run in runs if (value := words.finite(run.scalar("cpu_seconds"))) is not None]
    computing = [f"{words.duration(sum(seconds))} of processor time"] if seconds else []
    splits = [f"{words.count(counts[name])} {words.named(name)}" for name in counts if counts[name]]
    looks = "two looks, after 6 and 12 seeds" if study.looks == "two" else "one look, at all seeds"
    return [
        Item("Data", str(data.get("name", "unnamed")), f"digest {str(data.get('digest', 'unknown'))[:12]}"),
        Item("Pictures", ", ".join(splits) or words.DASH, f"{words.count(study.classes)} classes"),
        Item(
            "Scale",
            f"{words.count(data.get('size'))} px, crops of {words.count(data.get('crop'))} px",
            _rule(study.scaling),
        ),
        Item("Recipe", f"fidelity “{study.fidelity}”", _FIDELITY.get(study.fidelity, "")),
        Item("Variants", words.count(len(study.variants)), ", ".join(study.variants)),
        Item("Seeds", words.count(len(study.seeds)), f"{', '.join(map(str, study.seeds))}; {looks}"),
        Item("Runs", f"{len(runs)} of {expected}", "; ".join([_failures(failed), *computing])),
        Item("Machine", str(machine.get("processor", "unknown")), _machine(evidence)),
        Item("Versions", ", ".join(f"{name} {value}" for name, value in study.versions.items()) or words.DASH),
        Item("Command", study.command, f"commit {(study.git_commit or 'unknown')[:12]}"),
        Item("Made", study.created),
    ]


_FIDELITY = {
    "paper": "as printed, but for the departures listed above",
    "authors": "as the authors' released code ran it",
    "modern": "as people run it now, one tower",
}


def _rule(scaling: str) -> str:
    return "the paper's own values" if scaling == "none" else f"scaled by the rule “{scaling}”"


def _failures(failed: int) -> str:
    return "none collapsed" if failed == 0 else f"{failed} collapsed or diverged"


def _machine(evidence: Evidence) -> str:
    machine = evidence.study.machine
    parts = [f"{machine['cores']} cores"] if machine.get("cores") else []
    if words.finite(machine.get("memory_bytes")) is not None:
        parts.append(words.gibibytes(machine["memory_bytes"]))
    parts += [str(name) for name in machine.get("accelerators") or ()]
    parts += [str(machine["system"])] if machine.get("system") else []
    return ", ".join([*parts, f"device {evidence.study.device}"])
