"""`python -m tests.runtime.rootless.inside DIRECTORY ARGUMENTS...`: pytest, inside the user namespace of a node."""

import sys
from pathlib import Path

import pytest

from shipslog.runtime.rootless.namespace import enter

if __name__ == "__main__":
    ground = enter(Path(sys.argv[1]))
    try:
        code = pytest.main(
            [
                "-q",
                "-p",
                "no:cacheprovider",
                "-W",
                "ignore::pytest.PytestAssertRewriteWarning",
                f"--basetemp={sys.argv[1]}/tests",
                *sys.argv[2:],
            ]
        )
    finally:
        ground.end()
    sys.exit(code)
