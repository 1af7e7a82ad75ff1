# Each target works alone on a bare machine with Python >= 3.11 and GNU make.
PYTHON ?= python3
BIN := .venv/bin
#: Tests run in a process for each core, up to four; those of a file stay together, since they share what they made.
#: Files begin in alphabetical order: by their number of tests, which is xdist's order, the longest would begin last.
WORKERS := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

QUICK := not slow and not slurm and not thorough

#: Where it is set, as it is in many containers, every process compiles torch's sources anew: 20 s in place of 8.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install reproduce theory check test test-thorough test-random test-slow test-slurm test-faults bench bench-scaling format

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

install: .venv/installed  ## create .venv with everything that the other targets use

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

reproduce: install  ## the main comparison (Figure 1 of the paper): train, then open outputs/gaussian_1d/report/report.html
	$(BIN)/saddlegan experiment=gaussian_1d

theory: install  ## the theory as experiments of seconds: outputs/theory/report/report.html
	$(BIN)/saddlegan-theory

check: install  ## what CI checks besides the tests: lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

test: install  ## the tests, in minutes
	$(BIN)/python -m pytest -m "$(QUICK)" -p no:randomly $(WORKERS)

test-thorough: install  ## those that take several seconds each, which CI runs too: many processes, whole sections
	$(BIN)/python -m pytest -m "thorough and not slow and not slurm" -p no:randomly $(WORKERS)

test-random: install  ## the same in a random order and with other global seeds, which pytest prints
	$(BIN)/python -m pytest -m "$(QUICK)" $(WORKERS)

test-slow: install  ## the tests that take longer
	$(BIN)/python -m pytest -m "slow and not slurm"

#: Which of them: `make test-slurm SLURM="slurm and not slow"` leaves out one that waits until minutes are over.
SLURM ?= slurm
test-slurm: install  ## sweeps on a real SLURM of one node, which it installs and brings up (root, Debian or Ubuntu)
	$(BIN)/python -m pytest -m "$(SLURM)" -p no:randomly tests/slurm

test-faults: install  ## runs that are killed again and again, full disks and the like: two tables, in minutes
	$(BIN)/python scripts/faults.py
	$(BIN)/python scripts/faults_of_machine.py

bench: install  ## how fast: toys and MNIST against bare PyTorch loops, and start-up times
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_methods.py
	$(BIN)/python scripts/bench_discrete.py
	$(BIN)/python scripts/bench_images.py

bench-scaling: install  ## what a sweep costs besides its training: checkpoints, workers, SLURM where there is one, 2000 runs
	$(BIN)/python scripts/bench_scaling.py
	$(BIN)/python scripts/bench_many_runs.py

format: install  ## rewrite the sources in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
