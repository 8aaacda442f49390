"""Moments as people write them: a revision (`1234`, `rev/1234`), a time (RFC 3339, or of the day: `10:32`), or how long ago
(`-5m`, `-1h30m`)."""

import re
from datetime import UTC, datetime, time, timedelta

from msgspec import Struct

from shipslog.store.refusals import BadRequest

AGO = r"-(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?"
OF_DAY = r"\d{2}:\d{2}(:\d{2}([.]\d{1,6})?)?"
FRACTION = r"[.,](\d+)"
LATEST_NS = 2**63 - 1  # in the year 2262: what the log can hold
UNITS_S = (86400, 3600, 60, 1)
SECOND_NS = 1_000_000_000


class Moment(Struct, frozen=True):
    """One of the two is set."""

    revision: int | None = None
    time_ns: int | None = None


def parse(text: str, now_ns: int, *, begins: bool = False) -> Moment:
    """The moment that `text` names. A time means all of its second, or of its last digit if it has a fraction: the end of that,
    or with `begins` its beginning. One of the day alone is the last such time, UTC. Errors: BadRequest, with the forms that are
    understood."""
    text = text.strip()
    number = text.removeprefix("rev/")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        return Moment(revision=int(number))
    ago = re.fullmatch(AGO, text, re.ASCII)
    if ago is not None and any(ago.groups()):
        seconds = sum(int(count or 0) * unit for count, unit in zip(ago.groups(), UNITS_S, strict=True))
        return Moment(time_ns=max(0, now_ns - seconds * SECOND_NS))
    at = _time(text, now_ns)
    time_ns = int(at.replace(microsecond=0).timestamp()) * SECOND_NS + at.microsecond * 1000
    if not begins:
        fraction = re.search(FRACTION, text, re.ASCII)
        time_ns += 10 ** (9 - min(len(fraction[1]), 6) if fraction else 9) - 1
    return Moment(time_ns=min(max(0, time_ns), LATEST_NS))


def _time(text: str, now_ns: int) -> datetime:
    if re.fullmatch(OF_DAY, text, re.ASCII):
        now = datetime.fromtimestamp(now_ns // SECOND_NS, UTC)
        try:
            at = datetime.combine(now.date(), time.fromisoformat(text), UTC)
            return at if at <= now else at - timedelta(days=1)
        except ValueError:
            pass  # said below
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(
            f"{text[:64]!r} names no moment: give a revision (1234), a time (2026-11-23T10:32:00Z, 10:32) or how long ago "
            "(-5m, -1h30m)"
        ) from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
