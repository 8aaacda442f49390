"""A copy of a log that can be sent away: what is secret in it is replaced by a mark, and all else is as it was.

Secret are the values of Secrets, the values that environments of containers are given as they stand, and the headers of probes
and hooks, also in what kubectl has noted of the last apply; fields and options that are called a password, a token and the
like; private keys and tokens; and what is a Secret's value wherever it stands. Who did what when, with which names, images,
commands and ConfigMaps, is what the log is for.
"""

import asyncio
import base64
import binascii
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from shipslog.reconcilers.rule.digest import NOT_TAKEN_AGAIN
from shipslog.store.log.event_log import LogError
from shipslog.store.log.rewritten import facts_of, rewrite
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.wire.json_text import NotJson, check_depth, parse

from .backups import room_for
from .progress import Progress, step, to_nobody
from .secret_texts import MARK, announces, is_called_secret, without_secrets, worth_looking_for

ENCODED_MARK = base64.b64encode(MARK.encode()).decode()
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NAMES = frozenset(
    (
        *("name", "namespace", "uid", "kind", "apiVersion", "resource", "type", "generateName", "resourceVersion"),
        *("node", "nodeName", "hostname", "image", "imageID", "creationTimestamp"),
    )
)  # of fields: they say what is meant, and are no text
TOLD = frozenset({"message", "reason", "error"})  # the texts of facts that hold no object


class Exported(msgspec.Struct, frozen=True):
    """What a redacted copy is."""

    revision: int  # its last
    events: int  # that hold marks where others stood
    values: dict[str, int]  # how many different ones were taken out, by what they were


async def export(source: Path, target: Path, *, progress: Progress = to_nobody) -> Exported:
    """Write a redacted copy of the log at `source`, which may be in use.

    It is whole when it gets its name, and all its checksums hold. Errors: FileExistsError, LogError, OSError."""
    if target.exists():
        raise FileExistsError(f"{target} is there already; it was left as it is. Name another file.")
    parent = target.absolute().parent
    with tempfile.TemporaryDirectory(prefix=".shipslog-", dir=parent) as scratch, room_for(parent):
        copy = Path(scratch) / "cluster.db"
        async with await SqliteLog.open(source, read_only=True) as log:
            await log.verify(step(progress, "Checking the log"))
            await log.copy_to(copy, step(progress, "Copying the log"))
        redactor = Redactor()
        await asyncio.to_thread(redactor.learn, facts_of(copy))
        await asyncio.to_thread(rewrite, copy, redactor.redacted, step(progress, "Taking out secrets"))
        async with await SqliteLog.open(copy, read_only=True) as log:
            await log.verify(step(progress, "Checking the copy"))
            revision = log.revision
        if copy.with_name("cluster.db-wal").exists():
            raise LogError(f"{copy}: its last events are not in the file itself. Nothing was written; try again.")
        copy.chmod(0o600)
        copy.replace(target)
    return Exported(revision, redactor.events, redactor.values())


class Redactor:
    """Takes out of facts what is secret, and counts it."""

    def __init__(self) -> None:
        self.events = 0
        self._known: dict[str, str] = {}  # a Secret's value: how it stands in JSON
        self._taken: dict[str, set[int]] = {}

    def values(self) -> dict[str, int]:
        """How many different values were taken out, by what they were."""
        return {what: len(values) for what, values in self._taken.items()}

    def learn(self, facts: Iterable[bytes]) -> None:
        """Remember the values of Secrets, so that they are found where somebody has copied them."""
        for encoded in facts:
            if b'"Secret"' in encoded or b'"secrets"' in encoded:
                self._learn_from(_decoded(encoded).get("object"))

    def redacted(self, encoded: bytes) -> bytes:
        """A fact as it stands in the log, without what is secret. Errors: LogError."""
        fact = _decoded(encoded)
        before = msgspec.json.encode(fact)
        known = [value for value, written in self._known.items() if written.encode() in encoded]
        if isinstance(fact.get("object"), dict | list):
            fact["object"] = self._walk(fact["object"], known)
        else:
            fact = {key: self._text(value, known) if key in TOLD else value for key, value in fact.items()}
        self.events += msgspec.json.encode(fact) != before
        if fact.get("type") == "DecisionTaken":
            fact["digest_version"] = NOT_TAKEN_AGAIN
        after = msgspec.json.encode(fact)
        return after if after != before else encoded

    # --- inside ---

    def _learn_from(self, value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                self._learn_from(item)
        if not isinstance(value, dict):
            return
        if value.get("kind") == "Secret" and isinstance(value.get("data"), dict):
            for encoded in value["data"].values():
                for text in _worth(encoded):
                    self._known[text] = msgspec.json.encode(text).decode()[1:-1]
                    in_base64 = base64.b64encode(text.encode()).decode()
                    self._known[in_base64] = in_base64
        self._learn_from(value.get("items"))

    def _took(self, what: str, value: str) -> None:
        self._taken.setdefault(what, set()).add(hash(value))

    def _walk(self, value: Any, known: list[str], key: str = "") -> Any:
        """A value without what is secret, at any depth: templates and lists hold others."""
        if isinstance(value, str):
            return value if key in NAMES else self._text(value, known, key)
        if isinstance(value, list):
            return [
                self._mark("password in a text", item) if announced else self._walk(item, known, key)
                for item, announced in zip(value, _announced(value), strict=True)
            ]
        if not isinstance(value, dict):
            return value
        if value.get("kind") == "Secret":
            value = {
                **value,
                "data": self._all("value of a Secret", value.get("data"), ENCODED_MARK),
                "stringData": self._all("value of a Secret", value.get("stringData"), MARK),
            }
            value = {k: v for k, v in value.items() if v is not None or k not in ("data", "stringData")}
        return {k: self._field(k, v, value, known, key) for k, v in value.items()}

    def _field(self, key: str, value: Any, of: dict[str, Any], known: list[str], within: str) -> Any:
        if not isinstance(value, str) or not value:
            return value if of.get("kind") == "Secret" and key in ("data", "stringData") else self._walk(value, known, key)
        if key == LAST_APPLIED:
            return self._applied(value, known)
        if key == "value" and within == "env":
            return self._mark("value of an environment variable", value)
        if key == "value" and within == "httpHeaders":
            return self._mark("header of a probe or a hook", value)
        named = of.get("name") if key == "value" else key
        if key not in NAMES and isinstance(named, str) and is_called_secret(named):
            return self._mark("field that is called a secret", value)
        return self._walk(value, known, key)

    def _text(self, text: Any, known: list[str], key: str = "") -> Any:
        if not isinstance(text, str):
            return text
        if key == LAST_APPLIED or ('"Secret"' in text and text.lstrip().startswith("{")):
            return self._applied(text, known)  # somebody's note of a Secret
        for value in known:
            if value in text:
                self._took("copy of a Secret's value", value)
                text = text.replace(value, MARK)
        return without_secrets(text, self._took)

    def _mark(self, what: str, value: Any, mark: str = MARK) -> Any:
        if isinstance(value, str) and value and value != mark:
            self._took(what, value)
        return mark

    def _all(self, what: str, values: Any, mark: str) -> Any:
        return {key: self._mark(what, value, mark) for key, value in values.items()} if isinstance(values, dict) else values

    def _applied(self, text: str, known: list[str]) -> str:
        try:
            applied = parse(text)
        except NotJson:
            return str(self._mark("note of an apply that cannot be read", text))
        return msgspec.json.encode(self._walk(applied, known)).decode() + "\n"


def redacted(encoded: bytes) -> bytes:
    """A fact alone, without what is secret. Errors: LogError."""
    return Redactor().redacted(encoded)


def _decoded(encoded: bytes) -> dict[str, Any]:
    try:
        fact: dict[str, Any] = msgspec.json.decode(encoded)
        check_depth(fact.get("object"))
    except (RecursionError, msgspec.DecodeError, UnicodeError, NotJson) as error:
        raise LogError(
            f"What is secret in it cannot be found, no server writes such an event: {error}. Nothing was written."
        ) from error
    return fact


def _worth(encoded: Any) -> Iterable[str]:
    try:
        return list(worth_looking_for(base64.b64decode(encoded))) if isinstance(encoded, str) else []
    except (binascii.Error, ValueError):
        return []


def _announced(words: list[Any]) -> list[bool]:
    """Which items of a list are what the one before them says: a password."""
    before = ["", *words[:-1]] if words else []
    return [isinstance(a, str) and isinstance(b, str) and announces(a) for a, b in zip(before, words, strict=True)]
