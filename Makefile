# Two commands for people: `make up` and `make test`. Each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROOT := $(shell [ "$$(id -u)" = 0 ] && echo yes)
PACKAGES := crun conmon skopeo nftables iproute2
TEST_PACKAGES := $(PACKAGES) busybox-static redis-server redis-tools docker-registry containerd runc containernetworking-plugins uidmap slirp4netns procps curl

.PHONY: up down test lint bench crash fuzz clean packages test-packages

up: $(VENV)/.installed packages
	@$(BIN)/shipslog up --detach

down: $(VENV)/.installed
	@$(BIN)/shipslog down

test: $(VENV)/.installed-test test-packages
	@$(BIN)/python -m pytest tests

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

crash: $(VENV)/.installed-test
	$(BIN)/python -m tests.crash --kills 1000

fuzz: $(VENV)/.installed-test
	$(BIN)/python -m tests.fuzz --seconds 3600 --seed $${SEED:-$$(date +%s)}

bench: $(VENV)/.installed-test test-packages
	$(BIN)/python -m tests.bench

$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ -n "$(ROOT)" ] && apt-get update -qq && apt-get install -y -qq python3-venv; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	@echo "Installing shipslog into $(VENV) ..."
	@$(BIN)/pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@

packages:
ifdef ROOT
	@sh .ci/packages $(PACKAGES)
endif

test-packages:
ifdef ROOT
	@sh .ci/packages $(TEST_PACKAGES)
	@sh .ci/kubectl $(CURDIR)/$(VENV)/kubectl
endif

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
