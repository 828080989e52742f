# `make` sets up and rebuilds the study; `make test` sets up and checks what an edit can break;
# `make test-all` checks everything; `make verify` rebuilds what is committed in a clean clone and
# compares it, bit by bit; `make studies` rebuilds the studies beside the main one; `make report`
# writes what came of it on one page; `make explain` writes a page that trains it in the browser;
# `make bench` times everything side by side.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# DVC starts the stages with `python`: the environment's must come first. Recipes that change the
# folder find it so, too, whatever the path to here.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: all test test-all verify studies report explain bench prune check-cache mend clean distclean lock

# Where the runs are trained, and how: make JOBS=1, make SCHEDULER=tcp://host:8786 and so on.
BUILD = $(BIN)/python tools/build.py \
	$(if $(JOBS),--jobs $(JOBS)) $(if $(SCHEDULER),--scheduler $(SCHEDULER)) \
	$(if $(QUEUE),--queue $(QUEUE)) $(if $(EXECUTOR),--executor $(EXECUTOR)) \
	$(if $(COMPILED),--compiled) $(if $(AUDIT),--audit $(AUDIT)) $(if $(PULL),--pull)

all: mend
	@$(BUILD)

test: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses auto --dist loadgroup -m "not release"

test-all: test
	$(BIN)/pytest --numprocesses auto -m release

verify: $(VENV)/.ready-dev check-cache
	@$(BIN)/python -m tests.portability.verify

studies: mend
	@$(BUILD) studies/*/

# What has changed is told against a Git revision.
BASE ?= HEAD

report: all
	@$(BIN)/python tools/study_report.py --base $(BASE)

explain: all
	@$(BIN)/python tools/explain.py

bench: $(VENV)/.ready-dev mend
	@$(BIN)/dvc repro --quiet convert
	@$(BIN)/python benchmarks/bench.py

# Delete from dvc.lock what models and seeds that are gone have left there.
prune: mend
	@$(BIN)/python tools/tidy_lock.py
	@for study in studies/*/; do \
		(cd "$$study" && python ../../tools/tidy_lock.py) || { echo "in $$study" >&2; exit 1; }; \
	done

# Hash DVC's cache and what it has built anew, and remove what is rotten: DVC trusts its notes.
check-cache: mend
	@$(BIN)/python tools/check_cache.py

# Mend what a killed DVC has left locked.
mend: $(VENV)/.ready
	@$(BIN)/python tools/mend_locks.py

# Delete what the workflow makes and Git does not hold; DVC's cache brings it back without training.
clean:
	rm -rf data/dataset.npz data/dataset.parquet runs scratch dvc_plots report.html report.md
	rm -rf params.ok src/*_code.json studies/*/params.ok studies/*/runs
	rm -rf studies/*/plot_data explain.html studies/*/explain.html

# Delete that cache as well, the environment, and all other traces of work.
distclean: clean
	[ ! -e .slurm ] || .ci/slurm stop
	rm -rf $(VENV) .dvc/cache .dvc/tmp studies/*/.dvc/tmp .emulators
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# Renew the locked requirements; needs uv.
lock:
	uv pip compile pyproject.toml --group build $(LOCK) -o requirements.txt
	uv pip compile pyproject.toml --group build --extra dev -c requirements.txt $(LOCK) \
		-o requirements-dev.txt
	uv pip compile --group sharing -c requirements-dev.txt $(LOCK) -o requirements-sharing.txt
LOCK := --universal --fork-strategy fewest --generate-hashes --no-annotate --no-header --quiet

$(VENV)/.ready: requirements.txt pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install --quiet --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install --quiet --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.ready

# A stamp, not the folder: an interrupted set-up is begun again.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"error: Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@
