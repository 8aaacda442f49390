"""The past under /at/: what was, read-only."""

from tests.engine.api.conftest import CONFIG_MAPS, Api, Client


async def test_an_object_as_it_was(api: Api, admin: Client) -> None:
    first = await admin.config_map("a", k="1")
    revision = first["metadata"]["resourceVersion"]
    await admin.call("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a"}, "data": {"k": "2"}})
    await admin.config_map("b")
    code, was = await admin.call("GET", f"/at/rev/{revision}{CONFIG_MAPS}/a")
    assert (code, was) == (200, first)
    code, listed = await admin.call("GET", f"/at/rev/{revision}{CONFIG_MAPS}")
    assert [i["metadata"]["name"] for i in listed["items"]] == ["a"]
    assert listed["metadata"]["resourceVersion"] == revision
    code, now = await admin.call("GET", f"/at/rev/{api.cluster.view.revision}{CONFIG_MAPS}/a")
    assert (code, now["data"]) == (200, {"k": "2"})


async def test_the_past_cannot_be_written(admin: Client) -> None:
    made = await admin.config_map("a")
    past = f"/at/rev/{made['metadata']['resourceVersion']}{CONFIG_MAPS}"
    for method, path in (
        ("POST", past),
        ("PUT", f"{past}/a"),
        ("PATCH", f"{past}/a"),
        ("DELETE", f"{past}/a"),
        ("DELETE", past),
    ):
        code, status = await admin.call(method, path, {"metadata": {"name": "a"}})
        assert (code, status["reason"]) == (405, "MethodNotAllowed"), method
        assert "read-only" in status["message"]
    assert (await admin.call("GET", f"{CONFIG_MAPS}/a"))[0] == 200


async def test_a_watch_of_the_past_shows_it_and_ends(admin: Client) -> None:
    made = await admin.config_map("a")
    response = await admin.stream(f"/at/rev/{made['metadata']['resourceVersion']}{CONFIG_MAPS}?watch=1")
    assert b'"ADDED"' in await response.content.readline()
    assert await response.content.read() == b""


async def test_moments_that_are_none(api: Api, admin: Client) -> None:
    """Not 404 for any: that says that an object was not there, and some clients are told to ignore it."""
    await admin.config_map("a")
    extends = f"the log goes from revision 1 to {api.cluster.view.revision}"
    for moment, says in (
        ("tomorrow", "names no moment"),
        ("rev/99999", f"revision 99999 has not happened yet: {extends}"),
        ("rev/0", f"revision 0 is before the first event: {extends}"),
        ("0", f"revision 0 is before the first event: {extends}"),
        ("1999-12-31T23:59:59Z", "(revision 1)"),
        ("-9999d", "before the log's beginning"),
    ):
        for path in (CONFIG_MAPS, f"{CONFIG_MAPS}/a", f"{CONFIG_MAPS}?watch=1"):
            code, status = await admin.call("GET", f"/at/{moment}{path}")
            assert (code, status["reason"]) == (400, "BadRequest"), (moment, path)
            assert says in status["message"], status


async def test_a_watch_of_the_past_from_its_list_sends_nothing_again(admin: Client) -> None:
    first, second = [(await admin.config_map(name))["metadata"]["resourceVersion"] for name in "ab"]
    path = f"/at/rev/{second}{CONFIG_MAPS}"
    listed = (await admin.call("GET", path))[1]["metadata"]["resourceVersion"]
    for version, names in ((listed, ()), (first, ("b",)), ("0", ("a", "b"))):
        response = await admin.stream(f"{path}?watch=1&resourceVersion={version}")
        sent = await response.content.read()
        assert tuple(n for n in "ab" if f'"name":"{n}"'.encode() in sent) == names, version
