"""The door for the head of a request: path, query, headers and numbers in them are readable, or refused here."""

import re

from aiohttp import web

from shipslog.engine.kinds.faults import shown
from shipslog.store.objects.values import durations
from shipslog.store.refusals import BadRequest, Refusal

from .routes import Params, first

PATH_BYTES = 8 * 1024
QUERY_BYTES = 64 * 1024  # selectors may be long

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_LIMIT = 2**63


class UriTooLong(Refusal):
    code, reason = 414, "RequestURITooLong"


def target(request: web.BaseRequest) -> tuple[str, str]:
    """(path, query), both still percent-encoded. Errors: BadRequest, UriTooLong; also for headers that are no text."""
    path, _, query = request.raw_path.partition("?")
    if len(path) > PATH_BYTES or len(query) > QUERY_BYTES:
        raise UriTooLong(
            f"the path may have {PATH_BYTES} bytes and the query {QUERY_BYTES}; they have {len(path)}, {len(query)}"
        )
    if path[:1] != "/" or not request.raw_path.isascii():
        raise BadRequest("the path begins with a slash, and what is not ASCII in it is percent-encoded")
    for name, value in request.headers.items():
        if not value.isascii() and not _is_text(value):
            raise BadRequest(f"the header {name.encode('ascii', 'replace').decode()} is not valid UTF-8")
    return path, query


def _is_text(value: str) -> bool:
    """Whether a header's bytes were UTF-8: others have become lone surrogates, which nothing can encode."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def integer(params: Params, name: str) -> int | None:
    """A number of the query; None without one. Errors: BadRequest for what is none, or does not fit into 64 bits."""
    text = first(params, name)
    return number(name, text) if text else None


def check_timeout(params: Params) -> None:
    """Whether the time that a client gives a request (`timeout`) is one; no request here takes so long that it counts.
    Errors: BadRequest."""
    try:
        durations.read(first(params, "timeout"))
    except ValueError as error:
        raise BadRequest(f"invalid timeout specified in the request URL - {error}") from error


def number(name: str, text: str) -> int:
    """Errors: BadRequest, see `integer`."""
    if re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII) is None:
        raise BadRequest(f"{name}: strconv.ParseInt: parsing {shown(text[:64])}: invalid syntax")
    if _INTEGER.fullmatch(text) is None or not -_LIMIT <= (value := int(text)) < _LIMIT:
        raise BadRequest(f"{name}: strconv.ParseInt: parsing {shown(text[:64])}: value out of range")
    return value
