"""Every registered type of statistical test has its form, and a form takes the samples that it is made for."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from repro.verdicts.authoring.samples import Ordered
from repro.verdicts.forms.form import Form
from repro.verdicts.forms.table import form_of
from repro.verdicts.judging.judge import finding_on
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.test_types import FORMS, StatisticalTest
from tests.made_up import MadeUp


@pytest.mark.parametrize("test", get_args(StatisticalTest), ids=lambda test: test.__name__)
def test_every_statistical_type_has_a_form(test: type[StatisticalTest]) -> None:
    found = form_of(test.model_construct())
    assert isinstance(found, Form)
    assert found.test is test


def test_types_are_found_by_the_name_that_the_file_has(registry: Registry) -> None:
    for entry in registry:
        if entry.test is not None:
            assert type(entry.test) is FORMS[entry.test.form]


def test_samples_of_another_form_are_refused(registry: Registry) -> None:
    test = registry["S61c"].test
    assert isinstance(test, StatisticalTest)
    made = MadeUp(variants=("base", "no_weight_decay"), seeds=range(6), family=("S61c",))
    evidence = made.evidence()
    with pytest.raises(ValueError, match="form direction does not take Ordered"):
        finding_on(evidence, test, registry.gates, Ordered(test.variants), range(6))


def test_reading_the_registry_imports_nothing_that_judges() -> None:
    """Every command reads the registry, and training notes it."""
    heavy = ["numpy", "scipy", "torch", "repro.verdicts.forms", "repro.evidence"]
    code = f"import sys, repro.verdicts.registry.registry; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
