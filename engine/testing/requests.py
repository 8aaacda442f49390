"""What goes wrong with requests over HTTP when a test says so.

Tests: tests/engine/testing/test_cluster.py
"""

import asyncio

from aiohttp import web
from msgspec import Struct

from shipslog.store.refusals import (
    Conflict,
    Expired,
    Forbidden,
    NotFound,
    Refusal,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

from . import arguments

CODES: dict[int, type[Refusal]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    429: TooManyRequests,
    500: Refusal,
    503: Unavailable,
    504: TimedOut,
}


class Fault(Struct):
    """For so many requests of a method (any: "") whose path contains a text."""

    times: int
    method: str
    path: str
    code: int = 0
    delay_s: float = 0.0


class RequestFaults:
    """Those that wait for their requests. `cluster.create` and the like, in this process, are no requests."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def fail(self, times: int = 1, code: int = 503, *, method: str = "", path: str = "") -> None:
        """Answer the next requests with an error, as Kubernetes words it. Errors: ValueError for a code that CODES lacks, a
        method that is none, and fewer times than one."""
        if code not in CODES:
            raise ValueError(f"code {code} is not among those that can be answered: {', '.join(map(str, CODES))}")
        self._faults.append(_fault(times, method, path, code=code))

    def slow(self, seconds: float, times: int = 1, *, method: str = "", path: str = "") -> None:
        """Let the next requests wait, in the machine's time, before they are looked at."""
        self._faults.append(_fault(times, method, path, delay_s=arguments.seconds("seconds", seconds)))

    def clear(self) -> None:
        """All goes well again."""
        self._faults.clear()

    async def before(self, request: web.BaseRequest) -> None:
        """Errors: Refusal, where one is to be answered."""
        for fault in self._faults:
            if fault.method in ("", request.method) and fault.path in request.path:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                await asyncio.sleep(fault.delay_s)
                if fault.code:
                    raise CODES[fault.code](f"a test has this request fail with {fault.code}")
                return


def _fault(times: int, method: str, path: str, *, code: int = 0, delay_s: float = 0.0) -> Fault:
    known = arguments.one_of("method", method.upper(), arguments.METHODS)
    return Fault(arguments.whole("times", times, 1), known, path, code=code, delay_s=delay_s)
