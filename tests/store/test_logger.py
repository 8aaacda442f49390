"""What the house logs: quiet unless somebody listens, plain text for `logging`, JSON lines for the daemon."""

import io
import logging
import subprocess
import sys

import msgspec
import pytest

from shipslog.store.logger import NAME, JsonLines, logger

log = logger("shipslog.test")


def test_a_library_is_quiet() -> None:
    code = "from shipslog.store.logger import logger; logger('x').error('loud', a=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_whoever_listens_hears_event_and_keys(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger=NAME)
    log.info("ship_sighted", bearing=90, name="50%")
    log.debug("not_asked_for")
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("shipslog.test", "ship_sighted bearing=90 name=50%")


def test_the_daemon_writes_json_with_stacks() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    house = logging.getLogger(NAME)
    house.addHandler(handler)
    try:
        try:
            raise ValueError("aground")
        except ValueError:
            log.exception("ship_lost", key=("a", 1))
    finally:
        house.removeHandler(handler)
    line = msgspec.json.decode(stream.getvalue())
    assert (line["event"], line["level"], line["key"]) == ("ship_lost", "error", ["a", 1])
    assert "ValueError: aground" in line["exception"] and line["timestamp"].endswith("Z")
