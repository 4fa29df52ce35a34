PYTHON := .venv/bin/python
SETUP := sh local/setup/setup.sh
PYTEST := $(PYTHON) -m pytest -n auto --dist loadfile -rs
READY := .venv/.packages node_modules/.packages
comma := ,

.PHONY: help setup demo test quick pictures accuracy bench lint clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

setup: $(READY) ## Install everything into this folder (done by the others when needed)
	@:

demo: $(READY) ## Watch one incident from event to message: SCENARIO=name SEED=number KEEP=1
	@$(PYTHON) -m local.demo $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(SEED),--seed $(SEED)) $(if $(KEEP),--keep)

test: $(READY) ## Run all tests
	@$(PYTEST)

quick: $(READY) ## Run the tests that take no more than seconds
	@$(PYTEST) -m "not slow"

pictures: $(READY) ## Draw the README's pictures from what the demo sends (needs Chromium)
	@$(PYTHON) -m local.pictures

accuracy: $(READY) ## How often the diagnosis is right, over fresh seeds: SEEDS=number FIRST_SEED=number SCENARIOS=a,b
	@$(PYTHON) -m local.accuracy $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST_SEED),--first-seed $(FIRST_SEED)) $(if $(SCENARIOS),--scenarios $(SCENARIOS))

bench: $(READY) ## Measure what it costs, as ratios taken in one run: BENCH=a,b BENCH_CUSTODIAN=1
	@$(PYTHON) -m local.bench $(subst $(comma), ,$(BENCH))

lint: $(READY) ## Check style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@report=$$($(PYTHON) -m azure_functions_doctor.cli doctor --path .) || { echo "$$report"; exit 1; }

clean: ## Remove everything that was installed or written
	rm -rf .venv node_modules out .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made: .python-version
	@$(SETUP) python

.venv/.packages: requirements.txt requirements-dev.txt .venv/.made
	@$(SETUP) packages

# Node itself is one of the Python packages.
node_modules/.packages: package.json package-lock.json .npmrc | .venv/.packages
	@$(SETUP) node
