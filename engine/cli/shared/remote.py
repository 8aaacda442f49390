"""A server's log over HTTPS, as the user of a kubeconfig: so the rights that count are the caller's.

Tests: tests/engine/cli/test_reading.py
"""

import base64
import http.client
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import yaml

from shipslog.store.refusals import Refusal

TIMEOUT_S = 60.0  # the server says at least every 15 s that it lives
AGENT = "shipslog"


class BadKubeconfig(ValueError):
    """The kubeconfig cannot be used; the message says why, and what to do."""


class _Status(msgspec.Struct):
    message: str = ""
    code: int = 0


class Refused(Refusal):
    """The server's refusal, in its words. `code`: of HTTP, 0 where it is not known."""


class Remote:
    """A server, and the credentials of one user."""

    def __init__(self, server: str, tls: ssl.SSLContext | None, headers: dict[str, str], namespace: str = "") -> None:
        self.server, self._tls, self._headers, self.namespace = server, tls, headers, namespace

    @classmethod
    def of(cls, path: Path) -> "Remote":
        """The server and the user of a kubeconfig's current context. Errors: BadKubeconfig, OSError."""
        config = _read(path)
        context = _named(config, "contexts", config.get("current-context", ""), "context", path)
        cluster = _named(config, "clusters", context.get("cluster", ""), "cluster", path)
        user = _named(config, "users", context.get("user", ""), "user", path) if context.get("user") else {}
        server = cluster.get("server", "")
        if urlsplit(server).scheme not in ("http", "https"):
            raise BadKubeconfig(f"{path}: its server {server!r} is no address; write https://HOST:PORT")
        for way in ("exec", "auth-provider", "username"):
            if way in user:
                raise BadKubeconfig(f"{path}: its user has {way!r}; give one a client certificate or a token")
        token = user.get("token") or (Path(user["tokenFile"]).read_text().strip() if user.get("tokenFile") else "")
        headers = {"User-Agent": AGENT, **({"Authorization": f"Bearer {token}"} if token else {})}
        tls = _tls(cluster, user, path.parent) if server.startswith("https") else None
        return cls(server, tls, headers, context.get("namespace") or "")

    async def ask(self, question: Any) -> AsyncIterator[Any]:
        """Errors: Refused, OSError."""
        try:
            for value in self._answer(question):
                yield value
        except (http.client.HTTPException, OSError) as error:
            raise OSError(
                f"{self.server}: {error or type(error).__name__}. Is the cluster up? --log FILE reads a file"
            ) from error

    def text(self, path: str) -> tuple[int, str]:
        """(code, text) of a GET. Errors: OSError."""
        connection, response = self._get(path)
        try:
            return response.status, response.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise OSError(f"{self.server}: {error or type(error).__name__}") from error
        finally:
            connection.close()

    def stream(self, path: str) -> Iterator[bytes]:
        """The body of a GET, as it comes. Errors: Refused, OSError."""
        connection, response = self._get(path)
        try:
            if response.status != 200:
                raise self._refused(response)
            while chunk := response.read1(1 << 16):
                yield chunk
        except http.client.HTTPException as error:
            raise OSError(f"{self.server}: {error or type(error).__name__}") from error
        finally:
            connection.close()

    def value(self, path: str) -> Any:
        """The JSON value of a GET. Errors: Refused, OSError."""
        code, text = self.text(path)
        if code != 200:
            raise _status(text.encode())
        return msgspec.json.decode(text)

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """The JSON value that a request is answered. Errors: Refused, OSError."""
        try:
            connection, response = self._get(
                path, method, msgspec.json.encode(body) if body is not None else None, content_type
            )
            try:
                answer = response.read()
            finally:
                connection.close()
        except (http.client.HTTPException, OSError) as error:
            raise OSError(f"{self.server}: {error or type(error).__name__}. Is the cluster up?") from error
        if response.status >= 400:
            try:
                raise _status(answer)
            except msgspec.DecodeError:
                raise Refused(f"{self.server} answers {response.status} {response.reason}") from None
        return msgspec.json.decode(answer)

    def _get(
        self, path: str, method: str = "GET", body: bytes | None = None, content_type: str = ""
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port
        if self._tls is None:
            connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        else:
            connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._tls)
        try:
            headers = {**self._headers, "Content-Type": content_type} if body is not None else self._headers
            connection.request(method, parts.path.rstrip("/") + path, body, headers)
            return connection, connection.getresponse()
        except http.client.HTTPException as error:
            connection.close()
            raise OSError(str(error) or type(error).__name__) from error
        except OSError:
            connection.close()
            raise

    def _answer(self, question: Any) -> Iterator[Any]:
        params = {k: v for k, v in msgspec.to_builtins(question).items() if v is not None}
        query = {k: str(v).lower() if isinstance(v, bool) else v for k, v in params.items()}
        connection, response = self._get(f"/log/{question.asked}?{urlencode(query)}")
        try:
            if response.status != 200:
                raise self._refused(response)
            decode = msgspec.json.Decoder(question.answer_type).decode
            while line := response.readline():
                if line.startswith(b'{"kind":"Status"'):
                    raise _status(line)
                if line.strip():
                    yield decode(line)
        finally:
            connection.close()

    def _refused(self, response: http.client.HTTPResponse) -> Refusal:
        body = response.read(1 << 20)
        if response.status == 404 and not body.startswith(b"{"):
            return Refused(
                f"{self.server} keeps no ship's log that can be read. Name a file with --log, or a directory with --data"
            )
        try:
            return _status(body)
        except msgspec.DecodeError:
            return Refused(f"{self.server} answers {response.status} {response.reason}")


def _status(body: bytes) -> Refusal:
    """Errors: msgspec.DecodeError for what is no Status."""
    status = msgspec.json.decode(body, type=_Status)
    refused = Refused(status.message or body.decode(errors="replace"))
    refused.code = status.code
    return refused


def _read(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise BadKubeconfig(f"{path} is no YAML: {error}") from error
    if not isinstance(config, dict) or config.get("kind") != "Config":
        raise BadKubeconfig(f"{path} is no kubeconfig: its kind is not Config")
    return config


def _named(config: dict[str, Any], plural: str, name: str, member: str, path: Path) -> dict[str, Any]:
    for item in config.get(plural) or ():
        if item.get("name") == name:
            return item.get(member) or {}
    raise BadKubeconfig(f"{path}: there is no {name!r} among its {plural}; set it with kubectl config use-context")


def _tls(cluster: dict[str, Any], user: dict[str, Any], beside: Path) -> ssl.SSLContext:
    """Errors: BadKubeconfig, OSError."""
    authority = _embedded(cluster, "certificate-authority", beside)
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    certificate, key = _embedded(user, "client-certificate", beside), _embedded(user, "client-key", beside)
    if certificate and key:
        with tempfile.TemporaryDirectory(prefix="shipslog-") as directory:  # for its owner only; ssl reads files
            both = Path(directory) / "client.pem"
            both.write_bytes(certificate + b"\n" + key)
            context.load_cert_chain(both)
    return context


def _embedded(member: dict[str, Any], name: str, beside: Path) -> bytes:
    if data := member.get(f"{name}-data"):
        return base64.b64decode(data)
    return (beside / member[name]).read_bytes() if member.get(name) else b""
