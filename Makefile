# `make help` lists everything. Every target does its own set-up.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AGAIN = { echo "once more, alone: what failed"; $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -n 0

.DEFAULT_GOAL := help
.PHONY: help setup demo test long check format lint types soak pins bench promql-conformance clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

setup: $(READY) ## make the environment in .venv

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "holdfast needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …"; exit 1; }
	@echo "set-up: an environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "this Python has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements-uv.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes \
	  -r requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## one incident, live, on this machine: a bad release found, rolled back, proven
	@$(BIN)/holdfast lab demo

# Live tests share the machine: what failed is run once more, alone, and must pass then.
test: $(READY) ## all tests but the long ones
	@$(BIN)/python -m pytest || $(AGAIN); }

long: $(READY) ## the long tests: fixes and other kinds of incident, live
	@$(BIN)/python -m pytest -m long || $(AGAIN) -m long; }

check: $(READY) format lint types test long ## what CI runs: format, lint, types, all tests

format: $(READY)
	@$(BIN)/ruff format --check .

lint: $(READY)
	@$(BIN)/ruff check .

types: $(READY)
	@$(BIN)/pyright

soak: $(READY) ## the long runs: the demo killed at twelve points, ten healthy minutes
	@$(BIN)/python -m pytest -m soak -n 0 -s

bench: $(READY) ## print the tables of bench/
	@for program in bench/*.py; do $(BIN)/python $$program || exit 1; done

promql-conformance: $(READY) ## Prometheus's own PromQL tests against the embedded evaluator
	@$(BIN)/python bench/promql_conformance.py

pins: $(READY) ## make the pinned requirements anew
	@export UV_CUSTOM_COMPILE_COMMAND="make pins"; \
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --python-version 3.11 pyproject.toml -o requirements.txt && \
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --python-version 3.11 --group dev pyproject.toml -o requirements-dev.txt && \
	echo uv | $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --python-version 3.11 - -o requirements-uv.txt

clean: ## remove what the other targets made
	@rm -rf $(VENV) .pytest_cache .ruff_cache dist build
