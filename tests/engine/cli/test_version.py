"""`shipslog version`: what is told when somebody asks for help."""

import platform

from click.testing import CliRunner

from shipslog.engine.cli import main
from shipslog.engine.cluster import VERSION


def test_it_tells_its_version_and_what_it_runs_on() -> None:
    done = CliRunner().invoke(main, ["version"])
    assert done.exit_code == 0
    assert VERSION in done.output and platform.python_version() in done.output
