# Nightshift's commands. Each sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fix bench bench-variants faults soak schedules fuzz permissions mutants coverage supply supply-write \
  advisories scale sam-local functions package clean

FUNCTIONS := scale deploy approve rotate
VENV := .venv/bin
# Lints that are not part of the Rust toolchain come into target/tools, at this version.
CARGO_DENY_VERSION := 0.20.2
NEXTEST_VERSION := 0.9.143
TOOLS := target/tools
export PATH := $(CURDIR)/$(VENV):$(CURDIR)/$(TOOLS)/bin:$(PATH)
# The tests bring their own endpoints and credentials: nothing of the caller's account may leak into them.
unexport AWS_PROFILE AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Put the pinned Python tools into .venv (the other commands do it themselves).
	@tests/tools/setup.sh

demo: setup ## Run the main job end to end on a local AWS, with a timeline.
	@tests/tools/servers.sh
	@echo "demo: building the functions, the command line and the demo (some minutes the first time)"
	@cargo build --locked $(FUNCTIONS:%=-p nightshift-%) -p nightshift-cli -p nightshift-tests --bins
	@target/debug/demo

test: setup $(TOOLS)/bin/cargo-nextest ## Run every test, end-to-end ones included.
	@tests/tools/servers.sh
# A test reads the dependencies of every target, offline.
	@cargo fetch --locked --quiet
	@$(MAKE) --no-print-directory functions
	@cargo test --locked --workspace --doc --quiet
	@cargo nextest run --locked --workspace --no-fail-fast
	@for folder in proof scale; do $(VENV)/python -B -m unittest discover --quiet -s tests/$$folder -t tests/$$folder; done
	@$(VENV)/python tests/proof/permissions.py
	@$(VENV)/python tests/proof/run.py faults crashes delivery deadlines freeze --short

lint: setup $(TOOLS)/bin/cargo-deny ## Check formatting, lints, licences, sources and templates.
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets --features nightshift-core/schema -- -D warnings
	@cargo deny --all-features --log-level error check licenses bans sources
	@$(VENV)/sam validate --lint --template template.yaml
	@$(VENV)/cfn-lint template.yaml systems/*/stack.yaml
	@bash -n .ci/run tests/*/*.sh
	@echo "lint: all clean"

fix: ## Format the code.
	@cargo fmt --all

functions:
	@cargo build --locked $(FUNCTIONS:%=-p nightshift-%) -p nightshift-cli --bins

bench: setup ## Measure every function beside Python handlers and other tools; write docs/benchmarks.md.
	@cargo build --locked --release $(FUNCTIONS:%=-p nightshift-%)
	@$(VENV)/python tests/bench/bench.py --functions target/release --report-only

bench-variants: setup ## Measure scale built or configured otherwise; write its table in docs/benchmarks.md.
	@cargo build --locked --release -p nightshift-scale
	@$(VENV)/python tests/bench/variants.py

faults: setup functions ## Strike every call of every function in every way, kill, reorder, delay, freeze; write docs/reliability.md.
	@$(VENV)/python tests/proof/run.py faults crashes delivery deadlines freeze

soak: setup functions ## 20,000 invocations of each function through the emulator; write docs/reliability.md.
	@$(VENV)/python tests/proof/run.py soak

schedules: ## Thousands of interleavings of every handler, and its soak, in memory; write docs/reliability.md.
	@NIGHTSHIFT_PROOF=1 NIGHTSHIFT_SCHEDULES=20 cargo test --locked $(FUNCTIONS:%=-p nightshift-%) --test suite -- schedules:: crash::
	@NIGHTSHIFT_PROOF=1 cargo test --locked $(FUNCTIONS:%=-p nightshift-%) --test suite -- --ignored soak::
	@python3 tests/proof/page.py

fuzz: ## Fuzz every parser with libFuzzer, ten million executions; write docs/reliability.md.
	@python3 tests/fuzz/run.py --long 10000000
	@python3 tests/proof/page.py

permissions: setup functions ## Hold every function's calls against its role in template.yaml, both ways; write docs/reliability.md.
	@$(VENV)/python tests/proof/permissions.py
	@python3 tests/proof/page.py

mutants: ## Change shared/core in a thousand places and see whether its tests notice; write docs/reliability.md.
	@tests/mutants/run.sh
	@python3 tests/proof/page.py

coverage: ## Measure which lines of shared/core its tests run; write docs/reliability.md.
	@tests/mutants/run.sh --help >/dev/null && target/tools/mutants/bin/python tests/mutants/coverage.py
	@python3 tests/proof/page.py

supply: setup ## Check what the functions are made of: lock file, bills of materials, licences, templates.
	@$(VENV)/python tests/supply/run.py

supply-write: setup ## Bring the table of licences in docs/supply-chain.md up to date.
	@$(VENV)/python tests/supply/run.py --write

advisories: $(TOOLS)/bin/cargo-deny ## Ask RustSec for known weaknesses of the crates (needs github.com).
	@tests/supply/advisories.sh

scale: setup ## Compute what a stack costs and where it meets limits, simulate storms; write docs/scale.md.
	@cargo build --locked --release -p nightshift-scale
	@$(VENV)/python tests/scale/scale.py --function target/release/scale

sam-local: setup ## Invoke every function with every sample through sam local, in Docker; print a table.
	@$(VENV)/python tests/local/run.py
	@python3 tests/proof/page.py

package: setup ## Build the release functions and zip each as target/package/<function>.zip.
	@$(VENV)/cargo-lambda lambda build --release --locked --output-format zip $(FUNCTIONS:%=-p nightshift-%)
	@mkdir -p target/package
	@for name in $(FUNCTIONS); do cp target/lambda/$$name/bootstrap.zip target/package/$$name.zip; done
	@ls -l target/package

clean: ## Remove what the commands made.
	@rm -rf target .venv .aws-sam

# A build that fails half-way must not look installed: cargo install moves the binary into place last.
$(TOOLS)/bin/cargo-deny:
	@echo "setup: building cargo-deny $(CARGO_DENY_VERSION) into $(TOOLS) (some minutes, once)"
	@CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
	  cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --quiet --root $(TOOLS)

$(TOOLS)/bin/cargo-nextest:
	@mkdir -p $(TOOLS)/bin
	@if [ "$$(command -v cargo-nextest)" ]; then ln -sf "$$(command -v cargo-nextest)" $@; else \
	  echo "setup: building cargo-nextest $(NEXTEST_VERSION) into $(TOOLS) (some minutes, once)"; \
	  cargo install cargo-nextest --version $(NEXTEST_VERSION) --locked --quiet --root $(TOOLS); fi
