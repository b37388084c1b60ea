# Two commands: `make run` and `make test`. Each does its own set-up; what is done already is not done again.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTEST := .venv/bin/python -m pytest -q
CODE := geo maps api migrations data tests
VENDOR := maps/static/vendor/.done
RUN_SETUP := .venv/.run.done $(VENDOR)
TEST_SETUP := .venv/.test.done node_modules/.test.done

run: $(RUN_SETUP) ## Install what is missing and serve on http://127.0.0.1:8000
	@exec .venv/bin/kaart up

test: lint types unit integration browser ## Everything that must pass before a change is merged

lint: $(TEST_SETUP) ## Format, lint, a look for unsafe code, and the description by the NL API Design Rules
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/bandit -q -c pyproject.toml -r geo maps api migrations
	.venv/bin/python -m tests.described > .cache/described.json
	.venv/bin/node node_modules/.bin/spectral lint -r .spectral.yml -F warn -q .cache/described.json

types: $(TEST_SETUP) ## mypy, strict
	.venv/bin/mypy

unit: $(TEST_SETUP) ## Tests that need no database
	$(PYTEST) tests/unit -m "not slow" -n 2

integration: $(TEST_SETUP) ## Tests on a real PostGIS
	$(PYTEST) tests/integration -m "not slow" -n 2

browser: $(TEST_SETUP) ## Tests in a real browser; every host but localhost is refused
	$(PYTEST) tests/browser -m "not slow" -n 2

screenshots: $(TEST_SETUP) ## Make the pictures of the README anew, from the demo municipality
	.venv/bin/python -m tests.browser.screenshots

proof: $(TEST_SETUP) ## What takes long: kills, large inputs, long runs. SAMPLE=3 SEED=x runs a few of them
	$(PYTEST) tests -m slow $(if $(SAMPLE),--sample $(SAMPLE) --seed "$(SEED)")

bench: $(TEST_SETUP) ## Imports, coverage and serving beside their peers; on a machine that does nothing else
	.venv/bin/python -m tests.benchmarks.imports.run
	.venv/bin/python -m tests.benchmarks.coverage.run
	.venv/bin/python -m tests.benchmarks.serving.run

format: $(TEST_SETUP) ## Put the code in its standard form
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: .cache/uv/bin/uv .venv/.run.done ## Renew the lock files after a change in pyproject.toml or package.json
	scripts/lock

clean: ## Remove everything that was installed or made here; the data in var/ stay
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis node_modules maps/static/vendor *.egg-info

help: ## Show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.cache/system-%.done: scripts/system
	@scripts/system $*
	@mkdir -p $(@D) && touch $@

.venv/.run.done: requirements/run.lock pyproject.toml scripts/venv .cache/system-run.done
	@scripts/venv run

.venv/.test.done: requirements/test.lock .venv/.run.done .cache/system-test.done
	@scripts/venv test

$(VENDOR): package.json package-lock.json scripts/vendor | .venv/.run.done
	@scripts/vendor

node_modules/.test.done: $(VENDOR)
	@scripts/vendor test

.cache/uv/bin/uv:
	python3 -m venv .cache/uv
	.cache/uv/bin/pip install -q --disable-pip-version-check uv

.PHONY: run test lint types unit integration browser screenshots proof bench format lock clean help
.PRECIOUS: .cache/system-%.done
