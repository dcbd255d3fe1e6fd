# Two commands do everything on a machine with Python 3.11 to 3.13, git and make:
#   make reproduce    environment, recorded verdicts, embedded pictures, the smoke study, verdicts, report
#   make test         the program's own tests
# TORCH=cpu behind either takes PyTorch's CPU build: no CUDA, 3 GB less on Linux.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	  command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' \
	  2>/dev/null && echo $$p && break; done)
RUN := .venv/bin/python -m
# The environment is in use whole or not at all: pip may be killed half-way.
READY := .venv/.ready

.PHONY: reproduce test pictures test-cluster bench bench-growth mutants check deps docs environment lock clean
.DEFAULT_GOAL := help

help:
	@sed -n '1,4s/^# \{0,1\}//p' Makefile

reproduce: pictures
	@$(RUN) repro results
	@echo
	$(RUN) dvc repro
	@echo
	@echo "The report: $(CURDIR)/results/smoke/report/report.html"
	@echo "The verdicts again, in seconds: .venv/bin/python -m pytest claims/"

# Tests start hundreds of processes; where bytecode may not be kept, as in many containers, each would compile the
# program anew.
test: pictures
	env -u PYTHONDONTWRITEBYTECODE $(RUN) pytest tests -m "not cluster" -n auto --dist worksteal

# DVC wants a git repository unless it is told that there is none, as in a downloaded archive of this one. Who makes it
# one later says: dvc config --local --unset core.no_scm
pictures: $(READY)
	@test -e .git || $(RUN) dvc config --local core.no_scm true
	$(RUN) dvc pull --quiet data.dvc

test-cluster: $(READY)
	$(RUN) pip install --quiet --disable-pip-version-check -c requirements.lock "ray>=2.50"
	$(RUN) pytest tests/cluster

# Ten minutes on two idle cores, into benchmarks/RESULTS.md; on a busy machine the figures are of no use.
bench: pictures
	$(RUN) benchmarks --all

# Twenty minutes, into docs/performance.md.
bench-growth: pictures
	$(RUN) benchmarks --growth

# make mutants MODULES="repro/net repro/evidence/merge.py" COUNT=60 SEED=0
# Behind it, once tests are written for those that survived: ONLY="4 11" TESTS="tests/net/test_layers.py"
COUNT ?= 60
SEED ?= 0
mutants: pictures
	@test -n "$(MODULES)" || { echo 'Name modules or folders: make mutants MODULES="repro/verdicts/statistics"' >&2; exit 2; }
	$(RUN) uv pip install --quiet --python .venv/bin/python -c requirements.lock "cosmic-ray>=8.4"
	$(RUN) tests.mutants $(MODULES) --count $(COUNT) --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(if $(TESTS),--tests $(TESTS))

check: $(READY)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	.venv/bin/lint-imports --no-logo

deps: $(READY)
	$(RUN) tests.pipeline.stage_code

docs: $(READY)
	$(RUN) repro.verdicts.telling.claims_page
	$(RUN) repro.report.page.results
	$(RUN) repro.report.page.evidence_tables

environment: $(READY)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and was not found; set PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	@TORCH=$(TORCH) sh bin/install
	@touch $(READY)

lock: $(READY)
	$(RUN) uv pip compile --universal --python-version 3.11 --extra dev -c constraints.txt \
	  --custom-compile-command "make lock" --quiet pyproject.toml -o requirements.lock

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
