# What can be done here; `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help demo ui airflow test lint lock bench clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The oldest acceptable is 3.11; a newer one is taken first. `make PYTHON=/path/to/python3.12 …` overrides.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
# Where `make ui` listens.
PORT ?= 8080
UV_VERSION = $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  %-12s %s\n' "$$name" "$$text"; done

demo: $(READY) ## the main job on a real Airflow and real flights, told as it happens (a few minutes)
	@$(BIN)/python -m dags_examples.demo

ui: $(READY) ## Airflow with the demo's history at http://localhost:8080 (or PORT=…), until Ctrl-C
	@$(BIN)/python -m dags_examples.demo ui --port $(PORT)

airflow: $(READY) ## the demo's `airflow` on the command line: make airflow ARGS="dataops gate list"
	@$(BIN)/python -m dags_examples.demo airflow $(ARGS)

test: $(READY) ## all tests, on every core; some of them: make test ARGS="tests/core"
	@$(BIN)/python -m pytest $(or $(ARGS),-n auto)

lint: $(READY) ## ruff, mypy and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## what a gate costs beside hand-written SQL and its peers: make bench ARGS="--rows 10000000 --write"
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(READY) ## renew requirements.lock from pyproject.toml, taking the newest versions
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
		--all-extras --group dev --group demo --no-emit-index-url --upgrade --quiet pyproject.toml -o requirements.lock

clean: ## remove what these targets made: the environment, the demo's state, caches
	rm -rf $(VENV) .bench .demo dist build .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made anew when the lock or the package's own metadata changes.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with venv is needed and none was found." \
		"Install one (Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12 demo" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) from requirements.lock (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
