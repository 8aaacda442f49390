"""Logins for registries from programs that the node's owner has put beside it, as a kubelet asks them.

A configuration (kubelet.config.k8s.io/v1, CredentialProviderConfig) says which program is asked for which images. It reads a
request on its standard input and answers on its standard output; what it answers is kept for as long as it says. A program that
hangs, fails or talks without end costs a pull its login, and no more. It blocks: in a thread.

Source: Kubernetes' credential provider API (credentialprovider.kubelet.k8s.io/v1) and its plugin keyring.
"""

import contextlib
import fnmatch
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from shipslog.store.logger import logger
from shipslog.store.objects.values import durations

from .reference import parse

TIMEOUT_S = 60.0
LARGEST = 1 << 20  # bytes of an answer
PROTOCOLS = tuple(f"credentialprovider.kubelet.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
Login = tuple[str, str, str]  # registry, user, password

log = logger(__name__)


class BadProviders(ValueError):
    """The configuration cannot be used; the message says why."""


class Variable(Struct, frozen=True):
    name: str
    value: str = ""


class Provider(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    match_images: tuple[str, ...]
    default_cache_duration: str
    api_version: str
    args: tuple[str, ...] | None = None
    env: tuple[Variable, ...] | None = None


class Config(Struct, frozen=True, kw_only=True, rename="camel"):
    kind: str
    api_version: str
    providers: tuple[Provider, ...]


class Auth(Struct, frozen=True):
    username: str
    password: str


class Response(Struct, frozen=True, kw_only=True, rename="camel"):
    kind: str
    api_version: str
    cache_key_type: str
    cache_duration: str | None = None
    auth: dict[str, Auth] | None = None


class CredentialProviders:
    """All of a node. Safe to ask from several threads: those who ask one program wait for each other, and share its answer."""

    def __init__(self, config: Path, programs: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        """Errors: BadProviders."""
        self._programs, self._now_s = programs, now_s
        self._providers = tuple(_read(config, programs))
        self._kept: dict[tuple[str, str], tuple[float, dict[str, Auth]]] = {}
        self._locks = {provider.name: threading.Lock() for provider in self._providers}

    def logins(self, image: str) -> tuple[Login, ...]:
        """Those for an image, of the programs that are asked for such. Errors: InvalidImageName."""
        wanted = parse(image)
        named = f"{wanted.host}/{wanted.path}"
        found: list[Login] = []
        for provider in self._providers:
            if not any(matches(pattern, named) for pattern in provider.match_images):
                continue
            with self._locks[provider.name]:
                auths = self._asked(provider, str(wanted), named, wanted.host)
            best = sorted((pattern for pattern in auths if matches(pattern, named)), reverse=True)
            found += [(wanted.host, auths[pattern].username, auths[pattern].password) for pattern in best]
        return tuple(found)

    def _asked(self, provider: Provider, image: str, named: str, host: str) -> dict[str, Auth]:
        now_s = self._now_s()
        self._kept = {held: kept for held, kept in self._kept.items() if now_s < kept[0]}
        for key in (named, host, ""):
            kept = self._kept.get((provider.name, key))
            if kept is not None:
                return kept[1]
        try:
            response = _ask(provider, self._programs / provider.name, image)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("credential_provider_failed", provider=provider.name, image=image, why=str(error)[:300])
            return {}
        auths = response.auth or {}
        kept_s = durations.read(response.cache_duration or provider.default_cache_duration) / 1e9
        kept_for = {"Image": named, "Registry": host, "Global": ""}.get(response.cache_key_type)
        if kept_for is not None and kept_s > 0:
            self._kept[provider.name, kept_for] = now_s + kept_s, auths
        return auths


def _read(config: Path, programs: Path) -> list[Provider]:
    try:
        found = msgspec.convert(yaml.load(config.read_text(), Loader=yaml.CSafeLoader), Config)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise BadProviders(f"{config}: {' '.join(str(error).split())}") from error
    if found.kind != "CredentialProviderConfig":
        raise BadProviders(f"{config}: it is a {found.kind}, and should be a CredentialProviderConfig")
    for provider in found.providers:
        name = provider.name
        if not name or name != Path(name).name or name in (".", ".."):
            raise BadProviders(f"{config}: provider {name!r}: give the name of a program in {programs}")
        if provider.api_version not in PROTOCOLS:
            raise BadProviders(f"{config}: provider {name}: apiVersion is one of {', '.join(PROTOCOLS)}")
        if not provider.match_images:
            raise BadProviders(f"{config}: provider {name}: matchImages is empty")
        try:
            durations.read(provider.default_cache_duration)
        except ValueError as error:
            raise BadProviders(f"{config}: provider {name}: defaultCacheDuration: {error}") from error
        if not os.access(programs / name, os.X_OK):
            raise BadProviders(f"{config}: provider {name}: {programs / name} is no program that can be run")
    if len({provider.name for provider in found.providers}) < len(found.providers):
        raise BadProviders(f"{config}: two providers have one name")
    return list(found.providers)


def _ask(provider: Provider, program: Path, image: str) -> Response:
    """Errors: OSError, ValueError, MsgspecError."""
    asked: dict[str, Any] = {"kind": "CredentialProviderRequest", "apiVersion": provider.api_version, "image": image}
    answer = _output(
        [str(program), *(provider.args or ())],
        msgspec.json.encode(asked),
        {**os.environ, **{variable.name: variable.value for variable in provider.env or ()}},
    )
    response = msgspec.json.decode(answer, type=Response)
    if response.kind != "CredentialProviderResponse" or response.api_version != provider.api_version:
        raise ValueError(f"it answered with a {response.api_version} {response.kind}")
    if response.cache_duration:
        durations.read(response.cache_duration)
    return response


def _output(command: list[str], request: bytes, environment: dict[str, str]) -> bytes:
    """What a program says to what it is told; it and all that it started are gone afterwards. Errors: OSError, ValueError."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(TIMEOUT_S, end)
        timer.start()
        try:
            assert process.stdin is not None and process.stdout is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(request)
            with process.stdout:
                answer = process.stdout.read(LARGEST + 1)
            if len(answer) <= LARGEST:
                process.wait()
        finally:
            timer.cancel()
            _kill(process)
            process.wait()
        if late.is_set():
            raise ValueError(f"it took longer than {TIMEOUT_S:g} s")
        if len(answer) > LARGEST:
            raise ValueError(f"it answered with more than {LARGEST} bytes")
        if process.returncode:
            errors.seek(max(errors.tell() - 200, 0))
            raise ValueError(f"it ended with {process.returncode}: {errors.read(200).decode(errors='replace').strip()}")
        return answer


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def matches(pattern: str, image: str) -> bool:
    """Whether a pattern (`*.example.com:5000/team`) is for an image (host and path): as many parts of a host, each with its own
    stars, the same port, and a path that begins so."""
    pattern = pattern.removeprefix("https://").removeprefix("http://")
    host, _, path = pattern.partition("/")
    image_host, _, image_path = image.partition("/")
    (domain, _, port), (image_domain, _, image_port) = host.partition(":"), image_host.partition(":")
    parts, image_parts = domain.split("."), image_domain.split(".")
    if port != image_port or len(parts) != len(image_parts) or not image_path.startswith(path.rstrip("/")):
        return False
    return all(fnmatch.fnmatchcase(ours, theirs) for ours, theirs in zip(image_parts, parts, strict=True))
