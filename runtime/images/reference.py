"""Image names as people write them, and as registries know them.

Tests: tests/runtime/images/test_store.py
"""

import re

from msgspec import Struct

_HOST = re.compile(r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+(?=:))(:[0-9]+)?")
_PATH = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidImageName(ValueError):
    """Not the name of an image."""


class Reference(Struct, frozen=True):
    """host/path:tag or host/path@digest, complete."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" + (f"@{self.digest}" if self.digest else f":{self.tag}")

    @property
    def loopback(self) -> bool:
        """Registries on this machine speak HTTP without TLS."""
        name = self.host.rsplit(":", 1)[0]
        return name == "localhost" or name.startswith("127.")


def registry_of(image: str) -> str:
    """The host that it would be pulled from; "" for what is no name."""
    try:
        return parse(image).host
    except InvalidImageName:
        return ""


def parse(image: str) -> Reference:
    """`redis` is docker.io/library/redis:latest, as everywhere. Errors: InvalidImageName."""
    rest, _, digest = image.partition("@")
    first, slash, after = rest.partition("/")
    host = "docker.io"
    if slash and _HOST.fullmatch(first):
        host, rest = first, after
    path, colon, tag = rest.rpartition(":")
    if not colon:
        path, tag = rest, ""
    if host == "index.docker.io":
        host = "docker.io"
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    bad_tag = bool(colon) and not _TAG.fullmatch(tag)
    if not _PATH.fullmatch(path) or bad_tag or ("@" in image and not _DIGEST.fullmatch(digest)) or len(path) > 255:
        raise InvalidImageName(
            f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format'
        )
    return Reference(host, path, "" if digest else tag or "latest", digest)
