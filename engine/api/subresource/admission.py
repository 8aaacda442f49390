"""What is asked outside about requests of which no command comes: connections to what runs, and tokens.

Tests: tests/engine/webhooks/test_admission.py
"""

from typing import Any

from shipslog.engine.admission.matching import CONNECT, Asked, place_of
from shipslog.engine.api.request.requests import Call
from shipslog.engine.commit.outside import RequestInfo


async def admitted(call: Call, obj: Any, operation: str = CONNECT, *, dry_run: bool = False) -> tuple[Any, tuple[str, ...]]:
    """What a request for a part is about, as those outside will have it, and their warnings. Errors: Refusal."""
    route, kind, user = call.route, call.kind, call.user
    asked = Asked(
        operation=operation, place=place_of(kind, route.subresource), subresource=route.subresource, namespace=route.namespace,
        name=route.name, object=obj,
    )  # fmt: skip
    request_info = RequestInfo(uid=user.uid, extra=user.extra, options=None if operation == CONNECT else call.options)
    return await call.cluster.admit(
        asked, kind, actor=user.name, groups=user.groups, dry_run=dry_run, request_info=request_info
    )
