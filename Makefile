# make run   installs on first use, then serves the chat page, the API and its documentation
# make test  everything that must hold before a change is kept
# make help  lists the rest

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
RAG := $(BIN)/python -m rag.cli
INDEX := $(or $(RAG_DATA_DIR),index)
SAMPLE := corpus/hefei-2024.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
REQUIREMENTS := pyproject.toml constraints.txt requirements/torch-cpu.txt
PYTHON_IS_NEW := import sys; sys.exit(sys.version_info < (3, 11))

# The first Python that is new enough; PYTHON= names another.
PYTHON = $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c '$(PYTHON_IS_NEW)' 2>/dev/null && { echo $$each; break; }; done)

# HOST counts on the command line only: some shells export the machine's name under it.
SERVE := $(if $(PORT),--port $(PORT)) $(if $(filter command,$(firstword $(origin HOST))),--host $(HOST))

# An environment that was copied here from another place, or whose Python is gone, is made anew.
ifneq ($(shell [ "$$(cat $(VENV)/.place 2>/dev/null)" = "$(CURDIR)" ] && \
	$(BIN)/python -c '' 2>/dev/null && echo usable),usable)
.PHONY: $(VENV)/.place
endif

.PHONY: help
help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' $(MAKEFILE_LIST) | expand -t 20
	@echo "Variables: make run PORT=8001 HOST=0.0.0.0; PYTHON=python3.12 for another Python"

.PHONY: run
run: $(VENV)/.installed $(INDEX)/catalog.sqlite3  ## install when needed, index the sample when there is no index, serve
	@exec $(RAG) serve $(SERVE)

.PHONY: install
install: $(VENV)/.installed  ## only install

.PHONY: index
index: $(INDEX)/catalog.sqlite3  ## only index the sample, when there is no index

.PHONY: doctor
doctor: $(VENV)/.installed  ## check the installation, the model, the index, the disk and the port
	@$(RAG) doctor

.PHONY: test
test: $(VENV)/.installed-test  ## lint, formatting, types, import contracts and the whole suite
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

.PHONY: faults
faults: $(VENV)/.installed-test  ## break things on purpose, for minutes: 200 kills, long random lives
	FAULT_KILLS=200 FAULT_EXAMPLES=100 $(BIN)/python -m pytest -o faulthandler_timeout=3600 \
		tests/faults tests/contracts/test_engines.py

.PHONY: eval
eval: $(VENV)/.installed $(INDEX)/catalog.sqlite3  ## measure answers about the sample against known ones
	$(RAG) eval eval/data/hefei-2024.jsonl

.PHONY: constraints
constraints: $(VENV)/.installed-test  ## pin what is installed now in constraints.txt
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable \
		--exclude torch --exclude pip --exclude setuptools | grep -v -e ' @ ' -e '^nvidia-' \
		-e '^triton=' | LC_ALL=C sort -f; } > constraints.new
	@mv constraints.new constraints.txt

.PHONY: clean
clean:  ## remove the environment and all caches; the index stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src ui eval tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.place:
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(PYTHON_IS_NEW)'; then \
		echo "Python 3.11 or newer is needed; found: $$(python3 --version 2>&1)." \
			"Install one, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python ($(PYTHON)) has no venv module." \
			"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@if [ -e $@ ]; then rm -rf $(VENV); fi
	$(PYTHON) -m venv $(VENV)
	@printf '%s' "$(CURDIR)" > $@

# A stamp is written last, after the installation has passed its own check: one that broke off in
# the middle is taken up again.
$(VENV)/.installed: $(VENV)/.place $(REQUIREMENTS)
	@echo "Installing, once: about 2 GB on disk, some minutes."
	$(PIP) install --no-deps -r requirements/torch-cpu.txt
	$(PIP) install -c constraints.txt -e .
	@$(RAG) doctor --installation
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e ".[test]"
	@touch $@

# A half-made index does not count as one: what there is of it was made by this rule.
$(INDEX)/catalog.sqlite3: | $(VENV)/.installed
	@$(RAG) index $(SAMPLE) || { rm -f $@ $@-wal $@-shm; exit 1; }
