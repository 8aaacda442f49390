"""Ten seconds; `make fuzz` takes an hour."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_nothing_that_a_client_sends_is_an_error_of_ours() -> None:
    ran = subprocess.run([sys.executable, "-m", "tests.fuzz", "--seconds", "10"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "nothing was wrong" in ran.stdout
