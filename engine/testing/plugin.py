"""The pytest plugin: clusters as fixtures, for async tests and plain ones. It is found by pytest once Shipslog is installed.

`cluster` is a `TestCluster` in the test's own loop (pytest-asyncio). `served` says where it is served; in a plain test, which
has no loop, it serves one from a thread. `kubeconfig` is the path for kubectl and client libraries. `session_served` and
`session_kubeconfig` last for the whole run; with pytest-xdist each worker has its own. `@pytest.mark.shipslog(nodes=3,
flows=False)` says how a test's cluster is made: the options of `shipslog.testing.cluster`. When a test fails, the log of its
cluster is kept, and a line says how to look at it.

Everything is imported when a fixture is first asked for: a run without clusters pays nothing.
"""

import asyncio
import inspect
import re
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shipslog.engine.library import Background, Serving
    from shipslog.engine.testing.cluster import TestCluster
    from shipslog.store.log.event_log import EventLog

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # plain tests need none
    async_fixture = pytest.fixture  # type: ignore[assignment]

MARKER = "shipslog"
running = pytest.StashKey[dict[str, list[tuple["EventLog", Path]]]]()  # of the run, by test: `logs` of those that are not over
cut_off = pytest.StashKey[list[str]]()  # of the run: what is said at its end of tests that it was cut off in
logs = pytest.StashKey[list[tuple["EventLog", Path]]]()  # of a test's clusters, and where they go when it fails


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Have our modules imported as Python does. pytest rewrites the assertions of all that comes with a plugin, which takes as
    long as a hundred tests where nothing may be written beside the modules, as in most images of containers."""
    names = getattr(early_config.pluginmanager.rewrite_hook, "_must_rewrite", None)
    if isinstance(names, set):
        names.difference_update([name for name in names if name.partition(".")[0] == "shipslog"])
        getattr(early_config.pluginmanager.rewrite_hook, "_marked_for_rewrite_cache", {}).clear()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"{MARKER}(nodes=1, start='', flows=True, ...): how the test's cluster is made, see shipslog.testing.cluster"
    )


@pytest.hookimpl(wrapper=True, trylast=True)  # before pytest-asyncio looks for its marks
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Iterator[None]:
    """An async test that asks for a cluster needs no mark and no setting: it is pytest-asyncio's, as the fixture is."""
    made: Any = yield
    if collector.config.pluginmanager.hasplugin("asyncio"):
        for item in made if isinstance(made, list) else [made]:
            if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj) and _asks_for_ours(item):
                item.add_marker("asyncio")
    return made  # type: ignore[no-any-return]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep the logs of a test that fails, and say how to look at them."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if call.when == "call":
        item.config.stash.get(running, {}).pop(item.nodeid, None)
        if report.failed:
            report.sections.extend(("the cluster's log", _kept(log, path)) for log, path in item.stash.get(logs, []))
    return report  # type: ignore[return-value]


@pytest.hookimpl(tryfirst=True)  # before the fixtures end
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the logs of a test that was cut off: who presses Ctrl-C wants to know what it was waiting for."""
    said = [
        f"{test} was cut off; {_kept(log, path)}"
        for test, kept in session.config.stash.get(running, {}).items()
        for log, path in kept
    ]
    session.config.stash[cut_off] = said


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(cut_off, []):
        terminalreporter.write_line(line)


# --- fixtures ---


@async_fixture
async def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator["TestCluster"]:
    """A cluster in the test's loop, on simulated nodes."""
    if not inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        raise pytest.UsageError("the fixture `cluster` lives in the loop of an async test; a plain test asks for `served`")
    from shipslog.engine.testing import cluster as testing

    async with testing.cluster(**_options(request)) as opened:
        _remember(request, opened.log, tmp_path_factory)
        yield opened


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Any:
    """Where the test's cluster is served: `.url`, `.kubeconfig`; in a plain test also `.run(lambda cluster: ...)`."""
    is_async = inspect.iscoroutinefunction(getattr(request.node, "obj", None))
    return request.getfixturevalue("_served_in_its_loop" if is_async else "_served_from_a_thread")


@async_fixture
async def _served_in_its_loop(cluster: "TestCluster") -> AsyncIterator["Serving"]:
    async with cluster.serve() as served:
        yield served


@pytest.fixture
def _served_from_a_thread(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Background[TestCluster]"]:
    from shipslog.engine.testing.cluster import serving

    with serving(**_options(request)) as background:
        background.run(lambda cluster: _note(request, cluster, tmp_path_factory))
        yield background


@pytest.fixture
def kubeconfig(served: Any) -> Path:
    """The kubeconfig of the test's cluster."""
    path: Path = served.kubeconfig
    return path


@pytest.fixture(scope="session")
def session_served() -> Iterator["Background[TestCluster]"]:
    """One cluster for the whole run, served from a thread."""
    from shipslog.engine.testing.cluster import serving

    with serving() as background:
        yield background


@pytest.fixture(scope="session")
def session_kubeconfig(session_served: "Background[TestCluster]") -> Path:
    """The kubeconfig of the run's cluster."""
    return session_served.kubeconfig


# --- inside ---


def _asks_for_ours(item: pytest.Function) -> bool:
    """Whether a fixture of a test is one of this module, not another of the same name; and no mark says who runs it."""
    is_fixture_of_plugin = any(found[-1].func.__module__ == __name__ for found in item._fixtureinfo.name2fixturedefs.values())
    return is_fixture_of_plugin and not any(item.get_closest_marker(name) for name in ("asyncio", "anyio", "trio"))


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(MARKER))):  # what stands nearest to the test counts
        if mark.args:
            raise pytest.UsageError(f"@pytest.mark.{MARKER}{mark.args!r}: name what is meant, as in nodes=3")
        options.update(mark.kwargs)
    return options


async def _note(request: pytest.FixtureRequest, cluster: "TestCluster", factory: pytest.TempPathFactory) -> None:
    _remember(request, cluster.log, factory)


def _remember(request: pytest.FixtureRequest, log: "EventLog", factory: pytest.TempPathFactory) -> None:
    name = re.sub(r"\W+", "-", request.node.name).strip("-")[:60]
    kept = request.node.stash.setdefault(logs, [])
    kept.append((log, factory.getbasetemp() / f"{name}{len(kept) or ''}.db"))
    request.config.stash.setdefault(running, {})[request.node.nodeid] = kept


def _kept(log: "EventLog", path: Path) -> str:
    """Keep a log; -> a line on how to look at it."""
    return f"{_elsewhere(_keep(log, path))} events are kept; look at any moment of them with:\n  shipslog replay {path}"


async def _keep(log: "EventLog", path: Path) -> int:
    """Write a log's events into a file. -> how many there are."""
    from shipslog.store.log.sqlite import SqliteLog

    path.unlink(missing_ok=True)
    copy = await SqliteLog.open(path)
    try:
        async for events in log.read():
            await copy.append(events, expected_revision=copy.revision)
        return copy.revision
    finally:
        await copy.close()


def _elsewhere(work: Any) -> Any:
    """What a coroutine comes to, in a thread and a loop of its own: the test's may be of any kind."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return result[0] if result else 0
