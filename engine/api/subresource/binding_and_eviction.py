"""What is posted and becomes a command, of which nothing is stored as it came: Binding, Eviction.

Tests: tests/engine/api/subresource/test_subresources.py
"""

from shipslog.engine.api.request import requests
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.response import replies
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.api.verbs import writes
from shipslog.engine.kinds.subresources import Posted
from shipslog.store.objects.scheme import type_at


async def to_subresource(call: Call) -> Reply:
    """To /KIND/NAME/WORD."""
    sort = call.subresource
    assert isinstance(sort, Posted)
    return await _submitted(call, sort)


async def to_collection(call: Call, sort: Posted) -> Reply:
    """The name is in the body."""
    if call.route.name or not call.route.namespace:
        raise requests.method_not_allowed(call)
    return await _submitted(call, sort)


async def _submitted(call: Call, posted: Posted) -> Reply:
    dry_run = call.dry_run
    body, _ = await requests.decoded(call, type_at(posted.type), validation=posted.validation)
    requests.expect(body, posted.kind, *posted.accepts)
    command = posted.command(body, call.route.namespace, call.route.name)
    if (options := posted.delete_options(body)) is not None:
        dry_run = requests.dry_run(options.dry_run, "DeleteOptions") or dry_run
    await writes.submit(call, command, dry_run)
    return replies.success(call.wanted, code=201)
