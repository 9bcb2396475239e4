# Every target does its own set-up; a stamp makes the next call start at once.
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
SETUP := pyproject.toml constraints.txt tools/environment.py

.PHONY: help demo test check clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    train a network on handwritten digits and report on it"
	@echo "make test    run every test"
	@echo "make check   format, lint, import contracts, types, tests, documentation"
	@echo "make clean   remove the environment and every cache; runs/ stays"

demo: .venv/.runtime
	@$(BIN)/mica train digits

test: .venv/.dev
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

check: .venv/.dev
	@$(BIN)/python tools/check.py

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

.venv/.runtime: $(SETUP)
	@$(PYTHON) tools/environment.py runtime

.venv/.dev: $(SETUP) | .venv/.runtime
	@$(PYTHON) tools/environment.py dev
