"""The changed object as JSON, and how long it may be. What is long is encoded before its turn, without its revision."""

from typing import Any

from msgspec.structs import replace

from shipslog.store.commands import AnyObjectCommand, Apply, Create, Patch, Update
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import TooLarge
from shipslog.store.state import Entry, entry_of

from .transitions import Evaluation

# Of an object's JSON as it is kept. A body has 3 MiB at most; what defaults make of it, or patch upon patch, would be longer,
# and without an end. Kubernetes has etcd's bound, 1.5 MiB. Statuses have the same again: they grow with what runs.
OBJECT_BYTES = 4 << 20
UNKNOWN = "of its turn"  # no resource version: the place of one that is not known yet
PLACE = b'"resourceVersion":"%s"' % UNKNOWN.encode()


def encoded_ahead(change: Evaluation) -> Evaluation:
    """The change with its object's JSON around the revision that it will have."""
    around = codec.encode(_at(change.object, UNKNOWN)).split(PLACE)
    return replace(change, ahead=(around[0], around[1])) if len(around) == 2 else change  # else a client wrote the same


def finish(change: Evaluation, revision: int) -> Entry:
    """The entry of the changed object at its revision; 0: of a dry run's new object, which has none."""
    obj = _at(change.object, str(revision) if revision else "")
    if change.ahead is None or not revision:
        return entry_of(change.kind, obj, codec.encode(obj), revision)
    before, behind = change.ahead
    return entry_of(change.kind, obj, b'%b"resourceVersion":"%d"%b' % (before, revision, behind), revision)


def check_size(command: AnyObjectCommand, made: int, before: int) -> None:
    """`made`, `before`: the bytes that the object takes, and took. Errors: TooLarge for a write, of a client or a rule, that
    lets it grow beyond what is kept. To delete, bind or evict it is always allowed."""
    if not isinstance(command, Create | Update | Patch | Apply) or made <= before:
        return
    status = not isinstance(command, Create) and command.subresource == "status"
    if made > (limit := 2 * OBJECT_BYTES if status else OBJECT_BYTES):
        raise TooLarge(
            f"Request entity too large: the object would take {made} bytes as JSON, and an object has at most {limit}. "
            "Nothing was written; divide it into several objects"
        )


def _at(obj: Any, version: str) -> Any:
    return replace(obj, metadata=replace(obj.metadata, resource_version=version))
