"""A copy of a log that can be sent away: what is secret in it is replaced by a mark, and all else is as it was.

Secret are the values of Secrets, the values that environments of containers are given as they stand, and the headers of probes
and hooks, also in what kubectl has noted of the last apply. Who did what when, with which names, images, commands and
ConfigMaps, is what the log is for.
"""

import asyncio
import base64
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from shipslog.reconcilers.rule.digest import NOT_TAKEN_AGAIN
from shipslog.store.log.event_log import LogError
from shipslog.store.log.rewritten import rewrite
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.wire.json_text import NotJson, check_depth, parse

from .backups import room_for
from .progress import Progress, step, to_nobody

MARK = "redacted"
ENCODED_MARK = base64.b64encode(MARK.encode()).decode()
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


async def export(source: Path, target: Path, *, progress: Progress = to_nobody) -> tuple[int, int]:
    """Write a redacted copy of the log at `source`, which may be in use. -> (its last revision, how many events are other).

    It is whole when it gets its name, and all its checksums hold. Errors: FileExistsError, LogError, OSError."""
    if target.exists():
        raise FileExistsError(f"{target} is there already; it was left as it is. Name another file.")
    parent = target.absolute().parent
    with tempfile.TemporaryDirectory(prefix=".shipslog-", dir=parent) as scratch, room_for(parent):
        copy = Path(scratch) / "cluster.db"
        async with await SqliteLog.open(source, read_only=True) as log:
            await log.verify(step(progress, "Checking the log"))
            await log.copy_to(copy, step(progress, "Copying the log"))
        count = await asyncio.to_thread(rewrite, copy, redacted, step(progress, "Taking out secrets"))
        async with await SqliteLog.open(copy, read_only=True) as log:
            await log.verify(step(progress, "Checking the copy"))
            revision = log.revision
        if copy.with_name("cluster.db-wal").exists():
            raise LogError(f"{copy}: its last events are not in the file itself. Nothing was written; try again.")
        copy.chmod(0o600)
        copy.replace(target)
    return revision, count


def redacted(encoded: bytes) -> bytes:
    """A fact as it stands in the log, without what is secret. Errors: LogError."""
    try:
        fact = msgspec.json.decode(encoded)
        check_depth(fact.get("object"))
    except (RecursionError, msgspec.DecodeError, UnicodeError, NotJson) as error:
        raise LogError(
            f"What is secret in it cannot be found, no server writes such an event: {error}. Nothing was written."
        ) from error
    before = msgspec.json.encode(fact)
    if fact.get("type") == "DecisionTaken":
        fact["digest_version"] = NOT_TAKEN_AGAIN
    if isinstance(fact.get("object"), dict | list):
        _redact(fact["object"])
    after = msgspec.json.encode(fact)
    return after if after != before else encoded


def _redact(obj: Any) -> None:
    """Take what is secret out of an object, at any depth: templates and lists hold others."""
    if isinstance(obj, list):
        for item in obj:
            _redact(item)
        return
    if not isinstance(obj, dict):
        return
    if obj.get("kind") == "Secret":
        _mark(obj.get("data"), ENCODED_MARK)
        _mark(obj.get("stringData"), MARK)
    if isinstance(obj.get("env"), list):
        for variable in obj["env"]:
            if isinstance(variable, dict) and variable.get("value"):
                variable["value"] = MARK
    if isinstance(obj.get("httpHeaders"), list):  # of a probe or a hook: what authorizes it stands there
        for header in obj["httpHeaders"]:
            if isinstance(header, dict) and header.get("value"):
                header["value"] = MARK
    for key, value in obj.items():
        if key == LAST_APPLIED and isinstance(value, str):
            obj[key] = _applied(value)
        else:
            _redact(value)


def _mark(values: Any, mark: str) -> None:
    if isinstance(values, dict):
        for key in values:
            values[key] = mark


def _applied(text: str) -> str:
    try:
        applied = parse(text)
    except NotJson:
        return MARK
    _redact(applied)
    return msgspec.json.encode(applied).decode() + "\n"
