"""A hundred kills; `make crash` takes a thousand."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing() -> None:
    ran = subprocess.run([sys.executable, "-m", "tests.crash", "--kills", "100"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "nothing acknowledged was lost" in ran.stdout
