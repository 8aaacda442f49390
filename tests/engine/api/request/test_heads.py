"""What a request's head may be: nobody has been asked who he is yet, so it is refused at the door or costs next to nothing."""

import base64
import gzip
import json

import pytest

from shipslog.engine.api.request import routes
from shipslog.engine.past import views
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client


async def raw(api: Api, client: Client, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
    """(code, answer) for a request that no client library would send."""
    import asyncio

    reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port, ssl=client.tls, server_hostname="127.0.0.1")
    try:
        writer.write(head + b"\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1]), answer
    finally:
        writer.close()


@pytest.mark.parametrize(
    "query",
    [
        "timeoutSeconds=--5",
        "timeoutSeconds=²",
        "timeoutSeconds=" + "9" * 5_000,
        "limit=1_0",
        "limit=" + "9" * 5_000,
        "limit=٣",
        "resourceVersion=" + "9" * 5_000,
        "resourceVersion=²",
        "continue=" + "W1tb" * 1_000,
        "continue=é",
        "labelSelector=a>" + "9" * 5_000,
        "labelSelector=a>²",
        "&".join(["a"] * 2_000),
    ],
    ids=lambda q: q[:30],
)
async def test_numbers_and_tokens_in_queries(admin: Client, query: str) -> None:
    await admin.config_map("a", {"a": "3"})
    for path in (f"{CONFIG_MAPS}?{query}", f"{CONFIG_MAPS}?watch=1&{query}"):
        if "watch" in path and query.startswith(("limit", "continue")):
            continue  # those say nothing to a watch
        code, status = await admin.call("GET", path)
        assert (code, status["reason"]) == (400, "BadRequest"), path


async def test_the_time_that_a_client_gives_a_request(admin: Client) -> None:
    code, status = await admin.call("GET", f"{CONFIG_MAPS}?timeout=soon")
    why = 'invalid timeout specified in the request URL - time: invalid duration "soon"'
    assert (code, status["reason"], status["message"]) == (400, "BadRequest", why)
    assert (await admin.call("POST", f"{CONFIG_MAPS}?timeout=1m30s", {"metadata": {"name": "a"}}))[0] == 201
    stream = await admin.stream(f"{CONFIG_MAPS}?watch=true&timeout=soon&timeoutSeconds=1")
    assert stream.status == 200, "a watch ends by itself"
    stream.close()


async def test_moments_and_grace_beyond_all_bounds(admin: Client) -> None:
    made = await admin.config_map("a")
    for moment, expected in (
        ("rev/" + "9" * 5_000, 400),
        ("-" + "9" * 5_000 + "d", 400),
        ("9" * 4_000, 400),
        ("²", 400),
        ("9999-12-31T23:59:59Z", 200),
        ("0001-01-01T00:00:00Z", 400),
        ("-999999999d", 400),
    ):
        code, _ = await admin.call("GET", f"/at/{moment}{CONFIG_MAPS}/a")
        assert code == expected, moment
    assert (await admin.call("DELETE", f"{CONFIG_MAPS}/a?gracePeriodSeconds={'9' * 4_000}"))[0] == 400
    assert (await admin.call("DELETE", f"{CONFIG_MAPS}/a?gracePeriodSeconds={2**62}"))[0] == 200
    assert made


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"Authorization: Bearer \xff", 400),
        (b"Authorization: Bearer " + b".".join(base64.urlsafe_b64encode(b"[" * 10_000).rstrip(b"=") for _ in range(3)), 401),
        (b"Authorization: Bearer " + b"a.b.c" * 10_000, 401),
        (b"Impersonate-User: \xff", 400),
        (b"Impersonate-Group: admins", 400),
        (b"Accept: \xff", 400),
        (b"Content-Type: \xff", 400),
    ],
)
async def test_headers_that_say_nothing(api: Api, admin: Client, line: bytes, code: int) -> None:
    client = api.client() if line.startswith(b"Authorization") else admin
    found, answer = await raw(api, client, b"GET %s HTTP/1.1\r\n%s" % (CONFIG_MAPS.encode(), line))
    assert found == code, answer


async def test_targets_that_are_none(api: Api, admin: Client) -> None:
    for target, code in ((b"*", 400), (b"/\xff", 400), (b"/" + b"a" * 9_000, 414), (b"/healthz?" + b"a" * 70_000, 414)):
        found, answer = await raw(api, admin, b"GET %s HTTP/1.1" % target)
        assert found == code, answer[:200]


async def test_bodies_in_an_encoding(admin: Client) -> None:
    body = json.dumps({"metadata": {"name": "a"}}).encode()
    for data in (body, gzip.compress(body), gzip.compress(b" " * 100_000_000)):
        code, status = await admin.call("POST", CONFIG_MAPS, data, headers={"Content-Encoding": "gzip"})
        assert (code, status["reason"]) == (415, "UnsupportedMediaType")


async def test_nothing_is_remembered_for_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: list[str] = []
    monkeypatch.setattr(routes, "parse", remembered.append)
    monkeypatch.setattr(routes, "params", remembered.append)
    stranger = api.client()
    assert (await stranger.call("GET", "/api/v1/namespaces/a/pods?a=b"))[0] == 401
    assert (await stranger.call("GET", "/healthz"))[0] == 200
    assert not remembered


async def test_no_past_is_made_where_the_path_has_none_or_the_caller_may_not(
    api: Api, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admin.config_map("a")

    async def made(*_: object) -> None:
        raise AssertionError("a view of the past was made")

    monkeypatch.setattr(views.PastViews, "at", made)
    stranger = api.client()
    for path, code in (("healthz", 200), ("livez", 200), ("version", 200), (CONFIG_MAPS[1:], 401), ("api", 401)):
        assert (await stranger.call("GET", f"/at/rev/1/{path}"))[0] == code, path
    as_bob = {"Impersonate-User": "bob"}
    for path, code, headers in (
        (CONFIG_MAPS[1:], 403, as_bob),
        ("api/v1/pods", 403, as_bob),
        ("api/v1/namespaces/default/pods/x/exec", 405, {}),
        ("api/v1/namespaces/default/pods/x/attach", 405, {}),
        ("nothing", 404, {}),
    ):
        assert (await admin.call("GET", f"/at/rev/1/{path}", headers=headers))[0] == code, path
    assert (await admin.call("DELETE", f"/at/rev/1{CONFIG_MAPS}/a"))[0] == 405
