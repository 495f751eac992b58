# Everything a developer runs. Each target sets up what it needs in .venv first, so an empty
# clone and any Python of 3.11 or later are enough.

PYTHON ?= python3
PYTHONS ?= python3.11 python3.12 python3.13
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# What the tests use beside the package itself.
EXTRAS = [$(BERKELEYDB)azure,cli,fast,fsspec,h5py,jupyter,lmdb,mongodb,msgpack,obstore,redis,tensorstore]
# Built from source, where its header file is; looked for when the system packages are there.
BERKELEYDB = $(shell test -e /usr/include/db.h && echo berkeleydb,)
FAST := not slow and not exhaustive and not interop and not remote

.DEFAULT_GOAL := help
.PHONY: help demo test test-pythons test-newest test-few test-free-threaded test-all check docs
.PHONY: bench services clean dist test-sdist coverage
.PHONY: clients exhaustive interrupts kills two-ways races fuzz test-client-suites

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## store real climate and ocean data, read it back, draw a map
	$(BIN)/python -m demo

test: $(VENV)/.dev  ## what to run while working: minutes
	$(PYTEST) -n auto --doctest-modules src
	$(PYTEST) -n auto -m "$(FAST)"

test-pythons:  ## make test under each of PYTHONS, Debian's 3.13 and 3.14, and one without the GIL
	for python in $(PYTHONS); do \
	  $$python -c '' 2>/dev/null || { echo "Skipped: $$python is not installed."; continue; }; \
	  $(MAKE) test PYTHON=$$python VENV=.venvs/$$($$python -c 'import sys; print(sys.version_info[1])') \
	  || exit 1; \
	done
	$(call in_debian,trixie,3.13) test PYTHON=python3.13 VENV=/venv
	$(call in_debian,unstable,3.14) test PYTHON=python3.14 VENV=/venv
	$(MAKE) test-free-threaded

# A whole Debian takes minutes to unpack, so it is kept.
in_debian = sh scripts/debian_python.sh $(1) $(2) .pythons/debian-$(2) make

test-newest:  ## a part of the tests in Debian's Python 3.14
	$(call in_debian,unstable,3.14) test-few PYTHON=python3.14 VENV=/venv

test-few: $(VENV)/.few  ## what needs no other packages: stores in memory and files, calls counted
	$(PYTEST) -n auto tests/test_budgets.py tests/properties \
	  tests/storage/test_conformance.py -k "not DBM and not LMDB" \
	  tests/safety/test_loops.py tests/safety/test_every_moment.py \
	  tests/safety/test_interrupts.py::test_with_does_not_leave_a_lock_held

test-free-threaded:  ## safety, properties and stores without the GIL, several threads a test
	sh scripts/free_threaded.sh $(FREE) 3.14 3.13
	! [ -x $(FREE)/bin/python3 ] || PIP_ONLY_BINARY=numpy,hypothesis,obstore,ml-dtypes $(MAKE) threads-without-gil \
	  PYTHON=$(FREE)/bin/python3 VENV=.venvs/free-threaded

FREE := .pythons/free-threaded
# What has a wheel there, or builds; numcodecs does both without asking for the GIL. Newer releases
# of hypothesis are in part written in Rust, and not all have such a wheel.
# Before Python 3.14, isal and zlib-ng have no such wheels, and that of google-crc32c lacks its C code.
$(VENV)/.no-gil: pyproject.toml | $(BIN)/pip
	$(BIN)/python -c 'import tomllib; \
	  needed = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
	  print(*[p for p in needed if not p.startswith(("isal", "zlib", "google"))], sep="\n")' >$@.txt
	$(BIN)/python -m pip install --quiet --requirement $@.txt crc32c fsspec ml-dtypes msgpack obstore \
	  pytest-run-parallel --group few
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

threads-without-gil: $(VENV)/.no-gil
	PYTHON_GIL=0 $(PYTEST) -p no:xdist --parallel-threads=4 tests/properties
	PYTHON_GIL=0 $(PYTEST) -n auto tests/properties tests/safety \
	  tests/storage/test_conformance.py tests/storage/test_zip.py -m "$(FAST)" \
	  -k "not DBM and not LMDB and not berkeleydb" \
	  --ignore tests/safety/test_damaged_databases.py  # of LMDB

coverage: $(VENV)/.dev  ## the lines that `make test` runs, as a table and in htmlcov/
	$(PYTEST) -n auto -m "$(FAST)" --cov=zarr --cov-report=term:skip-covered --cov-report=html

test-sdist: $(VENV)/.dev  ## build the distributions, install them elsewhere, test them: minutes
	$(PYTEST) tests/test_builds.py tests/test_sdist.py

test-all: $(VENV)/.dev  ## every test but exhaustive ones: slow, other implementations, real servers
	$(PYTEST) -n auto --doctest-modules src
	$(PYTEST) -n auto -m "not exhaustive"

test-client-suites: $(VENV)/.dev  ## test suites of clients with zarr-python 3 and with ours: hours
	$(BIN)/python -m tests.clients.suites $(SUITES)

exhaustive: $(VENV)/.dev  ## thousands of kills, interrupts and damaged files: an hour or two
	$(PYTEST) -n auto -m exhaustive

clients: $(VENV)/.dev  ## run programs of eighteen clients, each with its own environment: an hour
	$(BIN)/python -m tests.clients.newest $(CLIENTS)

fuzz: $(VENV)/.dev  ## 100,000 spoiled documents and chunks; FUZZ='--seed 1 --count 5000' for others
	$(BIN)/python -m tests.safety.hostile_fuzz $(FUZZ)

check: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.dev  ## build the site into site/
	$(BIN)/python scripts/command_line_page.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

dist: $(VENV)/.dev  ## build the distributions into dist/, also those for `zarr<3`
	$(BIN)/python -m build
	ZARR_BUILD_FOR=2 $(BIN)/python -m build

bench: $(VENV)/.dev  ## measure side by side with the other implementations
	$(BIN)/python -m benchmarks

services: $(VENV)/.dev  ## start the servers that remote tests talk to, print where they are
	$(BIN)/python scripts/services.py start

SERVERS := redis mongodb azure s3
WITH_SERVERS := $(BIN)/python scripts/services.py run $(SERVERS) --

interrupts: $(VENV)/.dev  ## interrupt every operation on every store a thousand times: hours
	$(WITH_SERVERS) $(BIN)/python -m tests.safety.interrupts

kills: $(VENV)/.dev  ## kill a process 500 times on every store
	$(WITH_SERVERS) $(BIN)/python -m tests.safety.kills

two-ways: $(VENV)/.dev  ## reach one array by every pair of ways at once
	$(WITH_SERVERS) $(BIN)/python -m tests.safety.two_ways

races: $(VENV)/.dev  ## ask for one node from several threads and processes at once
	$(WITH_SERVERS) $(BIN)/python -m tests.safety.races

clean:  ## remove everything that was installed or built
	rm -rf $(VENV) .venvs .pythons .peers .services site dist build demo/out benchmarks/out
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	@echo "Creating the environment $(VENV) with $(PYTHON)."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'  # the first with --group

$(VENV)/.dev: | $(VENV)/.system

$(VENV)/.system: scripts/system_packages.sh | $(BIN)/pip
	sh scripts/system_packages.sh
	touch $@

$(VENV)/.dev $(VENV)/.demo $(VENV)/.few: $(VENV)/.%: pyproject.toml | $(BIN)/pip
	@echo "Installing packages into $(VENV) (about two minutes)."
	$(BIN)/python -m pip install --quiet --editable '.$(EXTRAS)' --group $*
	touch $@

$(VENV)/.demo: EXTRAS :=
$(VENV)/.few: EXTRAS := [msgpack]
