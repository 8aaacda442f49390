"""`shipslog version`: what is told when somebody asks for help."""

import platform

from click.testing import CliRunner

from shipslog import __version__
from shipslog.engine.api.server_info.release import MAJOR, MINOR
from shipslog.engine.cli import main


def test_it_tells_its_version_and_what_it_runs_on() -> None:
    done = CliRunner().invoke(main, ["version"])
    assert done.exit_code == 0
    assert done.output == f"shipslog {__version__} (Kubernetes API {MAJOR}.{MINOR}), Python {platform.python_version()}\n"


def test_builds_of_a_checkout_tell_themselves_apart() -> None:
    assert __version__[:1].isdigit() and __version__ != "0+unknown", "install it: pip install -e ."
