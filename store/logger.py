"""The loggers of all rooms: structured lines, handed to Python's own `logging` under the name `shipslog`.

A library is quiet by default: whoever embeds it adds handlers (`logging.getLogger("shipslog")`), the daemon its own. A line is
a constant event and its keys; `record.event` and `record.fields` hold them apart for whoever formats.
"""

import logging
import os
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import structlog

NAME = "shipslog"
logging.getLogger(NAME).addHandler(logging.NullHandler())


def _handed_over(_: Any, method: str, line: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """What `logging` is called with."""
    failure = line.pop("exc_info", None)
    event, fields = str(line.pop("event")), dict(line)
    text = " ".join((event, *(f"{key}={value}" for key, value in fields.items())))
    return (text,), {"exc_info": failure, "extra": {"event": event, "fields": fields}}


PROCESSORS: list[Any] = [_handed_over]  # tests listen in here, and then to lines of every level
_OURS = tuple(PROCESSORS)
_LEVELS = logging.getLevelNamesMapping() | {"EXCEPTION": logging.ERROR}


class _Logger:
    """structlog's, made for the first line that somebody hears. A program that embeds a cluster and listens to nothing is
    spared its import, which brings rich along where that is installed: a fifth of what a first cluster takes to open."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)
        self._made: Any = None

    def __getattr__(self, method: str) -> Any:
        level = _LEVELS.get(method.upper())
        if level is not None and not self._log.isEnabledFor(level) and tuple(PROCESSORS) == _OURS:
            return _unheard
        if self._made is None:
            import structlog

            self._made = structlog.wrap_logger(
                self._log, processors=PROCESSORS, wrapper_class=structlog.stdlib.BoundLogger, cache_logger_on_first_use=True
            )
        return getattr(self._made, method)


def _unheard(event: str, **fields: Any) -> None:
    """A line below the level that is asked for."""


def logger(module: str) -> "structlog.stdlib.BoundLogger":
    """The logger of a module, given as its `__name__`."""
    made: Any = _Logger(module if module.startswith(NAME) else f"{NAME}.{module}")
    return made  # type: ignore[no-any-return]


def new_failure_id() -> str:
    """An id for `failure_id=…` in a line: what a client is told of a failure, instead of the exception's words."""
    return os.urandom(4).hex()


class JsonLines(logging.Formatter):
    """One JSON object a line: the keys of the line, then event, level and timestamp (UTC)."""

    def format(self, record: logging.LogRecord) -> str:
        event: str = getattr(record, "event", "") or record.getMessage()
        line: dict[str, Any] = {**getattr(record, "fields", {}), "event": event, "level": record.levelname.lower()}
        line["timestamp"] = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class TextLines(logging.Formatter):
    """A line for people: when (UTC), how grave, what, and its keys. What was raised follows, each line after a space."""

    def format(self, record: logging.LogRecord) -> str:
        event: str = getattr(record, "event", "") or record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        words = [at, f"{record.levelname:<7}", _plain(event)]
        words += [f"{key}={_plain(value)}" for key, value in getattr(record, "fields", {}).items()]
        if record.exc_info and record.exc_info[0] is not None:
            words.append("\n  " + self.formatException(record.exc_info).replace("\n", "\n  "))
        return " ".join(words)


def _plain(value: object) -> str:
    """As it is where it is one plain word, else quoted: nobody's words can look like another line."""
    text = str(value)
    plain = text.isascii() and text.isprintable() and not any(c in text for c in ' "=')
    return text if plain and text else msgspec.json.encode(text).decode()


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextLines, "json": JsonLines}


def send_to(handler: logging.Handler, *, level: str = "info", form: str = "text") -> None:
    """Give all lines of the house to a handler, and to no other. `form`: text or json."""
    handler.setFormatter(FORMATTERS[form]())
    house = logging.getLogger(NAME)
    house.handlers[:] = [handler]
    house.setLevel(level.upper())
    house.propagate = False
