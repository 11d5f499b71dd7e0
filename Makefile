# One command each: setup, demo, test, check, bench, lock.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
DEVLOCK := requirements-dev.lock
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps
WHAT = $(if $(REQ),--req $(REQ),)$(if $(T), --t $(T),)$(if $(CONTRACT), --contract,)

.PHONY: setup setup-dev web demo test check unit bench lock clean

setup: $(VENV)/.setup web
	$(BIN)/python -m compileall -q src
setup-dev: $(VENV)/.setup
	$(MAKE) --no-print-directory -j 2 $(VENV)/.setup-dev web
	$(BIN)/python -m compileall -q src

$(VENV)/bin/python:
	$(PY) -m venv $(VENV)

# Byte code is made on all cores afterwards; the web app has its own step.
$(VENV)/.setup: $(LOCK) pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes -r $(LOCK)
	HATCH_BUILD_NO_HOOKS=true $(PIP) --no-build-isolation -e .
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib
	touch $@

$(VENV)/.setup-dev: $(DEVLOCK) $(VENV)/.setup
	$(PIP) --require-hashes -r $(DEVLOCK)
	touch $@

web: | $(VENV)/.setup
	$(BIN)/python hatch_build.py

demo: setup
	$(BIN)/hidamari demo $(ARGS)

check: setup-dev
	$(BIN)/python tests/run.py check

test: setup-dev
	$(BIN)/python tests/run.py test $(WHAT)

bench: setup-dev
	$(BIN)/python -m bench $(NAME)

lock:
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe --extra build -o $(LOCK) pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe --extra build --extra dev -o $(DEVLOCK) pyproject.toml

clean:
	rm -rf $(VENV) src/hidamari/web ui/node_modules ui/dist
