# Two commands do everything: `make demo` and `make test`. Each sets up what it needs, once.
# They ask for Python 3.11 or newer and make, and nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test lint types fix lock docs clean

demo: $(READY)  ## Train on the airline passengers, predict the next year, draw the figures.
	$(BIN)/python -m forecast train --config air.yaml
	$(BIN)/python -m forecast predict --output forecast.csv
	$(BIN)/python -m forecast plot
	@echo "The forecast is in forecast.csv."

test: lint types  ## Lint, types, and all tests.
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(READY)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -c "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"

types: $(READY)
	$(BIN)/python -m mypy

fix: $(READY)  ## Put the code in form.
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

docs: $(READY)  ## Write the reference pages again, from the schema and --help.
	$(BIN)/python docs/generate.py

lock:  ## Choose exact versions again (needs uv).
	uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate --output-file requirements.lock

# --no-deps: the lock file names all; asked for an extra of a package, pip takes its newest version instead.
$(READY): requirements.lock pyproject.toml
	"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=...')"
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
