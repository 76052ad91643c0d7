# Sparrow: `make demo` shows it, `make test` proves it. Needs Python 3.11-3.13 and make, nothing else.
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3 python; do \
	"$$p" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := .venv/bin
STAMP := .venv/.installed
PROCESSES ?= 2

.PHONY: demo test check bench env soak lock clean
.DEFAULT_GOAL := help

help:  ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: env  ## build a release from the built-in ratings and serve it on http://localhost:6010
	$(BIN)/sparrow up

test: env  ## every test but the long ones, in two processes
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadscope

check: env  ## ruff, strict mypy and the architecture test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: env  ## speeds, as ratios against peers in the same run
	$(BIN)/python -m benchmarks

soak: env  ## the long tests
	$(BIN)/python -m pytest -m soak

env: $(STAMP)  ## the environment in .venv, with every extra

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Sparrow needs Python 3.11, 3.12 or 3.13 with the venv module, and found none." \
		"Install one (Debian: apt install python3 python3-venv) or name it: make env PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 14) and \
		f"Sparrow needs Python 3.11, 3.12 or 3.13; $(PYTHON) is {v[0]}.{v[1]}. Name another: make env PYTHON=/path/to/python3.12")'
	$(PYTHON) -m venv .venv
	@# The lock names every package there is to install; --no-deps, since one of them asks for tensorflow under another name.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

PIN := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --quiet

lock: env  ## re-pin requirements.lock and the server image's part of it from pyproject.toml
	$(BIN)/$(PIN) --all-extras --upgrade --output-file requirements.lock
	$(BIN)/$(PIN) --extra redis --constraint requirements.lock --output-file deploy/serving.lock

clean:  ## remove the environment and the state
	rm -rf .venv var
