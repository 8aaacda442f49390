"""What fails inside tells its client an id of the log's line, and nothing of the exception."""

import re
from collections.abc import MutableMapping
from typing import Any

import aiohttp
import pytest

from shipslog.engine.api.connection.server import ApiServer
from shipslog.engine.api.response import lists
from shipslog.engine.auth import certificates
from shipslog.engine.cluster import Cluster
from shipslog.engine.commit.committer import SHORT_BYTES
from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.reconcilers.rule.decision import Decision, Reconciler
from shipslog.store.view import View
from tests.engine.host import test_host
from tests.engine.host.test_lane import until
from tests.logs import capture_logs

from .conftest import CONFIG_MAPS, Api, Client

SECRET = "hunter2 is in /var/lib/secret"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def raising(*_: Any, **__: Any) -> Any:
    raise RuntimeError(SECRET)


def the_line(lines: list[MutableMapping[str, Any]], event: str, text: str) -> MutableMapping[str, Any]:
    """The line of the log with the id that a client was told."""
    found = re.search(r"internal error ([0-9a-f]{8})", text)
    assert found, text
    assert "RuntimeError" not in text and "hunter2" not in text and "/var" not in text, text
    (line,) = [one for one in lines if one["event"] == event and one["failure_id"] == found[1]]
    return line


@pytest.mark.parametrize("size", [10, SHORT_BYTES * 2], ids=["short", "long, prepared in a thread"])
async def test_a_kind_whose_rules_raise(api: Api, admin: Client, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(strategy_of("configmaps")), "check", raising)
    before = api.cluster.view.revision
    with capture_logs() as lines:
        code, status = await admin.call("POST", CONFIG_MAPS, {"metadata": {"name": "a"}, "data": {"k": "v" * size}})
    assert (code, status["reason"]) == (500, "InternalError") and "nothing was written" in status["message"]
    assert the_line(lines, "command_failed", str(status))["exc_info"]
    assert api.cluster.view.revision == before
    monkeypatch.undo()
    await admin.config_map("a")


async def test_a_kind_that_cannot_be_shown(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await admin.config_map("a")
    monkeypatch.setattr(type(strategy_of("configmaps")), "cells", raising)
    with capture_logs() as lines:
        code, status = await admin.call("GET", CONFIG_MAPS, headers=TABLE)
    assert (code, status["reason"], status["kind"]) == (500, "InternalError", "Status")
    assert the_line(lines, "request_failed", str(status))["path"] == CONFIG_MAPS


async def test_a_list_that_breaks_in_the_middle_is_no_list(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcdef":
        await admin.config_map(name)
    cells = type(strategy_of("configmaps")).cells
    monkeypatch.setattr(
        type(strategy_of("configmaps")), "cells", lambda *a: raising() if a[1].metadata.name == "f" else cells(*a)
    )
    monkeypatch.setattr(lists, "PART_ITEMS", 1)
    with capture_logs() as lines, pytest.raises(aiohttp.ClientPayloadError):
        await admin.call("GET", CONFIG_MAPS, headers=TABLE)
    assert [line["event"] for line in lines] == ["request_failed"]


async def test_a_rule_that_raises_is_named_to_anybody_who_asks(tmp_path: Any) -> None:
    def decide(view: View, key: str, *, now: int) -> Decision:
        return raising() or Decision(reason="")

    wrong = Reconciler(name="wrong", actor="system:controller:wrong", wakes=test_host.CONFIG_MAPS, decide=decide)
    pki = certificates.ensure(tmp_path / "pki")
    with capture_logs() as lines:
        async with Cluster.open(None, runtime="none", reconcilers=(wrong,)) as cluster:
            server = ApiServer(cluster, pki=pki, data=tmp_path, port=0)
            await server.start()
            api = Api(cluster, server, pki, tmp_path)
            try:
                await cluster.create(test_host.config_map("a"))
                await until(cluster.troubles)
                code, text = await api.client().call("GET", "/readyz?verbose")
            finally:
                await api.close()
                await server.stop()
    assert code == 200 and "[!]rule wrong fails" in text
    (first, *_) = [line for line in lines if line["event"] == "rule_failed"]
    assert SECRET in first["error"] and first["failure_id"] in text
    assert "hunter2" not in text and "RuntimeError" not in text
