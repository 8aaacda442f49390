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

CONNECT_S = 15.0
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
        context, cluster, user = _context_of(_read(path), path)
        server = _checked(cluster.server, path)
        for way, given in (("exec", user.exec), ("auth-provider", user.auth_provider), ("username", user.username)):
            if given is not None:
                raise BadKubeconfig(f"{path}: its user has {way!r}; give one a client certificate or a token")
        token = _token(user, path.parent, path)
        headers = {"User-Agent": AGENT, **({"Authorization": f"Bearer {token}"} if token else {})}
        tls = _tls(cluster, user, path) if server.startswith("https") else None
        return cls(server, tls, headers, context.namespace or "")

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
        try:
            if code != 200:
                raise _status(text.encode())
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise Refused(f"{self.server} answers {code}, and no JSON: it is no Kubernetes") from error

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
        try:
            return msgspec.json.decode(answer)
        except msgspec.DecodeError as error:
            raise Refused(f"{self.server} answers {response.status}, and no JSON: it is no Kubernetes") from error

    def _get(
        self, path: str, method: str = "GET", body: bytes | None = None, content_type: str = ""
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port
        if self._tls is None:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_S)
        else:
            connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=self._tls)
        try:
            headers = {**self._headers, "Content-Type": content_type} if body is not None else self._headers
            connection.connect()
            connection.sock.settimeout(TIMEOUT_S)
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


class _Cluster(msgspec.Struct, rename="kebab"):
    server: str = ""
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool | None = None


class _User(msgspec.Struct, rename="kebab"):
    token: str | None = None
    token_file: str | None = msgspec.field(name="tokenFile", default=None)
    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    exec: Any = None
    auth_provider: Any = None
    username: str | None = None


class _Context(msgspec.Struct):
    cluster: str = ""
    user: str | None = None
    namespace: str | None = None


class _Named(msgspec.Struct, kw_only=True):
    name: str
    context: _Context | None = None
    cluster: _Cluster | None = None
    user: _User | None = None


class _Config(msgspec.Struct, rename="kebab"):
    kind: str
    current_context: str | None = None
    contexts: list[_Named] | None = None
    clusters: list[_Named] | None = None
    users: list[_Named] | None = None


def _read(path: Path) -> _Config:
    try:
        value = yaml.safe_load(path.read_text())
    except UnicodeDecodeError as error:
        raise BadKubeconfig(f"{path} is no kubeconfig: it is no text") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadKubeconfig(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict) or value.get("kind") != "Config":
        raise BadKubeconfig(f"{path} is no kubeconfig: its kind is not Config")
    try:
        return msgspec.convert(value, _Config)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadKubeconfig(f"{path} is no kubeconfig: {error}") from error


def _context_of(config: _Config, path: Path) -> tuple[_Context, _Cluster, _User]:
    """What the current context is, and means. Errors: BadKubeconfig."""
    context = _named(config.contexts, config.current_context or "")
    if context is None or context.context is None:
        raise BadKubeconfig(
            f"{path}: there is no context {config.current_context or ''!r}; choose one with kubectl config use-context"
        )
    name = context.context.cluster
    cluster = _named(config.clusters, name)
    if cluster is None or cluster.cluster is None:
        raise BadKubeconfig(f"{path}: there is no {name!r} among its clusters; kubectl config set-cluster makes one")
    if not context.context.user:
        return context.context, cluster.cluster, _User()
    user = _named(config.users, context.context.user)
    if user is None:
        raise BadKubeconfig(
            f"{path}: there is no {context.context.user!r} among its users; kubectl config set-credentials makes one"
        )
    return context.context, cluster.cluster, user.user or _User()


def _named(items: list[_Named] | None, name: str) -> _Named | None:
    return next((item for item in items or () if item.name == name), None)


def _checked(server: str, path: Path) -> str:
    """The address of a server. Errors: BadKubeconfig."""
    try:
        parts = urlsplit(server)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and server.isprintable()
    except ValueError:
        is_good = False
    if not is_good or " " in server:
        raise BadKubeconfig(f"{path}: its server {server!r} is no address; write https://HOST:PORT")
    return server


def _token(user: _User, beside: Path, path: Path) -> str:
    """Errors: BadKubeconfig, OSError."""
    token = user.token or ((beside / user.token_file).read_bytes().decode(errors="replace") if user.token_file else "")
    token = token.strip()
    if not (token.isascii() and token.isprintable()):
        raise BadKubeconfig(f"{path}: its user's token has characters that no token has")
    return token


def _tls(cluster: _Cluster, user: _User, path: Path) -> ssl.SSLContext:
    """Errors: BadKubeconfig, OSError."""
    authority = _embedded(cluster, "certificate_authority", path)
    try:
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise BadKubeconfig(f"{path}: its certificate-authority is no certificate in PEM: {error}") from error
    if cluster.insecure_skip_tls_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    certificate, key = _embedded(user, "client_certificate", path), _embedded(user, "client_key", path)
    if certificate and key:
        with tempfile.TemporaryDirectory(prefix="shipslog-") as directory:  # for its owner only; ssl reads files
            both = Path(directory) / "client.pem"
            both.write_bytes(certificate + b"\n" + key)
            try:
                context.load_cert_chain(both, password="")  # else it would ask the terminal
            except ssl.SSLError as error:
                raise BadKubeconfig(f"{path}: its client-certificate and client-key are no pair in PEM: {error}") from error
    return context


def _embedded(member: _Cluster | _User, name: str, path: Path) -> bytes:
    """Errors: BadKubeconfig, OSError."""
    if data := getattr(member, f"{name}_data"):
        try:
            return base64.b64decode("".join(data.split()), validate=True)
        except ValueError as error:
            raise BadKubeconfig(f"{path}: its {name.replace('_', '-')}-data is no base64: {error}") from error
    return (path.parent / file).read_bytes() if (file := getattr(member, name)) else b""
