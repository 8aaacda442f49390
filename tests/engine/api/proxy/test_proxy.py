"""What goes through the proxy: every method, bodies both ways as they come, heads, redirects, pages; and where it goes."""

import asyncio
import gzip
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from tests.runtime.certificates import self_signed

from .conftest import IP, POD, Behind

PROXY = f"{POD}/p/proxy"
SERVICES = "/api/v1/namespaces/default/services"


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    body = await request.read()
    said = {"method": request.method, "path": request.raw_path, "headers": dict(request.headers), "body": body.decode()}
    return web.json_response(said, headers={"X-Said": "yes", "Access-Control-Allow-Origin": "*", "Keep-Alive": "timeout=5"})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method(behind: Behind, method: str) -> None:
    await behind.serves(echo)
    body = {"data": b"hello"} if method != "GET" else {}
    code, said, headers = await behind.admin.full(method, f"{PROXY}/a/b%20c/?x=1&y=%26", **body)
    assert (code, said["method"], said["path"]) == (200, method, "/a/b%20c/?x=1&y=%26")
    assert said["body"] == ("hello" if method != "GET" else "")
    assert headers["X-Said"] == "yes"
    assert "Access-Control-Allow-Origin" not in headers and "Keep-Alive" not in headers


async def test_head(behind: Behind) -> None:
    async def sized(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"x" * 1000)

    await behind.serves(sized)
    code, text, headers = await behind.admin.full("HEAD", f"{PROXY}/")
    assert (code, text, headers["Content-Length"]) == (200, "", "1000")


async def test_what_goes_on_of_a_head(behind: Behind) -> None:
    await behind.serves(echo)
    sent = {"Authorization": "Bearer secret", "Impersonate-User": "jane", "Connection": "X-Mine", "X-Mine": "1"}
    sent |= {"Impersonate-Group": "system:masters"}
    sent |= {"X-Remote-User": "me", "Te": "trailers", "Proxy-Authorization": "x", "X-Forwarded-For": "1.2.3.4", "X-Other": "ä"}
    _, said = await behind.admin.call("GET", f"{PROXY}/deep/", headers=sent)
    heads = {name.lower(): value for name, value in said["headers"].items()}
    assert (
        not {"authorization", "impersonate-user", "impersonate-group", "x-mine", "x-remote-user", "proxy-authorization"}
        & heads.keys()
    )
    assert heads["te"] == "trailers" and heads["x-other"] == "ä"
    assert heads["x-forwarded-for"] == "1.2.3.4, 127.0.0.1"
    assert heads["x-forwarded-uri"] == f"{PROXY}/deep/"
    assert heads["host"] == f"127.0.0.1:{behind.api.server.port}"


async def test_without_a_slash_one_is_sent_on(behind: Behind) -> None:
    code, _, headers = await behind.admin.full("GET", f"{PROXY}?a=b", allow_redirects=False)
    assert (code, headers["Location"]) == (301, f"{PROXY}/?a=b")
    await behind.serves(echo)
    code, said = await behind.admin.call("POST", PROXY, b"x")
    assert (code, said["path"]) == (200, "/")


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("/next", f"{PROXY}/next"),
        (f"http://{IP}:8080/next/?a=b", f"{PROXY}/next/?a=b"),
        ("http://example.com/x", "http://example.com/x"),
        ("next", "next"),
    ],
)
async def test_redirects(behind: Behind, location: str, wanted: str) -> None:
    async def redirect(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    await behind.serves(redirect)
    code, _, headers = await behind.admin.full("GET", f"{PROXY}/", allow_redirects=False)
    assert (code, headers["Location"]) == (302, wanted)


@pytest.mark.parametrize("encoding", ["", "gzip", "br"])
async def test_links_in_pages(behind: Behind, encoding: str) -> None:
    page = b'<html><a href="/x">x</a><img src="/y.png"></html>'

    async def shown(request: web.BaseRequest) -> web.StreamResponse:
        body = gzip.compress(page) if encoding == "gzip" else page
        headers = {"Content-Type": "text/html; charset=utf-8"} | ({"Content-Encoding": encoding} if encoding else {})
        return web.Response(body=body, headers=headers)

    await behind.serves(shown)
    async with behind.admin.session.get(behind.admin.base + f"{PROXY}/dir/page.html", auto_decompress=False) as response:
        body = await response.read()
    if encoding == "gzip":
        body = gzip.decompress(body)
    links = f'<html><a href="{PROXY}/x">x</a><img src="{PROXY}/y.png"></html>'.encode()
    assert body == (page if encoding == "br" else links)


async def test_bodies_come_and_go_as_they_are_sent(behind: Behind) -> None:
    """The first piece of an answer is there while the request is still being sent, and before the answer ends."""
    asked = asyncio.Event()

    async def conversation(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece.upper())
        await response.write_eof()
        return response

    async def pieces() -> Any:
        yield b"one"
        await asked.wait()
        yield b"two"

    await behind.serves(conversation)
    async with behind.admin.session.post(behind.admin.base + f"{PROXY}/", data=pieces()) as response:
        assert await response.content.readany() == b"ONE"
        asked.set()
        assert await response.content.read() == b"TWO"


async def test_big_bodies_are_not_held(behind: Behind) -> None:
    total = 64 << 20

    async def counted(request: web.BaseRequest) -> web.StreamResponse:
        seen = 0
        async for piece in request.content.iter_any():
            seen += len(piece)
        response = web.StreamResponse(headers={"X-Seen": str(seen), "Content-Length": str(total)})
        await response.prepare(request)
        for _ in range(total >> 20):
            await response.write(b"y" * (1 << 20))
        return response

    async def pieces() -> Any:
        for _ in range(total >> 20):
            yield b"x" * (1 << 20)

    await behind.serves(counted)
    async with behind.admin.session.post(behind.admin.base + f"{PROXY}/", data=pieces()) as response:
        assert (response.headers["X-Seen"], response.headers["Content-Length"]) == (str(total), str(total))
        got = 0
        async for piece in response.content.iter_any():
            got += len(piece)
    assert got == total


async def test_a_websocket_goes_through(behind: Behind) -> None:
    async def socket(request: web.BaseRequest) -> web.StreamResponse:
        made = web.WebSocketResponse(protocols=("chat",))
        await made.prepare(request)
        async for message in made:
            await made.send_str(f"{request.path_qs}: {message.data}")
        return made

    await behind.serves(socket)
    url = behind.admin.base + f"{PROXY}/ws?a=b"
    async with behind.admin.session.ws_connect(url, protocols=("chat", "base64url.bearer.authorization.k8s.io.abc")) as client:
        assert client.protocol == "chat"
        for number in range(100):
            await client.send_str(f"{number} " + "z" * 10_000)
            answer = await client.receive_str(timeout=10)
            assert answer.startswith(f"/ws?a=b: {number} z")


async def test_who_does_not_switch_answers(behind: Behind) -> None:
    await behind.serves(echo)
    code, said = await behind.admin.call("GET", f"{PROXY}/x", headers={"Connection": "Upgrade", "Upgrade": "h2c"})
    assert (code, said["path"], said["headers"]["Upgrade"]) == (200, "/x", "h2c")


async def test_https_is_not_verified(behind: Behind, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    await behind.serves(echo, 8443, ssl=context)
    code, said = await behind.admin.call("GET", f"{POD}/https:p:8443/proxy/x")
    assert (code, said["path"]) == (200, "/x") and behind.node.asked == [(IP, 8443, True)]
    await behind.serves(echo, 8080)
    code, said = await behind.admin.call("GET", f"{POD}/https:p:8080/proxy/x")
    assert code == 503 and "error trying to reach service: http: server gave HTTP response to HTTPS client" in said["message"]


async def test_ports_of_pods(behind: Behind) -> None:
    await behind.pod("other", IP, 9000, 9001)
    await behind.pod("no-address", "")
    for name, port in (("other", 9000), ("other:9001", 9001), ("http:other:77", 77), ("p:", 8080)):
        code, said = await behind.admin.call("GET", f"{POD}/{name}/proxy/")
        assert code == 503 and said["reason"] == "ServiceUnavailable"
        assert said["message"] == f"error trying to reach service: dial tcp {IP}:{port}: connect: connection refused"
    for name, want, words in (
        ("nobody", 404, 'pods "nobody" not found'),
        ("ftp:p:21", 400, 'invalid pod request "ftp:p:21"'),
        ("a:b:c:d", 400, 'invalid pod request "a:b:c:d"'),
        ("p:http", 400, "invalid port"),
        ("p:99999", 400, "invalid port"),
        ("no-address", 400, "address not allowed"),
    ):
        code, said = await behind.admin.call("GET", f"{POD}/{name}/proxy/")
        assert code == want and words in said["message"], said


@pytest.mark.parametrize("ip", ["127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::1"])
async def test_no_pod_leads_to_the_machine_itself(behind: Behind, ip: str) -> None:
    await behind.pod("liar", ip)
    code, said = await behind.admin.call("GET", f"{POD}/liar/proxy/")
    assert (code, said["message"]) == (400, "address not allowed") and not behind.node.asked


def subset(pod: str, ports: list[dict[str, Any]], ready: bool = True) -> dict[str, Any]:
    address = {"ip": IP, "targetRef": {"kind": "Pod", "name": pod, "namespace": "default"}}
    return {("addresses" if ready else "notReadyAddresses"): [address], "ports": ports}


async def test_services(behind: Behind) -> None:
    await behind.serves(echo, 8080)
    ports = [{"name": "web", "port": 80, "targetPort": 8080}, {"name": "admin", "port": 81, "targetPort": 9000}]
    behind_it = [{"name": "web", "port": 8080}, {"name": "admin", "port": 9000}]
    await behind.service("shop", ports, [subset("p", behind_it)])
    await behind.service("plain", [{"port": 80}], [subset("p", [{"port": 8080}])])
    await behind.service("empty", [{"port": 80}], [])
    await behind.service("unready", [{"port": 80}], [subset("p", [{"port": 8080}], ready=False)])
    await behind.service("strange", [{"port": 80}], [{"addresses": [{"ip": IP}], "ports": [{"port": 8080}]}])
    for name in ("shop:web", "shop:80", "http:shop:web", "plain", "plain:80"):
        code, said = await behind.admin.call("GET", f"{SERVICES}/{name}/proxy/x/y?z")
        assert (code, said["path"]) == (200, "/x/y?z"), name
    for name, code, words in (
        ("shop:81", 503, f"error trying to reach service: dial tcp {IP}:9000: connect: connection refused"),
        ("shop", 503, 'no endpoints available for service "shop"'),
        ("shop:nothing", 503, 'no endpoints available for service "shop:nothing"'),
        ("shop:82", 503, 'no service port 82 found for service "shop"'),
        ("empty", 503, 'no endpoints available for service "empty"'),
        ("unready", 503, 'no endpoints available for service "unready"'),
        ("strange", 503, 'no endpoints available for service "strange"'),
        ("nobody", 404, 'services "nobody" not found'),
        ("gopher:shop:80", 400, 'invalid service request "gopher:shop:80"'),
    ):
        found, said = await behind.admin.call("GET", f"{SERVICES}/{name}/proxy/")
        assert (found, said["message"]) == (code, words)


async def test_the_paths_of_long_ago(behind: Behind) -> None:
    await behind.serves(echo)
    old = "/api/v1/proxy/namespaces/default"
    code, said = await behind.admin.call("GET", f"{old}/pods/p:8080/x/y/")
    assert (code, said["path"], said["headers"]["X-Forwarded-Uri"]) == (200, "/x/y/", f"{old}/pods/p:8080/x/y/")
    await behind.service("plain", [{"port": 80}], [subset("p", [{"port": 8080}])])
    assert (await behind.admin.call("POST", f"{old}/services/plain/x", b""))[0] == 200
    code, _, headers = await behind.admin.full("GET", f"{old}/services/plain", allow_redirects=False)
    assert (code, headers["Location"]) == (301, f"{old}/services/plain/")


async def test_nodes(behind: Behind) -> None:
    address = [{"type": "InternalIP", "address": IP}, {"type": "Hostname", "address": "n"}]
    code, made = await behind.admin.call("POST", "/api/v1/nodes", {"metadata": {"name": "n"}})
    assert code == 201
    made["status"]["addresses"] = address
    assert (await behind.admin.call("PUT", "/api/v1/nodes/n/status", made))[0] == 200
    await behind.serves(echo, 9100)
    for path in ("/api/v1/nodes/n:9100/proxy/metrics", "/api/v1/proxy/nodes/n:9100/metrics"):
        code, said = await behind.admin.call("GET", path)
        assert (code, said["path"]) == (200, "/metrics")
    assert (await behind.admin.call("GET", "/api/v1/nodes/nobody/proxy/pods"))[0] == 404


async def test_rights_and_the_past(behind: Behind) -> None:
    nobody = behind.api.client()
    assert (await nobody.call("GET", f"{PROXY}/"))[0] == 401
    as_other = {"Impersonate-User": "jane"}
    for method, verb in (("GET", "get"), ("POST", "create"), ("PUT", "update"), ("PATCH", "patch"), ("DELETE", "delete")):
        code, said = await behind.admin.call(method, f"{PROXY}/", headers=as_other)
        assert code == 403 and f'User "jane" cannot {verb} resource "pods/proxy"' in said["message"]
    code, said = await behind.admin.call("GET", f"/at/-1s{PROXY}/")
    assert code == 405 and "is the past" in said["message"]
    assert not behind.node.asked


async def test_discovery(behind: Behind) -> None:
    _, listed = await behind.admin.call("GET", "/api/v1")
    found = {r["name"]: (r["kind"], r["verbs"]) for r in listed["resources"] if r["name"].endswith("/proxy")}
    verbs = ["create", "delete", "get", "patch", "update"]
    assert found == {f"{what.lower()}s/proxy": (f"{what}ProxyOptions", verbs) for what in ("Node", "Pod", "Service")}


async def test_a_path_that_is_no_url_of_ours_comes_through_as_it_is(behind: Behind) -> None:
    await behind.serves(echo)
    url = URL(behind.admin.base + f"{PROXY}/a%2Fb/%E4//c", encoded=True)
    async with behind.admin.session.get(url) as response:
        assert (await response.json())["path"] == "/a%2Fb/%E4//c"
