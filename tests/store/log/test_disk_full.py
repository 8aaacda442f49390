"""A disk that is full: what still fits, and that all goes on by itself. On file systems that have so little room."""

import subprocess
import sys
from pathlib import Path

import pytest

from .little_room import NO_MOUNTS, SCENARIOS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_full_disk(name: str) -> None:
    command = [sys.executable, "-m", "tests.store.log.little_room", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == NO_MOUNTS:
        pytest.skip(f"no file system of our own: {done.stdout.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
