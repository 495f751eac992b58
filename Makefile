# Everything a developer runs. Each target sets up what it needs in .venv first, so an empty
# clone and any Python of 3.11 or later are enough.

PYTHON ?= python3
PYTHONS ?= python3.12 python3.13
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# What the tests use beside the package itself.
EXTRAS := [azure,berkeleydb,fast,fsspec,h5py,jupyter,lmdb,mongodb,msgpack,obstore,redis]
FAST := not slow and not interop and not remote

.DEFAULT_GOAL := help
.PHONY: help demo test test-pythons test-all check docs bench services clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## store real climate and ocean data, read it back, draw a map
	$(BIN)/python -m demo

test: $(VENV)/.dev  ## what to run while working: minutes
	$(PYTEST) -n auto --doctest-modules src
	$(PYTEST) -n auto -m "$(FAST)"

test-pythons:  ## make test under each of PYTHONS, python3.12 and python3.13 unless you say others
	for python in $(PYTHONS); do \
	  $(MAKE) test PYTHON=$$python VENV=.venvs/$$($$python -c 'import sys; print(sys.version_info[1])') \
	  || exit 1; \
	done

test-all: $(VENV)/.dev  ## every test: slow ones, other implementations, real servers
	$(PYTEST) -n auto --doctest-modules src
	$(PYTEST) -n auto

check: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.dev  ## build the site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.dev  ## measure side by side with the other implementations
	$(BIN)/python -m benchmarks

services: $(VENV)/.dev  ## start the servers that remote tests talk to, print where they are
	$(BIN)/python scripts/services.py start

clean:  ## remove everything that was installed or built
	rm -rf $(VENV) .venvs .peers .services site dist build demo/out benchmarks/out
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'  # the first with --group

$(VENV)/.dev: | $(VENV)/.system

$(VENV)/.system: scripts/system_packages.sh | $(BIN)/pip
	sh scripts/system_packages.sh
	touch $@

$(VENV)/.dev $(VENV)/.demo: $(VENV)/.%: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --editable '.$(EXTRAS)' --group $*
	touch $@

$(VENV)/.demo: EXTRAS :=
