# Sightline: `make run` serves the app, `make test` runs every test. Both set up what they need.
# For Linux, macOS and WSL; on Windows itself install the package with pip (see README.md).

PYTHON ?= python3
VENV := .venv
# `make run SLIM=1` leaves torch and ultralytics out, which graphics cards, .pt detectors, exporting and training need.
SERVED := $(VENV)/$(if $(SLIM),.slim,.app)
BIN := $(VENV)/bin

# Packages are installed only as files whose hashes stand in supply/hashes (`make hashes` renews them).
LAYERS = $(foreach layer,$(1),-r supply/hashes/$(layer).txt)
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check -q
# Without isolation, what is built from sources is built with what is installed here, not with what pip would fetch.
INSTALL_HASHED = $(PIP_INSTALL) --require-hashes --no-build-isolation
HASHES := $(filter-out %/supply.txt,$(wildcard supply/hashes/*.txt))
# Tools that look after packages have an environment of their own.
TOOLS := $(VENV)/supply

.PHONY: help run test test-slow test-gpu check docs format messages bench bench-gpu train-setup evaluation-setup \
	encryption-setup demo wheel hashes sbom audit-packages clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(SERVED) ## set up on first use, then serve the app on http://127.0.0.1:7860 (SLIM=1: without torch, 1 GB)
	$(BIN)/python app.py

# Two to four processes, each of which runs whole files: `make test WORKERS=` runs all tests in one.
WORKERS ?= -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# What fails in a browser, as on a busy machine, gets two more tries; the summary says so ("rerun").
AGAIN ?= --browser-reruns 2

test: $(VENV)/.dev ## run every test, browser tests included
	@$(BIN)/python tests/browser_setup.py
	$(BIN)/python -m pytest $(WORKERS) $(AGAIN) -m "not slow and not gpu"

test-slow: $(VENV)/.dev ## run the tests that take minutes, such as all ways to work with the page
	@$(BIN)/python tests/browser_setup.py
	$(BIN)/python -m pytest -m slow

# A machine with packages of its own (torch and the application's; OpenVINO is not needed):
# make test-gpu GPU_PYTHON=python3
ifndef GPU_PYTHON
GPU_PYTHON := $(BIN)/python
test-gpu: $(VENV)/.dev
bench-gpu: $(VENV)/.app
endif
test-gpu: ## run the tests of what runs on an NVIDIA GPU
	$(GPU_PYTHON) -m pytest tests/gpu -s -W default

# Status 3 says that there is no card. The whole script on the processor: make bench-gpu GPU_BENCH="--device cpu --quick"
bench-gpu: ## measure how busy an NVIDIA GPU is kept, in under three minutes
	@$(GPU_PYTHON) -m benchmarks.gpu $(GPU_BENCH) || [ $$? = 3 ]

check: $(VENV)/.dev ## lint, format and type checks; the documents, links too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MKDOCS) --site-dir $(VENV)/site

docs: $(VENV)/.dev ## build the documentation site in site/
	$(MKDOCS) --site-dir site

MKDOCS = NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: $(VENV)/.app ## bring the catalogues of translations up to date with the texts
	$(BIN)/python -m biometric.messages.extraction

bench: $(VENV)/.app ## measure speed and memory against the obvious assembly
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.page

train-setup: $(VENV)/.train ## install what `python -m biometric train` needs

evaluation-setup: $(VENV)/.app ## install what `python -m biometric evaluate-clip` needs
	$(INSTALL_HASHED) $(call LAYERS,build slim torch evaluation)

encryption-setup: $(SERVED) ## install what encrypted galleries need (SLIM=1: without torch)
	$(INSTALL_HASHED) $(call LAYERS,build slim encryption)

demo: $(VENV)/.app ## make the example clips in demo/
	$(BIN)/python -m biometric demo

wheel: $(VENV)/.dev ## build the package into dist/
	$(BIN)/python -m pip wheel --disable-pip-version-check -q --no-build-isolation --no-deps -w dist .

hashes: $(TOOLS)/.ready ## after a change of requirements*.txt: renew the hashes in supply/hashes (needs the package index)
	$(TOOLS)/bin/python supply/renew_hashes.py

sbom: $(SERVED) $(TOOLS)/.ready ## write the parts of the installed application, models too, to sbom.json (CycloneDX; SLIM=1)
	$(TOOLS)/bin/python -m supply.software_bill $(BIN)/python sbom.json slim $(if $(SLIM),,torch)

audit-packages: $(TOOLS)/.ready ## look up known weaknesses of all packages (needs a network)
	$(TOOLS)/bin/python -m supply.package_audit

clean: ## remove the virtual environment and caches (never the gallery)
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sightline needs Python 3.11 or newer: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The package itself is installed last, editable, so that .venv/bin/sightline is there and works from any folder.
$(VENV)/.app: SERVED_LAYERS = build slim torch
$(VENV)/.slim: SERVED_LAYERS = build slim
$(VENV)/.app $(VENV)/.slim: $(HASHES) pyproject.toml | $(BIN)/python
	$(INSTALL_HASHED) $(call LAYERS,$(SERVED_LAYERS))
	$(PIP_INSTALL) --no-build-isolation --no-deps -e .
	@$(BIN)/python -c 'import cv2' 2>/dev/null || $(MAKE) --no-print-directory system-libraries
	@touch $@

.PHONY: system-libraries
system-libraries:
	@if [ -f /etc/debian_version ] && [ "$$(id -u)" = 0 ]; then \
		echo "Installing libgl1 and libglib2.0-0, which OpenCV needs …"; \
		apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q libgl1 libglib2.0-0 >/dev/null; fi
	@$(BIN)/python -c 'import cv2' || { \
		echo "OpenCV needs two system libraries. Debian, Ubuntu: apt install libgl1 libglib2.0-0. Then run make again."; exit 1; }

$(VENV)/.train: $(HASHES) $(VENV)/.app
	$(INSTALL_HASHED) $(call LAYERS,build slim torch train)
	@touch $@

$(VENV)/.dev: $(HASHES) $(VENV)/.app
	$(INSTALL_HASHED) $(call LAYERS,build slim torch train evaluation encryption dev)
	@touch $@

$(TOOLS)/.ready: supply/hashes/supply.txt | $(BIN)/python
	$(BIN)/python -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --disable-pip-version-check -q --require-hashes -r supply/hashes/supply.txt
	@touch $@
