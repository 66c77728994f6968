# What one person needs to run the hub and to work on it. Needed: make, and Python 3.11 or later with venv.
SHELL := /bin/sh
PYTHON ?= python3
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
BOOT := $(PYTHON) deploy/local/environment.py

.DEFAULT_GOAL := help
.PHONY: help up demo test years faults compose-test check bench bench-full browser pages format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(RUN) pages ## run the hub in the foreground (Ctrl-C stops it)
	@exec $(BIN)/hub up

demo: $(RUN) pages ## the same with the fictional bureau, a past year and a live stream
	@exec $(BIN)/hub demo

pages: $(RUN) ## build the pages if their sources have changed (nothing of it is needed at run time)
	@$(BIN)/python -m deploy.local.pages

test: $(DEV) ## all tests, on real parts, in three processes, for they mostly wait (WORKERS=0: in one)
	@$(BIN)/pytest -m "not slow and not bench" --ignore tests/browser -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

years: $(DEV) ## the published years of two bureaus through the running hub, each of its processes killed once
	@$(BIN)/pytest -m slow tests/flow/test_figures.py $(ARGS)

faults: $(DEV) ## the long tests: every error at every call, kill -9 at any moment
	@$(BIN)/pytest -m slow $(ARGS)

compose-test: $(DEV) ## the hub in containers: up, killed one by one under load, stopped (needs a Docker engine)
	@$(BIN)/pytest tests/compose -s $(ARGS)

check: $(DEV) ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy services deploy

bench: $(DEV) ## what it can do, one table
	@$(BIN)/python -m bench $(ARGS)

bench-full: $(DEV) ## the same with ten million events; keeps its data in .bench
	@$(BIN)/python -m bench --events 10000000 --keep .bench $(ARGS)

browser: $(DEV) ## the pages, in a real browser (Chromium of the system)
	@$(BIN)/python -m deploy.local.pages --strict
	@$(BIN)/pytest tests/browser $(ARGS)

bundle: $(RUN) pages ## what an installation without a network needs, in the folder bundle/
	@$(BIN)/python -m deploy.local.bundle

bundle-test: $(DEV) pages ## install from a bundle in a network namespace of its own, and start there
	@$(BIN)/pytest tests/deploy/test_bundle.py -m slow $(ARGS)

format: $(DEV) ## put the code into shape
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

clean: ## remove the environment; never the hub's data
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(RUN): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "没有找到 $(PYTHON)：先安装 Python 3.11 或更新的版本（或 make PYTHON=路径）" >&2; exit 1; }
	@$(BOOT) requirements.txt $@

$(DEV): requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "没有找到 $(PYTHON)：先安装 Python 3.11 或更新的版本（或 make PYTHON=路径）" >&2; exit 1; }
	@$(BOOT) requirements-dev.txt $@
	@touch $(RUN)
