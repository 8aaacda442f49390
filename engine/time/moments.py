"""Moments as people write them: a revision (`1234`, `rev/1234`), a time (RFC 3339), or how long ago (`-5m`, `-1h30m`)."""

import re
from datetime import UTC, datetime

from msgspec import Struct

from shipslog.store.refusals import BadRequest

AGO = re.compile(r"-(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
LATEST_NS = 2**63 - 1  # in the year 2262: what the log can hold
UNITS_S = (86400, 3600, 60, 1)


class Moment(Struct, frozen=True):
    """One of the two is set."""

    revision: int | None = None
    time_ns: int | None = None


def parse(text: str, now_ns: int) -> Moment:
    """The moment that `text` names. Errors: BadRequest, with the forms that are understood."""
    text = text.strip()
    number = text.removeprefix("rev/")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        return Moment(revision=int(number))
    ago = AGO.fullmatch(text)
    if ago is not None and any(ago.groups()):
        seconds = sum(int(count or 0) * unit for count, unit in zip(ago.groups(), UNITS_S, strict=True))
        return Moment(time_ns=max(0, now_ns - seconds * 1_000_000_000))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(
            f"{text[:64]!r} names no moment: give a revision (1234), a time (2026-11-23T10:32:00Z) or how long ago (-5m, "
            "-1h30m)"
        ) from error
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    time_ns = int(at.timestamp() * 1_000_000) * 1000 + 999_999_999 * (at.microsecond == 0)
    return Moment(time_ns=min(max(0, time_ns), LATEST_NS))
