"""Whether the paper's own comparisons exceed noise: computed from its error rates, against z values by hand."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from repro.verdicts.judging.ledger import make_ledger
from repro.verdicts.registry.papers_evidence import PaperErrors, papers_evidence, z_of_pictures, z_of_runs
from repro.verdicts.registry.registry import Registry
from tests.verdicts.conftest import CLAIMS


@pytest.mark.parametrize(
    ("statement", "z"), [("S30", (9.6, 8.8)), ("S38", (4.4, 4.7)), ("S41", (1.27, 1.23)), ("S54", (8.7, 9.3))]
)
def test_z_of_the_papers_pictures(statement: str, z: tuple[float, float], registry: Registry) -> None:
    found = [z_of_pictures(errors) for errors in registry[statement].paper_errors]
    assert found == pytest.approx(z, abs=0.05)


@pytest.mark.parametrize(("sd", "z"), [(0.14, 10.0), (0.2, 7.0), (0.3, 14 / 3)])
def test_z_of_a_run_is_the_difference_in_its_own_sds(sd: float, z: float) -> None:
    errors = PaperErrors(guesses=1, first=0.4 + z * sd * math.sqrt(2) / 100, second=0.4, pictures=1000)
    assert z_of_runs(errors, sd) == pytest.approx(z)


def test_overlapping_pooling_alone_is_within_noise(registry: Registry) -> None:
    within = {
        entry.id for entry in registry for errors in entry.paper_errors if not papers_evidence(errors)["exceeds_noise"]
    }
    assert within == {"S41"}


def test_the_same_net_answering_twice_has_no_noise_of_runs() -> None:
    alike = {"guesses": 1, "first": 0.380, "second": 0.375, "pictures": 150_000}
    two_nets, one_net = PaperErrors(**alike), PaperErrors(**alike, same_net=True)
    assert papers_evidence(two_nets)["exceeds_noise"] is False
    assert papers_evidence(one_net)["exceeds_noise"] is True
    assert papers_evidence(one_net)["z_runs"] == {}


def test_order_of_the_nets_does_not_matter_to_z() -> None:
    one = PaperErrors(guesses=1, first=0.41, second=0.40, pictures=50_000)
    other = PaperErrors(guesses=1, first=0.40, second=0.41, pictures=50_000)
    assert z_of_pictures(one) == z_of_pictures(other)
    assert papers_evidence(one)["difference"] == -papers_evidence(other)["difference"]


def test_errors_are_fractions() -> None:
    with pytest.raises(ValidationError):
        PaperErrors(guesses=1, first=39.17, second=37.47, pictures=150_000)


def test_the_ledger_says_it_beside_the_verdict(registry: Registry) -> None:
    rows = {row["id"]: row for row in make_ledger(CLAIMS, []).as_json()}
    top1, top5 = rows["S38"]["paper_evidence"]
    assert (top1["guesses"], top5["guesses"], top1["pictures"]) == (1, 5, 50_000)
    assert top1["z_pictures"] == pytest.approx(4.4, abs=0.05)
    assert set(top1["z_runs"]) == {"0.14", "0.2", "0.3"}
    assert rows["S12"]["paper_evidence"] == []
    assert rows["S90"]["paper_evidence"][0]["assumed"]
