"""The form of contrast between towers: J of two-tower nets against J of dense nets cut into halves, over runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.evidence.directory import Evidence
from repro.evidence.division import division
from repro.verdicts.authoring.samples import Towers
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.forms import two_arms
from repro.verdicts.forms.form import Form, Part, RunValues
from repro.verdicts.forms.planning import of_differences
from repro.verdicts.readings.readings import divisions_of, missing_runs
from repro.verdicts.registry.test_types import TowersTest, names_in
from repro.verdicts.registry.tests_of_towers import TowerContrastTest
from repro.verdicts.statistics.specialisation import NetDivision, rematch_p


def _judge(evidence: Evidence, test: TowerContrastTest, samples: Towers, seeds: Sequence[int]) -> Part:
    both = divisions_of_both(evidence, test, samples, seeds)
    if isinstance(both, NotEvaluated):
        return both
    split, control = both
    finding = two_arms.direction(
        [net.j for net in split],
        [net.j for net in control],
        larger="first",
        smallest_effect=test.smallest_effect,
        unit=test.unit,
    )
    # Towers that merely differ, each by its own luck, exceed dense halves too; division of labour pairs a colour
    # tower with a grey one in each net.
    return finding.remarked(
        rematch_p=rematch_p([net.shares for net in split]), beside=_beside(evidence, test, samples, seeds)
    )


def _beside(
    evidence: Evidence, test: TowerContrastTest, samples: Towers, seeds: Sequence[int]
) -> dict[str, list[float]]:
    """J of further variants and of untrained nets, for readers; only what is there."""
    shown: dict[str, list[float]] = {}
    for variant in test.beside:
        if variant in evidence.study.variants and missing_runs(evidence, [variant], seeds) is None:
            divisions = divisions_of(evidence, variant, seeds, test.specific_above)
            if not isinstance(divisions, NotEvaluated):
                shown[variant] = [net.j for net in divisions]
    untrained = divisions_of(evidence, samples.split, seeds, test.specific_above, initial=True)
    if not isinstance(untrained, NotEvaluated):
        shown[f"{samples.split}, untrained"] = [net.j for net in untrained]
    return shown


def divisions_of_both(
    evidence: Evidence, test: TowersTest, samples: Towers, seeds: Sequence[int]
) -> tuple[list[NetDivision], list[NetDivision]] | NotEvaluated:
    """The division of the two-tower nets and of the dense nets that are their control, seed by seed."""
    assert samples.control is not None  # the registry lets no test of a form that needs one name a single variant
    split = divisions_of(evidence, samples.split, seeds, test.specific_above)
    control = divisions_of(evidence, samples.control, seeds, test.specific_above)
    if isinstance(split, NotEvaluated):
        return split
    return control if isinstance(control, NotEvaluated) else (split, control)


def divisions_by_run(evidence: Evidence, test: TowersTest) -> Iterator[RunValues]:
    """J of each recorded run of each variant that the test names, where its kernels' responses are stored."""
    for variant in names_in(test.model_dump(mode="json"), evidence.study.variants):
        by_seed = {}
        for run in evidence.of(variant):
            if evidence.has_array(run.identity, "conv1_chroma_response"):
                shares = evidence.array(run.identity, "conv1_chroma_response")
                live = evidence.array(run.identity, "conv1_live")
                by_seed[run.seed] = division(shares, live, test.specific_above)
        if by_seed:
            yield RunValues(variant, "J", "J", list(by_seed), list(by_seed.values()))


TOWER_CONTRAST = Form(
    TowerContrastTest, (Towers,), _judge, lambda test, plan: of_differences(test, plan, ("J",)), divisions_by_run
)
