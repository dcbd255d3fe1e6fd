"""The project's own registry and claims, and facts measured once on the project's own code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.verdicts.authoring.claim import Claim, load_claims
from repro.verdicts.judging.claim_outcomes import study_outcomes
from repro.verdicts.judging.verdict import Verdict
from repro.verdicts.registry.registry import Registry, load_registry
from tests.made_up import VARIANTS, MadeUp

CLAIMS = Path(__file__).resolve().parents[2] / "claims"


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry(CLAIMS / "statements.yaml")


@pytest.fixture(scope="session")
def claims() -> dict[str, Claim]:
    return load_claims(CLAIMS)


@pytest.fixture(scope="session")
def facts() -> dict[str, Any]:
    from repro.facts.measure import measure_facts

    return {"paper": measure_facts("paper")}


@pytest.fixture
def judge(registry: Registry, claims: dict[str, Claim]) -> Any:
    """The verdict on one statement by made-up evidence that is registered for it alone, or for a family.

    Evidence whose variants were not chosen has those that the claim reads first.
    """

    def judged(made: MadeUp, statement: str, family: tuple[str, ...] = ()) -> Verdict:
        family = family or (statement,)
        needed = dict.fromkeys(("base", *getattr(registry[statement].test, "variants", ())))
        made = replace(
            made,
            family=family,
            registry={name: registry.digest(name) for name in family},
            registered={} if made.registered is None else made.registered,
            variants=tuple(needed) if made.variants is VARIANTS else made.variants,
        )
        evidence = made.evidence()
        judged_alone = {name: claims[name] for name in (statement, *family) if name in claims}
        verdict, error = study_outcomes(registry, judged_alone, evidence)[statement]
        if error is not None:
            raise error
        return verdict

    return judged
