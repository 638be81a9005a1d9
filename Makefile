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
BESIDE_BPY := pytest pytest-timeout hypothesis "markdown-it-py>=3"
PIP := bin/pip install --quiet --disable-pip-version-check
# What needs no Blender (tests/addon/pure) runs once, in test-python.
BLENDER_TESTS := tests/addon/blender tests/e2e
# The version that the server is locked to; libraries ask for a range.
TORCH := $(shell sed -n 's/^\(torch==[^ ;]*\).*/\1/p' addon/model/server/requirements.txt | head -n 1)

.PHONY: install blender blender-libs extension release demo test test-python test-core test-server test-pure coverage test-blender gui gui-blender lint mutate bench clean \
  $(BLENDERS:%=test-blender-%)

install: .venv/.ready

# The versions that people get: what the server is locked to.
.venv/.ready: pyproject.toml addon/model/server/requirements.txt
	$(PYTHON) -m venv .venv
	sed -n 's/^\([A-Za-z0-9._-]*==[^\\]*\).*/\1/p' addon/model/server/requirements.txt > .venv/locked.txt
	.venv/$(PIP) -c .venv/locked.txt '$(TORCH)'
	.venv/$(PIP) -c .venv/locked.txt -e '.[dev]'
	.venv/bin/python -m tempose.music.compiled
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

# Everything, four groups at once, the longest first: they wait for servers now and then. Each runs and reports whatever
# became of the others; what it says is kept together, and in build/test/GROUP.log.
# One thread each: more of them on too few cores only wait for each other.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
GROUPS := test-core $(BLENDERS:%=test-blender-%) test-server test-pure lint
LOGGED = 2>&1 | tee build/test/$@.log

test:
	@rm -rf build/test
	@failed=0; $(MAKE) --no-print-directory --keep-going --jobs 4 --output-sync=target $(GROUPS) || failed=1; \
	for group in $(GROUPS); do \
	  printf '%-17s %s\n' "$$group" "$$(tail -n 1 "build/test/$$group.log" 2>/dev/null || echo 'did not run: see above')"; \
	done; exit $$failed

# What needs no Blender.
test-python: test-core test-server test-pure

test-core test-server: test-%: install
	@mkdir -p build/test
	@.venv/bin/python -m pytest tests/$* $(LOGGED)

# With branch coverage, which is cheap where no torch is imported; `make coverage` measures all of it.
PURE := tests/pose tests/addon/pure tests/test_demo.py tests/test_protections.py
test-pure: install
	@mkdir -p build/test build/coverage
	@(failed=0; .venv/bin/python -m pytest $(PURE) --cov=pose/tempose_pose --cov=addon/model --cov-report= || failed=1; \
	for part in pose addon/model; do \
	  echo "branch coverage of $$part: $$(.venv/bin/coverage report --include="$$part/*" --format=total) %"; \
	done; [ $$failed = 0 ] && echo "all passed" || { echo "tests failed: see above"; exit 1; }) $(LOGGED)

# Branch coverage: of the add-on what can be tested without Blender. Half as long again; programs that tests kill leave
# torn files of it.
coverage: install
	@rm -rf build/coverage && mkdir -p build/test build/coverage
	@failed=0; .venv/bin/python -m pytest tests --cov --cov-report= $(LOGGED) || failed=1; \
	rm -f build/coverage/data.*; \
	.venv/bin/coverage report > build/test/coverage.txt || failed=1; \
	for part in pose core server addon; do \
	  echo "branch coverage of $$part: $$(.venv/bin/coverage report --include="$$part/*" --format=total) %"; \
	done; exit $$failed

test-blender: $(BLENDERS:%=test-blender-%)

# The time limit is for a Blender that hangs.
$(BLENDERS:%=test-blender-%): test-blender-%: install extension blender-libs .venv-bpy-%/.ready
	@mkdir -p build/test
	@if [ -e .venv-bpy-$*/.ready ]; then \
	  TEMPOSE_PYTHON=$(CURDIR)/.venv/bin/python timeout 3600 .venv-bpy-$*/bin/python -m pytest $(BLENDER_TESTS); \
	else echo "Skipped Blender $*: its environment could not be made"; fi $(LOGGED)

# The table of protections, each taken out in turn while its tests run: an hour. ONLY=replica takes some.
mutate: install
	.venv/bin/python scripts/take_out.py $(if $(ONLY),--only '$(ONLY)',--write)

# Scenarios in a real window (tests/gui); BLENDER names a Blender program, GUI='journey stalls' some groups.
gui: install
	.venv/bin/python tests/gui/run.py $(GUI)

# Debian's Blender in a folder of its own, for `make gui` where there is none. As root.
gui-blender:
	scripts/gui_blender.sh $(or $(GUI_BLENDER),.blender-gui)

# Style, types, and who may import whom. All of it, whatever fails first.
lint: install
	@mkdir -p build/test
	@(bad=; for check in 'ruff check .' 'ruff format --check .' pyright 'pyright -p pyright-addon.json' 'lint-imports --no-cache' 'deptry core pose server'; do \
	  echo "== $$check"; .venv/bin/$$check || bad="$$bad $$check;"; \
	done; [ -z "$$bad" ] && echo "all clean" || { echo "failed:$$bad"; exit 1; }) $(LOGGED)

bench: install
	.venv/bin/python scripts/bench.py
	.venv/bin/python scripts/bench_health.py
	.venv/bin/python scripts/bench_health.py --tls
	@for bpy in .venv-bpy-*; do if [ -e $$bpy/.ready ]; then $$bpy/bin/python scripts/bench_keys.py; $$bpy/bin/python scripts/bench_redraw.py; fi; done

clean:
	rm -rf build dist demo .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
