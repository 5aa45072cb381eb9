# make install | serve | test | lint | format | bench | clean        (make serve PORT=8001, make test TESTS=tests/app)

PYTHON ?=
PORT ?= 8000
TESTS ?= tests
WORKERS ?= 2
PHOTOS ?=
BENCH ?=
VENV := .venv
BENCH_VENV := bench/.venv
RUN := $(VENV)/bin/python

.PHONY: help install serve test lint format bench clean
.DELETE_ON_ERROR:

help:
	@echo 'make install   set up .venv/ with everything: serve, train, test'
	@echo 'make serve     set up what serving needs, start the service on PORT (8000), print its address'
	@echo 'make test      set up everything, run the tests (TESTS=path or options for pytest; WORKERS=2)'
	@echo 'make lint      check the style; make format mends it'
	@echo 'make bench     set up bench/.venv/, measure this service and others, write bench/RESULTS.md'
	@echo '               (PHOTOS=folder of JPEG or PNG; BENCH=options: python -m bench --help)'
	@echo 'make clean     remove .venv/, bench/.venv/ and caches'

install: $(VENV)/.all

serve: $(VENV)/.serve
	@exec env PORT='$(PORT)' PATH="$(CURDIR)/$(VENV)/bin:$$PATH" VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(RUN) deploy/serve.py

test: $(VENV)/.all
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(VENV)/.all
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: $(VENV)/.all
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: $(BENCH_VENV)/.all
	@exec $(BENCH_VENV)/bin/python -m bench $(if $(PHOTOS),--photos '$(PHOTOS)') $(BENCH)

clean:
	rm -rf $(VENV) $(BENCH_VENV) .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than the requirements it was installed from, so that a second run installs nothing.
$(VENV)/.serve: requirements-serve.txt | $(VENV)/.made
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-serve.txt
	@touch $@

$(VENV)/.all: requirements.txt requirements-serve.txt requirements-telemetry.txt requirements-storage.txt requirements-without-dependencies.txt | $(VENV)/.made
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-without-dependencies.txt
	@touch $(VENV)/.serve $@

$(BENCH_VENV)/.all: bench/requirements.txt requirements-serve.txt | $(BENCH_VENV)/.made
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

# PYTHON, or else the first of these that is new enough. The pins have no wheels for 3.14 (TensorFlow).
$(VENV)/.made $(BENCH_VENV)/.made:
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python); do \
		if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
			echo "Making $(@D)/ with $$("$$python" --version) ($$python)"; \
			"$$python" -m venv --clear $(@D) && touch $@; \
			exit $$?; \
		fi; \
	done; \
	echo 'make: no Python 3.11, 3.12 or 3.13 among: $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python).' \
		'Install one (on Debian: apt install python3 python3-venv), or name it: make $(or $(MAKECMDGOALS),install)' \
		'PYTHON=/path/to/python3.11' >&2; \
	exit 1
