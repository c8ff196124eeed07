# Every verb of the project. `make help` prints itself.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

.DEFAULT_GOAL := help

help: ## Show what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Make .venv with everything in it, jicai included

$(STAMP): requirements.lock pyproject.toml
	@echo "正在准备 .venv / preparing .venv"
	@$(PYTHON) tools/make_venv.py "$(VENV)"
	@touch "$(STAMP)"

demo: $(STAMP) ## Play a province through the real doors and show its figures
	@"$(BIN)/jicai" demo

test: $(STAMP) ## Run all tests; they start their own PostgreSQL and, with Java and Maven, their own Kafka
	@"$(BIN)/python" -m pytest -n 3 --dist loadscope

chaos: $(STAMP) ## Break a running installation by a seed and check its history (SEED=1 MINUTES=2)
	@"$(BIN)/python" -m tests.chaos.history --seed $(or $(SEED),1) --minutes $(or $(MINUTES),2)

simulate: $(STAMP) ## Play the pure core by many seeds over a bus without manners (SEEDS=10000)
	@"$(BIN)/python" -m tests.simulation --seeds $(or $(SEEDS),10000)

mutants: $(STAMP) ## Break the product on purpose, one place at a time: the tests must notice
	@"$(BIN)/python" -m tests.mutants

fuzz: $(STAMP) ## Send every door what nobody should, for longer than the tests do (EXAMPLES=50 SEED=1)
	@JICAI_FUZZ_EXAMPLES=$(or $(EXAMPLES),50) JICAI_FUZZ_SEED=$(or $(SEED),1) \
		"$(BIN)/python" -m pytest -n 2 --dist worksteal tests/hostile/test_openapi.py tests/hostile/test_raw_http.py

restore-drill: $(STAMP) ## Back up, restore into another cluster, also beside a broker that is ahead
	@"$(BIN)/python" -m pytest tests/restore/long_over_kafka.py tests/restore

check: lint types imports ## What every commit must pass: lint, types, import contracts

lint: $(STAMP) ## Lint and check the format
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .

types: $(STAMP) ## mypy --strict
	@"$(BIN)/mypy"

imports: $(STAMP) ## Who may import whom
	@"$(BIN)/lint-imports"

fmt: $(STAMP) ## Format and sort
	@"$(BIN)/ruff" format .
	@"$(BIN)/ruff" check --fix .

bench: $(STAMP) ## Measure against reference programs in the same minute, one JSON line each
	@"$(BIN)/python" tools/make_venv.py "$(VENV)" bench
	@"$(BIN)/python" -m bench

docs: $(STAMP) ## Write the documents that are made from the code
	@PYTHONPATH=. "$(BIN)/python" tools/make_docs.py

publish-events: $(STAMP) ## Freeze the published form of facts; refuses what breaks readers
	@PYTHONPATH=. "$(BIN)/python" tools/publish_events.py

lock: $(STAMP) ## Write requirements.lock anew from what is installed
	@"$(BIN)/python" tools/make_lock.py

clean: ## Remove what was made
	rm -rf "$(VENV)" .jicai .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help setup demo test chaos simulate mutants fuzz restore-drill check lint types imports fmt bench docs publish-events lock clean
