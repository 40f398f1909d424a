# A fresh machine needs Python 3.10 to 3.13 with pip, make, and two commands:
#   make demo    install into .venv, compare losses and optimizers on real data, write a page
#   make test    install into .venv, run the quick suite
# Choose another interpreter with PYTHON=python3.12, another package index for torch with TORCH_INDEX=URL.

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
WORKERS ?= 2

BIN := $(VENV)/bin
# Relative, so that a clone in a path with spaces works too: pip splits this variable at spaces.
export PIP_CONSTRAINT ?= constraints.txt
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)")
# One thread per worker: two workers with two threads each would fight over two cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.PHONY: demo test test-slow contract-table ulp-table layer-table torch-suite check-table bench docs stubs clean

demo: $(VENV)/installed
	$(BIN)/python -m steepest demo --out steepest-runs/demo

test: $(VENV)/installed-test
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/installed-test
	$(PYTEST) -m slow

contract-table: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python tools/contract_table.py

check-table: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python tools/check_table.py

ulp-table: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python tools/ulp_table.py

layer-table: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python tools/layer_table.py

torch-suite: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python bench/torch_suite.py

# With the test extras: torch's own test data need expecttest.
bench: $(VENV)/installed-test
	for script in bench/*.py; do echo "== $$script"; OMP_NUM_THREADS=1 $(BIN)/python "$$script" || exit 1; done

docs: $(VENV)/installed
	$(BIN)/python -m steepest docs --out build/docs

stubs: $(BIN)/python
	$(BIN)/python tools/stubs.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .hypothesis
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +
	find src -name __init__.pyi -delete

# Where the system's Python has no ensurepip (Debian without python3-venv), its pip fills the environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 10) else \
		"Steepest needs Python 3.10 or newer, $(PYTHON) is %d.%d. Try make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install pip; }

$(VENV)/installed: pyproject.toml constraints.txt hatch_build.py | $(BIN)/python
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt hatch_build.py | $(BIN)/python
	$(PIP_INSTALL) -e ".[test]"
	@touch $(VENV)/installed $@
