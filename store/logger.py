"""The loggers of all rooms: structured lines, handed to Python's own `logging` under the name `shipslog`.

A library is quiet by default: whoever embeds it adds handlers (`logging.getLogger("shipslog")`), the daemon its own. A line is
a constant event and its keys; `record.event` and `record.fields` hold them apart for whoever formats.
"""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

NAME = "shipslog"
logging.getLogger(NAME).addHandler(logging.NullHandler())


Listener = Callable[[dict[str, Any]], None]
LISTENERS: list[Listener] = []  # tests listen in here: they get the lines of every level, and nobody else gets any


class Logger:
    """The lines of one module: `log.warning("append_failed", error=text)`. What nobody hears costs a call."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """An error, with the exception that is being handled and its stack."""
        self._write(logging.ERROR, event, {"exc_info": True, **fields})

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        """`exc_info` among the fields is no part of the line: an exception, or whether the one that is handled goes with it."""
        if LISTENERS:
            for listener in LISTENERS:
                listener({**fields, "event": event, "log_level": logging.getLevelName(level).lower()})
        elif self._log.isEnabledFor(level):
            failure = fields.pop("exc_info", None)
            text = " ".join((event, *(f"{key}={value}" for key, value in fields.items())))
            self._log.log(level, text, exc_info=failure, extra={"event": event, "fields": fields}, stacklevel=3)


def logger(module: str) -> Logger:
    """The logger of a module, given as its `__name__`."""
    return Logger(module if module.startswith(NAME) else f"{NAME}.{module}")


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
