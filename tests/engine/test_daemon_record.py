"""The record by which a daemon is found."""

import os
from pathlib import Path

import msgspec

from shipslog.engine.daemon import _withdraw


def test_only_its_own_is_taken_back(tmp_path: Path) -> None:
    record = tmp_path / "daemon.json"
    record.write_bytes(msgspec.json.encode({"pid": os.getpid() + 1}))  # a directory that was moved, and another in its place
    _withdraw(record)
    assert record.exists()
    record.write_bytes(msgspec.json.encode({"pid": os.getpid()}))
    _withdraw(record)
    assert not record.exists()
    _withdraw(record)
