# Needs Python >= 3.11 with venv, Node >= 20, npm and git; everything else goes into ignored folders of this checkout.

PYTHON ?= python3
PORT ?=
KEEP ?=
FAULTS ?=
FAULTS_PORT ?=
AUTH ?=
STACK ?= Clipferry
ARGS ?=

VENV := .venv
EMULATOR_VENV := .cache/emulator-venv
LOCK_VENV := .cache/lock-venv
BENCH_VENV := .cache/bench
DOCS_VENV := .cache/docs-venv
SDK_VENVS := .cache/sdk/nomadicml .cache/sdk/nomadic
BIN := $(VENV)/bin
DASHBOARD := dashboard/dist/index.html
NPM := npm --prefix dashboard --silent --logs-max=0
CONTRACT := .cache/dashboard/openapi.json
RUN := $(BIN)/python
STARTED := $(shell date +%s)
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --require-hashes --requirement

# What the CDK and jsii write stays in the checkout; the CLI does not call home.
# `env` and not the shell's own assignments: make then runs the command without a shell, which would swallow a SIGTERM.
CDK_ENV := env CDK_HOME=$(CURDIR)/.cache/cdk JSII_RUNTIME_PACKAGE_CACHE_ROOT=$(CURDIR)/.cache/jsii \
	CDK_DISABLE_CLI_TELEMETRY=true CDK_DISABLE_VERSION_CHECK=1 \
	JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 NODE_NO_WARNINGS=1
# An environment without AWS settings, to show that nothing needs them.
NO_AWS := env -u AWS_PROFILE -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN -u AWS_ENDPOINT_URL \
	AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true

LOCAL_OPTIONS = $(if $(PORT),--port=$(PORT)) $(if $(FAULTS),--faults=$(FAULTS)) \
	$(if $(FAULTS_PORT),--faults-port=$(FAULTS_PORT)) $(if $(filter-out 0,$(AUTH)),--auth)

export KEEP
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup bench demo local local-down smoke test test-fast check lint types layers synth template states dashboard docs api-types dist client format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Every target asks for this one and none for the stamps, so that under `make -j` nothing is made twice at once.
setup: ## Create the environments (the other targets do it by themselves)
	@$(MAKE) --silent --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j3) $(VENV)/.ready $(EMULATOR_VENV)/.ready node_modules/.ready $(SDK_VENVS:=/.ready) $(DASHBOARD)

demo: setup ## Deploy to a local emulator and import clips (KEEP=1 leaves it up)
	@$(RUN) -m local.demo --started $(STARTED) $(if $(PORT),--port=$(PORT))

local: setup ## Start the local stack and leave it running (PORT=…; FAULTS=rules.yml injects faults; AUTH=1 enforces roles)
	@$(RUN) -m local.up $(LOCAL_OPTIONS)

local-down: ## End the local stack
	@$(PYTHON) -m local.down

smoke: setup ## Prove a deployment in your own account; asks before it writes (STACK=name, ARGS="--webhook-url=…")
	@$(RUN) -m smoke --stack=$(STACK) $(ARGS)

test: setup ## Run all tests and show the coverage of service/ (the end-to-end ones on local stacks of their own)
	@$(CDK_ENV) $(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

test-fast: setup ## Run the tests that need no stack
	$(RUN) -m pytest tests/unit tests/contracts tests/model tests/functional tests/sources

bench: setup $(BENCH_VENV)/.ready ## Run all benchmarks beside s5cmd, rclone, awscli and boto3 (some 15 minutes, Linux)
	@$(NO_AWS) $(RUN) -m benchmarks.run $(if $(QUICK),--quick)

check: lint types layers template states dashboard docs ## Run every gate: ruff, mypy, import contracts, cdk-nag, cfn-lint, ASL, the dashboard's own, links of the docs

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 clipferry

layers: setup
	$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter

synth: setup
	@echo "cdk synth, with cdk-nag"
	@$(CDK_ENV) $(NO_AWS) PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/cdk synth --quiet --strict --no-notices

# W3005: the CDK declares dependencies that references imply already.
template: synth
	$(BIN)/cfn-lint --ignore-checks W3005 --regions us-east-1 eu-central-1 cn-north-1 us-gov-west-1 \
		--template cdk.out/Clipferry.template.json

states: setup
	node_modules/.bin/asl-validator --json-path tests/infra/golden/state_machine.asl.json

# Its types come from the API's own document: a change of the one without the other fails here.
dashboard: setup ## Check the dashboard's types against the API, and run its unit tests
	@$(RUN) -m local.contract $(CONTRACT)
	@$(NPM) run api:check || { echo "run: make api-types"; exit 1; }
	$(NPM) run types
	$(NPM) test

# Not with --quiet: MkDocs then does not count its warnings, so that nothing fails.
docs: setup $(DOCS_VENV)/.ready ## Build the documentation site into build/site; a broken link or anchor fails it
	@$(RUN) -m reference build/reference
	@NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict > build/docs.log 2>&1 || { cat build/docs.log; exit 1; }

api-types: setup ## Renew the dashboard's types from the API's own document, and the pages of codes and settings
	@$(RUN) -m local.contract $(CONTRACT)
	@$(NPM) run api
	@$(RUN) -m reference.renew

dist: setup ## Build the client's wheel and sdist into build/dist, and check them
	@rm -rf build/dist && mkdir -p build
	@$(RUN) -m build --no-isolation --outdir build/dist . > build/dist.log 2>&1 || { cat build/dist.log; exit 1; }
	@$(BIN)/twine check --strict build/dist/*

client: $(VENV)/.ready ## Generate the sync client from the async one
	@$(RUN) -m tests.client_generator

format: $(VENV)/.ready ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(LOCK_VENV)/.ready ## Renew the locks from pyproject.toml (UPGRADE=1 takes newer versions)
	$(COMPILE) --group pyproject.toml:lambda --output-file requirements.txt
	$(COMPILE) --group pyproject.toml:parquet --output-file requirements-parquet.txt
	$(COMPILE) pyproject.toml --group pyproject.toml:dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --group pyproject.toml:emulator --output-file local/requirements.txt
	$(COMPILE) --group pyproject.toml:bench --output-file benchmarks/requirements.txt
	$(COMPILE) --group pyproject.toml:docs --output-file docs/requirements.txt
	$(COMPILE) --group pyproject.toml:nomadicml --output-file tests/sdks/nomadicml.txt
	$(COMPILE) --group pyproject.toml:nomadic --output-file tests/sdks/nomadic.txt

# One lock for Python 3.11 and later on every platform, without the addresses of the index that it was made with.
COMPILE := UV_PYTHON_DOWNLOADS=never UV_PYTHON_INSTALL_DIR=.cache/uv-python $(LOCK_VENV)/bin/uv --cache-dir .cache/uv \
	pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --generate-hashes \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

clean: local-down ## Remove everything that the targets made
	@$(PYTHON) -m local.down --state .local/test
	rm -rf .venv .cache .local node_modules dashboard/node_modules dashboard/dist cdk.out build .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: requirements-dev.txt
	@$(call check_python)
	@echo "Creating the Python environment ($(VENV))"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(RUN) $(PIP_INSTALL) requirements-dev.txt
	@$(RUN) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(EMULATOR_VENV)/.ready: local/requirements.txt
	@$(call check_python)
	@echo "Creating the emulator's environment ($(EMULATOR_VENV))"
	@$(PYTHON) -m venv --clear $(EMULATOR_VENV)
	@$(EMULATOR_VENV)/bin/python $(PIP_INSTALL) local/requirements.txt
	@touch $@

$(BENCH_VENV)/.ready: benchmarks/requirements.txt
	@$(call check_python)
	@echo "Creating the environment of the peers ($(BENCH_VENV))"
	@$(PYTHON) -m venv --clear $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python $(PIP_INSTALL) $<
	@touch $@

$(DOCS_VENV)/.ready: docs/requirements.txt
	@$(call check_python)
	@echo "Creating the environment of the documentation ($(DOCS_VENV))"
	@$(PYTHON) -m venv --clear $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python $(PIP_INSTALL) $<
	@touch $@

$(SDK_VENVS:=/.ready): .cache/sdk/%/.ready: tests/sdks/%.txt
	@$(call check_python)
	@echo "Creating the environment of the SDK $* (.cache/sdk/$*)"
	@$(PYTHON) -m venv --clear .cache/sdk/$*
	@.cache/sdk/$*/bin/python $(PIP_INSTALL) $<
	@touch $@

$(LOCK_VENV)/.ready:
	@$(PYTHON) -m venv --clear $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m pip install -qq --disable-pip-version-check uv==0.13.9
	@touch $@

node_modules/.ready: package.json package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node >= 20 is needed"; exit 1; }
	@echo "Installing the CDK CLI (node_modules)"
	@npm ci --silent --no-audit --no-fund --logs-max=0
	@touch $@

# Install scripts stay off: no package needs one.
dashboard/node_modules/.ready: dashboard/package.json dashboard/package-lock.json
	@echo "Installing what the dashboard is built with, and a browser for its tests (dashboard/node_modules)"
	@npm ci --prefix dashboard --ignore-scripts --silent --no-audit --no-fund --logs-max=0
	@touch $@

$(DASHBOARD): dashboard/node_modules/.ready dashboard/index.html dashboard/vite.config.ts clipferry/cli/codes.json $(shell find dashboard/src -type f)
	@echo "Building the dashboard (dashboard/dist)"
	@$(NPM) run build -- --logLevel warn
	@touch $@

define check_python
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed (PYTHON=…)"; exit 1; }
endef
