# Everything runs in an environment of its own, .venv, made at the first call and again when the requirements change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DETECTOR := .venv-detector
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --quiet

.DEFAULT_GOAL := help
.PHONY: help install detector run test coverage lint viz docs clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

install: $(INSTALLED) ## make the environment and install the project

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing (about 7 GB with torch, some minutes) ..."
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,viz]'
	@touch $@

detector: $(DETECTOR)/.installed ## install what the tests of MegaDetector need, in a folder of its own

$(DETECTOR)/.installed: requirements-detector.txt | $(INSTALLED)
	rm -rf $(DETECTOR)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(DETECTOR) --requirement $<
	@touch $@

run: install ## walk the whole road on the sample island, from the export to the report
	@$(BIN)/kedro run

test: install ## run the tests side by side
	@$(PYTEST)

coverage: install ## run the tests, more slowly, and tell which lines none of them reaches
	@$(PYTEST) --cov --cov-report=term

lint: install ## check style, types, the direction of imports and the Dockerfile
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

viz: install ## open the graph of the pipelines in a browser
	@$(BIN)/kedro viz run

docs: install ## build the documentation into site/, to be opened at site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean: ## remove what the pipelines made (not exports, downloaded images and the environment)
	rm -rf data/01_raw/sample_island data/02_intermediate/*.* data/0[3-8]_*
