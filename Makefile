PYTHON ?= python3
ARGS ?=
SEEDS ?= 5000
UV := $(shell command -v uv 2>/dev/null)

DEV := .venv/bin
DEMO := .venv-demo/bin
SECURITY := .venv-security/bin
PYTEST := $(DEV)/python -m pytest -q
PARALLEL := -n auto --maxprocesses 4 --dist worksteal
# Pytest says 5 where nothing was selected.
OR_NONE = || { code=$$?; [ $$code -eq 5 ] || exit $$code; }

# Tests start hundreds of processes: none compiles again what another one has compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo demo-cluster test check verify bench bench-security sim soak lock clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 19

demo: .venv-demo/.ready ## Show what jackline does (ARGS="…" goes to the command)
	@$(DEMO)/jackline demo $(ARGS)

demo-cluster: .venv/.ready ## Kill one of two workers, and watch the other go on
	@$(DEV)/jackline demo --cluster $(if $(JACKLINE_TEST_DATABASE_URL),--store "$(JACKLINE_TEST_DATABASE_URL)") $(ARGS)

test: .venv/.ready ## Run the quick tests: unit, simulation, one seed of each kill
	@$(PYTEST) $(PARALLEL) -m "not verify and not soak" $(ARGS)

check: .venv/.ready ## Run every static check
	@$(DEV)/ruff check -q .
	@$(DEV)/ruff format -q --check .
	@$(DEV)/pyright --warnings
	@$(DEV)/lint-imports --no-logo
	@$(DEV)/codespell
	@$(DEV)/vulture
	@$(DEV)/interrogate -q src
	@$(PYTEST) tests/test_tidy.py

verify: .venv/.ready ## Check the guarantees at length
	@$(PYTEST) -n 2 --dist worksteal --timeout 1800 -m verify $(ARGS) $(OR_NONE)

sim: .venv/.ready ## Run thousands of simulated histories (SEEDS=5000)
	@JACKLINE_SEEDS=$(SEEDS) $(PYTEST) $(PARALLEL) --timeout 7200 -m "not soak" tests/simulation $(ARGS)

soak: .venv/.ready ## Run for a long time under load
	@$(PYTEST) --timeout 0 -m soak $(ARGS) $(OR_NONE)

bench: .venv/.ready ## Measure
	@$(DEV)/python -m benchmarks $(ARGS)

bench-security: .venv-security/.deps .venv/.ready ## Replay AgentDojo's attacks (ARGS=--quick: what must have no success)
	@PYTHONPATH=src:. $(SECURITY)/python -m pytest -q -c /dev/null --rootdir . -p no:cacheprovider benchmarks/security/tests
	@PYTHONPATH=src:. $(SECURITY)/python -m benchmarks.security $(ARGS)
	@$(if $(ARGS),true,$(DEV)/python -m benchmarks --area security)

# In a virtual environment .deps says that the locked packages are there, .ready that jackline is, too.
.venv/.deps: requirements/dev.txt requirements/local-model.txt
.venv-demo/.deps: requirements/demo.txt requirements/local-model.txt
.venv-lock/.deps: requirements/lock.txt
.venv-security/.deps: requirements/security.txt

%/.ready: %/.deps pyproject.toml
	@$(call install,$*,--no-deps --no-build-isolation -e .)
	@touch $@

%/.deps:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "jackline needs Python 3.11 or newer and '$(PYTHON)' is not: name one that is, as in make PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up $* from $(firstword $^) …"
	@rm -rf $*
	@$(if $(UV),$(UV) venv -q --python "$$(command -v $(PYTHON))" $*,$(PYTHON) -m venv $*)
	@for lock in $^; do $(call install,$*,--no-deps --require-hashes -r $$lock) || exit 1; done
	@touch $@

# Quiet but for errors. A lock is whole, so nothing else is ever resolved: --no-deps.
install = $(if $(UV),$(UV) pip install -q --python $(1)/bin/python,$(1)/bin/python -m pip install -qq --no-compile --disable-pip-version-check) $(2)

# Locked versions stay where they may: make lock ARGS=--upgrade moves them.
LOCK = .venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header $(ARGS)

lock: .venv-lock/.deps ## Write requirements/*.txt anew from pyproject.toml and requirements/*.in
	@$(LOCK) -o requirements/lock.txt requirements/lock.in
	@$(LOCK) -o requirements/local-model.txt --no-deps requirements/local-model.in
	@$(LOCK) -o requirements/security.txt requirements/security.in
	@$(LOCK) -o requirements/dev.txt --all-extras pyproject.toml requirements/dev.in
	@$(LOCK) -o requirements/demo.txt --extra local --extra server -c requirements/dev.txt pyproject.toml requirements/demo.in

clean: ## Remove the virtual environments and caches
	@rm -rf .venv .venv-demo .venv-lock .venv-security build dist .coverage .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	@find src tests -name __pycache__ -prune -exec rm -rf {} +
