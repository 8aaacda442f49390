"""Who may read what containers wrote that are gone, and what is asked wrongly."""

from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from shipslog.runtime.node import LogOptions, Written
from tests.engine.api.conftest import Api, Client

WEB = Written("default", "web", "u1", "app", 0, 1_800_000_000_000_000_000, 4, gone=True)


class Node:
    """A runtime on which one container has written, and is gone."""

    node = "n"

    async def close(self, *, end_pods: bool = False) -> None: ...

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Sequence[Written]:
        return [w for w in (WEB,) if w.pod_uid == pod_uid or (not pod_uid and (w.namespace, w.pod) == (namespace, name))]

    async def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        assert (pod_uid, container, attempt) == ("u1", "app", 0)
        yield b"one\ntwo\n" if options.tail_lines is None else b"two\n"


@pytest.fixture
def node(api: Api) -> Node:
    made = Node()
    api.cluster.runtimes["n"] = made  # type: ignore[assignment]
    return made


async def test_a_list_and_a_text(admin: Client, node: Node) -> None:
    told = {
        "node": "n",
        "namespace": "default",
        "pod": "web",
        "uid": "u1",
        "container": "app",
        "attempt": 0,
        "until": "2027-01-15T08:00:00Z",
        "size": 4,
        "gone": True,
    }
    for query in ("namespace=default&name=web", "uid=u1"):
        code, text = await admin.call("GET", f"/log/written?{query}")
        assert (code, msgspec.json.decode(text)) == (200, told)
    assert (await admin.call("GET", "/log/written?uid=u2"))[1] in ("", None)
    assert await admin.call("GET", "/log/written/u1/app/0?tailLines=1") == (200, "two\n")


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/log/written", 400, "needs namespace and name of a pod, or its uid"),
        ("/log/written?name=web", 400, "needs namespace and name"),
        ("/log/written/u1/app", 400, "write /log/written/UID/CONTAINER/ATTEMPT"),
        ("/log/written/u1/app/-1", 400, "write /log/written/UID/CONTAINER/ATTEMPT"),
        ("/log/written/u1/app/7", 404, "nothing that container 'app'"),
        ("/log/written/u1/..%2f..%2fetc/0", 400, "write /log/written/UID/CONTAINER/ATTEMPT"),
        ("/log/written/u1/app/0?tailLines=-1", 422, "tailLines"),
    ],
)
async def test_what_is_asked_wrongly(admin: Client, node: Node, path: str, code: int, said: str) -> None:
    got, status = await admin.call("GET", path)
    assert (got, said in status["message"]) == (code, True), status


async def test_others_may_read_what_they_may_read_of_pods(api: Api, admin: Client, node: Node) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    await admin.call("POST", accounts, {"metadata": {"name": "default"}})
    code, made = await admin.call("POST", f"{accounts}/default/token", {"spec": {}})
    assert code == 201, made
    other = api.client(token=made["status"]["token"])
    try:
        code, status = await other.call("GET", "/log/written?namespace=default&name=web")
        assert (code, status["reason"]) == (403, "Forbidden")
        assert (await other.call("GET", "/log/written?uid=u1"))[1] in ("", None)
        assert (await other.call("GET", "/log/written/u1/app/0"))[0] == 404
    finally:
        await other.close()
