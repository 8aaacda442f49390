# Two commands for people: `make up` and `make test`. Each installs what it needs. Plain `make` says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROOT := $(shell [ "$$(id -u)" = 0 ] && echo yes)
PACKAGES := crun conmon skopeo nftables iproute2 curl
TEST_PACKAGES := $(PACKAGES) busybox-static lighttpd redis-server redis-tools docker-registry containerd runc \
	containernetworking-plugins uidmap slirp4netns procps bind9-dnsutils \
	libnfs-utils fuse3 nfs-ganesha nfs-ganesha-vfs nginx

# of the tests: one waits most of its time. Which of them may run beside each other, tests/conftest.py says
WORKERS := 4
# of a test that failed, on a machine that others use too: it is asked once more, and the summary names it and says why
RERUNS := 1

# of the kubectl that `make up` puts into the virtual environment
KUBECTL := 1.37
KUBECTLS := $(if $(ROOT),debian) 1.32 $(KUBECTL)

ROOMS := engine reconcilers store runtime shipslog tests

.PHONY: help up down test lint bench crash fuzz clean packages kubectl test-packages

help:
	@echo "make up      start a cluster; options go into ARGS: make up ARGS='--port 7443 --data DIRECTORY'"
	@echo "make down    stop it; its pods go on running unless ARGS=--all"
	@echo "make test    run all tests"
	@echo "make lint    formatter, linter and types"
	@echo "make bench   measure; make crash and make fuzz search for an hour and more"
	@echo "make clean   remove what was installed here, and caches"

up: $(VENV)/.installed packages kubectl
	@$(BIN)/shipslog up --detach $(ARGS)
	@[ ! -x $(BIN)/kubectl ] || printf '\nkubectl and shipslog are in $(BIN):\n  export PATH=$(CURDIR)/$(BIN):$$PATH\n'

down: $(VENV)/.installed
	@$(BIN)/shipslog down $(ARGS)

test: $(VENV)/.installed-test test-packages
	@$(BIN)/python -m compileall -q $(ROOMS)  # once, also where the environment says that nobody shall write it: hundreds are started
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest tests -n $(WORKERS) --reruns $(RERUNS) -r R

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

kubectl: $(VENV)/bin/python
	@PYTHON=$(BIN)/python sh .ci/kubectl $(CURDIR)/$(VENV)/kubectl $(KUBECTL) || true
	@[ ! -x $(VENV)/kubectl/kubectl-$(KUBECTL) ] || ln -sf ../kubectl/kubectl-$(KUBECTL) $(BIN)/kubectl

test-packages: $(VENV)/bin/python
ifdef ROOT
	@sh .ci/packages $(TEST_PACKAGES)
endif
	@PYTHON=$(BIN)/python sh .ci/kubectl $(CURDIR)/$(VENV)/kubectl $(KUBECTLS) || true
	@sh .ci/client-node $(CURDIR)/$(VENV) || true

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
