# Two commands do everything: `make up` runs a farm on this machine, `make test` checks the project.
# Both say what they install before they install it. See README.md.

.PHONY: help up test emulated images fmt clean
.DEFAULT_GOAL := help

# Arguments for `pgxn-testers up`, such as ARGS="--pg 17 --listen 127.0.0.1:9000".
ARGS ?=

help: ## Say what there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Install what is missing, build, and run coordinator, dashboard and one runner on 127.0.0.1:8080.
	@scripts/setup up
	@scripts/step "Building the release binary" cargo build --release --locked --package cli
	@exec target/release/pgxn-testers up $(ARGS)

test: ## Install what is missing and run every check: formatting, lints, docs, unit, store, container, end-to-end and browser tests.
	@scripts/test

emulated: ## Test a farm whose runner emulates arm64, which make test leaves out: half an hour where the image for arm64 is missing.
	@scripts/test-emulated

images: ## Build the container images of every PostgreSQL major that can be reached.
	@scripts/setup up
	@scripts/step "Building the release binary" cargo build --release --locked --package cli
	@target/release/pgxn-testers images build --pg 13,14,15,16,17,18,19

fmt: ## Format the code.
	cargo fmt

clean: ## Remove what was built here; images and the data directory stay.
	cargo clean
