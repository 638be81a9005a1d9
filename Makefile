# Everything people and CI run. Environments are reused when they stand; `make clean` removes outputs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Blender 5.2 needs Python 3.13: from PATH, or from pyenv where that has one.
PYTHON313 ?= $(shell command -v python3.13 >/dev/null 2>&1 && python3.13 -c '' 2>/dev/null && echo python3.13 || ls -d $$HOME/.pyenv/versions/3.13*/bin/python3.13 2>/dev/null | tail -n 1)
BPY_45 := 4.5.15
BPY_50 := 5.0.1
BPY_52 := 5.2.3
BLENDERS := 4.5 5.0 5.2
BESIDE_BPY := pytest pytest-timeout hypothesis
PIP := bin/pip install --quiet --disable-pip-version-check
BLENDER_TESTS := tests/addon tests/e2e
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -n 1)

.PHONY: install blender blender-libs extension release demo test test-python test-blender gui gui-blender lint bench clean \
  $(BLENDERS:%=test-blender-%)

install: .venv/.ready

.venv/.ready: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/$(PIP) torch==2.13.0
	.venv/$(PIP) -e '.[dev]'
	.venv/bin/python -c "from tempose.music.compiled import compile_once; compile_once()"
	touch $@

blender: blender-libs $(BLENDERS:%=.venv-bpy-%/.ready)

# What the bpy wheels link to, on Debian and Ubuntu; elsewhere they are part of any desktop.
blender-libs:
	@scripts/blender_libs.sh

.venv-bpy-4.5/.ready:
	$(PYTHON) -m venv .venv-bpy-4.5
	.venv-bpy-4.5/$(PIP) bpy==$(BPY_45) $(BESIDE_BPY)
	touch $@

# Versions without long-term support are taken off the package index some day; that must not stop everybody's tests.
.venv-bpy-5.0/.ready:
	@$(PYTHON) -m venv .venv-bpy-5.0 && .venv-bpy-5.0/$(PIP) bpy==$(BPY_50) $(BESIDE_BPY) && touch $@ || \
	echo "Skipped Blender 5.0: bpy $(BPY_50) could not be installed (see above); the package index may not have it any more."

.venv-bpy-5.2/.ready:
	@if [ -z "$(PYTHON313)" ]; then echo "Skipped Blender 5.2: it needs Python 3.13, and there is none here."; else \
	$(PYTHON313) -m venv .venv-bpy-5.2 && \
	.venv-bpy-5.2/$(PIP) bpy==$(BPY_52) $(BESIDE_BPY) && \
	touch $@; fi

extension: install
	.venv/bin/python scripts/build_extension.py

# The zip for people: with the server's wheel inside, so that Set Up Server needs nothing else.
release: install
	.venv/bin/python scripts/build_extension.py --with-server

demo: install blender extension
	.venv/bin/python scripts/demo.py

# Two at once, on two cores, the environments first; what each says is kept together.
test:
	$(MAKE) --no-print-directory --jobs 2 install blender
	$(MAKE) --no-print-directory --jobs 2 --output-sync=target test-python test-blender

test-python: install
	.venv/bin/python -m pytest tests

test-blender: $(BLENDERS:%=test-blender-%)

$(BLENDERS:%=test-blender-%): test-blender-%: install blender extension
	@echo "== Blender $*"; if [ -e .venv-bpy-$*/.ready ]; then \
	  TEMPOSE_PYTHON=$(CURDIR)/.venv/bin/python timeout 1200 .venv-bpy-$*/bin/python -m pytest $(BLENDER_TESTS); \
	else echo "Skipped: its environment could not be made"; fi

# Scenarios in a real window (tests/gui); BLENDER names a Blender program, GUI='journey stalls' some groups.
gui: install
	.venv/bin/python tests/gui/run.py $(GUI)

# Debian's Blender in a folder of its own, for `make gui` where there is none. As root.
gui-blender:
	scripts/gui_blender.sh $(or $(GUI_BLENDER),.blender-gui)

lint: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright

bench: install
	.venv/bin/python scripts/bench.py
	@for bpy in .venv-bpy-*; do if [ -e $$bpy/.ready ]; then $$bpy/bin/python scripts/bench_keys.py; fi; done

clean:
	rm -rf build dist demo .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
