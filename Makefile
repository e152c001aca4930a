# Every target is a call of one script in scripts/, which prepares what it needs.

SCENARIO ?= default

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## harden, tamper with and correct a throw-away server on this machine
	@scripts/demo

.PHONY: test
test: ## everything that CI runs
	@scripts/test

.PHONY: test-extended
test-extended: ## `make test` and what takes too long for every run
	@scripts/test --extended

.PHONY: lint
lint: ## ruff, mypy, shellcheck, yamllint, ansible-lint, changelog and documentation
	@scripts/lint

.PHONY: format
format: ## rewrite Python files the way `make lint` wants them
	@scripts/in-venv scripts/format

.PHONY: unit
unit: ## unit tests; those of module_utils on Python 3.9 too
	@scripts/unit

.PHONY: sanity
sanity: ## ansible-test sanity
	@scripts/sanity

.PHONY: artifact
artifact: ## build the collection from the tracked files and check it with galaxy-importer
	@scripts/artifact

.PHONY: conformance
conformance: ## tests against real servers of every supported major version
	@scripts/conformance

.PHONY: browser
browser: ## look at the HTML report in Chromium: use, accessibility, hostile names
	@scripts/browser

.PHONY: molecule
molecule: ## SCENARIO=default: a Molecule scenario on real hosts
	@scripts/molecule test --scenario-name $(SCENARIO)

.PHONY: bench
bench: ## compare with the same result through the peer collections
	@scripts/bench
	@scripts/bench --backups

.PHONY: clean
clean: ## remove what the targets made, images of test hosts included
	@scripts/clean
