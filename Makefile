# Nightshift's commands. Each sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fix bench package invoke clean

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
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
	@cargo build --locked $(FUNCTIONS:%=-p nightshift-%) -p nightshift-cli --bins
	@cargo test --locked --workspace --doc --quiet
	@cargo nextest run --locked --workspace --no-fail-fast

lint: setup $(TOOLS)/bin/cargo-deny ## Check formatting, lints, licences, sources and templates.
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets --features nightshift-core/schema -- -D warnings
	@cargo deny --all-features --log-level error check licenses bans sources
	@$(VENV)/sam validate --lint --template template.yaml
	@$(VENV)/cfn-lint template.yaml systems/*/stack.yaml
	@bash -n .ci/run tests/tools/*.sh
	@echo "lint: all clean"

fix: ## Format the code.
	@cargo fmt --all

bench: setup ## Measure cold starts, memory, sizes and round trips beside a Python handler; write docs/benchmarks.md.
	@cargo build --locked --release -p nightshift-scale
	@$(VENV)/python tests/bench/bench.py --function target/release/scale --report-only

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
