# The front door. Every target makes its own environment first: `.venv`, from requirements.lock.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
# The newest Python from 3.11 on; `make PYTHON=/path/to/python3 ...` chooses another one.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := .venv/bin
ENV := .venv/.installed
TF := $(BIN)/tokenfactory
# What the two environment variables below are for: some machines forbid writing bytecode, and
# without it every kernel compiles its libraries again (twice the time of a report).
export UV_COMPILE_BYTECODE := 1
export PYTHONDONTWRITEBYTECODE :=

# Scenario of `make report` and further parameters, e.g. P="subject=mi355x baseline=b200".
SCENARIO ?= default
P ?=
JOBS ?=
PDF ?=
ARGS ?=
SITE ?= reports/site
RERUN ?=
ROOM ?= formulas
MODULE ?= *
# The data this project is tested against but does not ship; tests that need it skip without it.
SHARED ?= $(abspath ../shared)

##@ Use
.PHONY: report
report: $(ENV)  ## make reports/site (SCENARIO=name or all, P="subject=mi355x baseline=b200", JOBS=n)
	@$(TF) report --scenario $(SCENARIO) $(if $(JOBS),--jobs $(JOBS)) $(if $(PDF),--pdf) $(foreach p,$(P),--parameter $(p))

.PHONY: pdf
pdf:  ## the same with a PDF of each page, printed by Chromium (about two seconds a page)
	@$(MAKE) --no-print-directory report PDF=1

.PHONY: bundle
bundle: report  ## reports/bundle.zip: the site with its data, code and lock, for others to check
	@$(TF) bundle

.PHONY: verify
verify: $(ENV)  ## what of the site is not what its data and notebooks give (SITE=folder or zip, RERUN=1)
	@$(TF) verify $(SITE) $(if $(RERUN),--rerun)

.PHONY: nightly
nightly: $(ENV)  ## what a schedule runs: all scenarios, with alerts (see reports/schedules/)
	@$(TF) report --scheduled --scenario all $(if $(JOBS),--jobs $(JOBS))

.PHONY: lab
lab: $(ENV)  ## open the notebooks in JupyterLab (ARGS="--port 8899 --no-browser")
	@REPORTKIT_SVG=1 $(BIN)/jupyter lab --notebook-dir=notebooks --LabApp.extension_manager=readonly --LabApp.news_url=None \
		--FileContentsManager.pre_save_hook=reportkit.engine.before_saving $(ARGS)

.PHONY: data
data: $(ENV)  ## check every file in data/ and build the warehouse
	@$(TF) data

##@ Check
.PHONY: test
test: $(ENV)  ## make the report and test all: library, data, notebooks, pages (in Chromium, where it is installed)
	@$(TF) report
	@TOKENFACTORY_SHARED="$(SHARED)" TOKENFACTORY_SITE=reports/site $(BIN)/python -m pytest

.PHONY: quick
quick: $(ENV)  ## formulas, methods, data, adapters: no browser, no notebook, no report; about a minute
	@TOKENFACTORY_SHARED="$(SHARED)" $(BIN)/python -m pytest -p no:nbval \
		-o addopts="--import-mode=importlib --doctest-modules -n auto --dist load -m 'not soak' -q --strict-markers" \
		lib tests/formulas tests/methods tests/display tests/test_structure.py tests/warehouse/test_data.py \
		tests/warehouse/test_schema.py tests/measurements/adapters

.PHONY: pictures
pictures: report  ## a picture of every page, on a desk, on a phone and in the dark, in test-artifacts/
	@TOKENFACTORY_PICTURES=1 TOKENFACTORY_SITE=reports/site $(BIN)/python -m pytest -p no:nbval \
		tests/reportkit/test_browser.py -k is_whole

.PHONY: bench
bench: $(ENV)  ## speed against a reference, as ratios in one run
	@for b in benchmarks/bench_*.py; do echo "== $$b"; TOKENFACTORY_SHARED="$(SHARED)" $(BIN)/python $$b; done

.PHONY: soak
soak: $(ENV)  ## long checks: kills at random moments, more random cases
	@TOKENFACTORY_SHARED="$(SHARED)" TOKENFACTORY_SOAK=1 $(BIN)/python -m pytest -m "soak or not soak"

.PHONY: mutate
mutate: $(ENV)  ## break every formula in every way a tool knows: each must fail a test (ROOM=methods MODULE=scale: a minute)
	@rm -rf .cache/mutate && mkdir -p .cache/mutate && cp -r lib .cache/mutate/src
	@cp -r tests data notebooks pyproject.toml requirements.lock .cache/mutate/
	@sed -i 's#src/tokenfactory/formulas/\*#src/tokenfactory/$(ROOM)/$(MODULE)#' .cache/mutate/pyproject.toml
	@cd .cache/mutate && TOKENFACTORY_SHARED="$(SHARED)" $(CURDIR)/$(BIN)/python -P tests/mutate.py run $(ARGS)
	@cd .cache/mutate && ! $(CURDIR)/$(BIN)/mutmut results | grep -E "survived|no tests" | grep -vFf <(sed '/^\#/d; s/[0-9]$$/&:/' tests/equivalent_mutants.txt)

.PHONY: lint
lint: $(ENV)  ## style of code and notebooks
	@$(BIN)/ruff check lib tests benchmarks notebooks reports && $(BIN)/ruff format --check lib tests benchmarks reports

##@ Keep
.PHONY: refresh
refresh: $(ENV)  ## run the notebooks with their defaults and store the outputs in them
	@$(TF) refresh

.PHONY: lock
lock: $(ENV)  ## resolve pyproject.toml again into requirements.lock and environment.yml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --generate-hashes --python-version 3.11 \
		--no-header --no-annotate --quiet --upgrade -o requirements.lock
	@$(BIN)/python tests/environment_yml.py > environment.yml.new && mv environment.yml.new environment.yml

.PHONY: schedules
schedules: .venv-schedules/.installed  ## make the environment of reports/schedules/prefect_flow.py: .venv-schedules

.PHONY: lock-schedules
lock-schedules: $(ENV)  ## resolve reports/schedules/prefect.in again into prefect.lock
	@$(BIN)/uv pip compile reports/schedules/prefect.in --universal --generate-hashes --python-version 3.11 \
		--no-header --no-annotate --quiet --upgrade -o reports/schedules/prefect.lock

.PHONY: clean
clean:  ## remove what can be made again: environment, caches, site (not the archive of runs)
	rm -rf .venv .venv-schedules .cache reports/site reports/what-if reports/.site-* reports/failed reports/alerts reports/nightly.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help:  ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(ENV): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "token-factory: Python 3.11 or newer was not found; install it, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 2; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv || { echo "token-factory: '$(PYTHON) -m venv' failed; on Debian and Ubuntu install python3-venv" >&2; rm -rf .venv; exit 2; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@echo "installing the environment from requirements.lock"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@mkdir -p .venv/share/jupyter/lab/settings  # so that JupyterLab does not ask whether to fetch news
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' > .venv/share/jupyter/lab/settings/overrides.json
	@touch $@

.venv-schedules/.installed: reports/schedules/prefect.lock | $(ENV)
	@echo "installing the environment of the Prefect flow from reports/schedules/prefect.lock"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-schedules
	@$(BIN)/uv pip install --quiet --python .venv-schedules/bin/python --require-hashes -r reports/schedules/prefect.lock
	@touch $@
