"""Which tests may run beside each other, and in which order; and what they leave to no test after them.

`make test` has four workers (pytest-xdist), for two processors. What needs the machine - containers, packet rules, daemons,
ports that are looked for, address ranges - stays in one of them, one after the other, and is begun first: it waits more than it
works, and leaves the processors to the others. Everything else goes test by test to whichever worker is free, what takes
longest first, so that all end at about the same time.
`python -m pytest PATH` has no workers, and the order of the files.

A test that hangs fails after four minutes, and says where it stood (`timeout` in pyproject.toml). What failed under
`make test` is run once more, since others may use the machine too; the summary names it, and it is to be mended all the same.

A run has a directory of its own for temporary files, which goes with it: client libraries leave some in each test. What a test
that failed has kept is pytest's, and stays.
"""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MARKED = ("root",)  # what bears it is in one of the folders below; `test_workers.py` looks
# Folders and modules of tests that start programs which others could meet: on ports, in namespaces, in claims of ranges.
OF_THE_MACHINE = (
    "tests/crash",
    "tests/e2e",
    "tests/runtime",
    "tests/engine/cli",
    "tests/engine/api/unstored/test_pod_and_node_metrics.py",
    "tests/seed",
    "tests/docs/test_operations.py",
)
# Commands against a cluster that they share, in their own process.
OF_A_CLUSTER = ("tests/engine/cli/retired",)
# Stock clients against clusters in their own process, where nobody meets another; they wait for programs that they start.
OF_THE_CLIENTS = ("tests/clients",)
# Rules about every module: whoever has one of them has read and parsed all that there is, and keeps the others' answers.
OF_THE_HOUSE = ("tests/test_house.py", "tests/test_mirrored.py")
# What takes longest of the others, the longest first.
LONG = (
    "tests/test_house.py::test_the_checkers_are_content",
    "tests/fuzz",
    "tests/engine/testing/simulation",
)


def begins_with(nodeid: str, places: tuple[str, ...]) -> int | None:
    """Which of the places a test is in, None for none of them."""
    return next((at for at, place in enumerate(places) if nodeid.startswith(place) and nodeid[len(place)] in ":/["), None)


def scope_of(nodeid: str) -> str:
    """What shares a worker with what: all of one scope does."""
    if begins_with(nodeid, OF_A_CLUSTER) is not None:
        return "a cluster"
    if begins_with(nodeid, OF_THE_MACHINE) is not None:
        return "the machine"
    if begins_with(nodeid, OF_THE_CLIENTS) is not None:
        return "the clients"
    house = begins_with(nodeid, OF_THE_HOUSE) is not None and begins_with(nodeid, LONG) is None
    return "the house" if house else nodeid


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _first(begins_with(item.nodeid, LONG)))  # stable: the order of files otherwise


def _first(at: int | None) -> int:
    return len(LONG) if at is None else at


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Not `--dist loadgroup`: that writes its groups into the ids of tests, which pytest 9.2 no longer lets it do."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):  # largest scope first
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return Scheduling(config, log)


# --- what a run costs before its first test ---


def pytest_sessionstart(session: pytest.Session) -> None:
    gc.disable()  # until all is collected: a million objects come and none goes
    if (input_ := getattr(session.config, "workerinput", None)) is not None and not sys.dont_write_bytecode:
        _rewrite(session.config, int(input_["workerid"].removeprefix("gw")), input_["workercount"])


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()  # what is there stays, and is not looked through for each test
    gc.set_threshold(10_000, 10, 10)  # objects, not 700: a cluster is made and lost in a moment
    gc.enable()


def _rewrite(config: pytest.Config, first: int, step: int) -> None:
    """Every worker needs every module of tests with its assertions rewritten, which takes longer than all else that it does
    before the first test: each rewrites a part of them, and finds the others'."""
    hook: Any = config.pluginmanager.rewrite_hook
    for path in sorted((ROOT / "tests").rglob("test_*.py"))[first::step]:
        module = ModuleType(path.stem)
        module.__spec__ = ModuleSpec(path.stem, hook, origin=str(path))
        vars(module)["__builtins__"] = {}  # rewritten and written down; what stands first in it then finds no `import`
        with suppress(ImportError):
            hook.exec_module(module)


# --- what a run leaves ---


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Iterator[None]:
    """Workers, and whatever they start, have the directory by the environment of the first process."""
    if hasattr(config, "workerinput"):
        return (yield)
    before = tempfile.gettempdir()
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", before)  # pytest keeps what belongs to tests that failed
    made = tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="sl-")
    os.chmod(made, 0o1777)  # some tests are other users
    try:
        return (yield)
    finally:
        tempfile.tempdir, os.environ["TMPDIR"] = before, before
        if not _mounted(made):  # else what is mounted there would go
            shutil.rmtree(made, ignore_errors=True)


def _mounted(directory: str) -> bool:
    try:
        return any(f" {directory}/" in line for line in Path("/proc/self/mountinfo").read_text().splitlines())
    except OSError:
        return sys.platform == "linux"
