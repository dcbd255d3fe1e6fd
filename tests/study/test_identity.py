"""Identities that runs already have: new settings must leave them alone."""

from __future__ import annotations

import shutil

import pytest

from repro.study.identity import run_identity
from repro.study.load import load_study
from tests.project_copy import write_yaml
from tests.study.test_load import ROOT

KNOWN = {"smoke": "0760ce210f2917f060b3", "decay": "3a41bd896102e96a1aec"}
"""Of base, seed 1, pictures of digest 000..."""


@pytest.mark.parametrize("study", KNOWN)
def test_runs_of_these_studies_keep_their_names(study, tmp_path):
    """If this fails, finished and recorded runs are trained anew: change a study or TRAINING_VERSION knowingly."""
    shutil.copytree(ROOT / "studies", tmp_path / "studies")
    shutil.copy(ROOT / "variants.yaml", tmp_path)
    write_yaml(tmp_path / "params.yaml", {"studies": {study: "procedural"}})
    assert run_identity(load_study(tmp_path, study).settings["base"], 1, "0" * 64) == KNOWN[study]
