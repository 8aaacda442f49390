"""Workers of `make test`: which tests share one (`tests/conftest.py`)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LONG, MARKED, OF_THE_CLIENTS, OF_THE_HOUSE, OF_THE_MACHINE, ROOT, begins_with, scope_of


@pytest.mark.parametrize("of", [*OF_THE_MACHINE, *OF_THE_CLIENTS, *OF_THE_HOUSE, *LONG])
def test_what_is_named_is_there(of: str) -> None:
    path, _, name = of.partition("::")
    assert (ROOT / path).exists() and (not name or f"def {name}(" in (ROOT / path).read_text())


def test_what_needs_the_machine_is_named() -> None:
    """Two tests at one time could find the same port, or claim the same range."""
    needs = re.compile(rf'free_port\(|"up", "--detach"|mark\.({"|".join(MARKED)})\b')
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        of = str(path.relative_to(ROOT))
        if path != Path(__file__) and needs.search(path.read_text()):
            assert scope_of(f"{of}::test") == "the machine", f"{of} belongs into OF_THE_MACHINE"


def test_what_takes_long_is_not_held_to_one_worker() -> None:
    assert {scope_of("tests/test_house.py::test_floors"), scope_of("tests/test_mirrored.py::test_x")} == {"the house"}
    checkers = "tests/test_house.py::test_the_checkers_are_content[mypy]"
    assert scope_of(checkers) == checkers


def test_places_are_whole_names() -> None:
    assert begins_with("tests/crash/test_crash.py::test_x", ("tests/crash",)) == 0
    assert begins_with("tests/crashes/test_x.py::test_x", ("tests/crash",)) is None
    assert begins_with("tests/test_a.py::test_b[c]", ("tests/test_c.py", "tests/test_a.py::test_b")) == 1


def test_what_needs_the_machine_stays_in_one_worker(tmp_path: Path) -> None:
    """Two workers, each test says which it is in: those that need the machine all say the same."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_xdist_make_scheduler\n")
    for place in ("tests/crash", "tests/fuzz"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / f"test_{place[6:]}.py").write_text(
            "import os, time, pytest\n"
            "@pytest.mark.parametrize('n', range(20))\n"
            f"def test_one(n):\n    time.sleep(0.05)\n"
            f"    print('{place}', os.environ['PYTEST_XDIST_WORKER'], file=open('said', 'a'))\n"
        )
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", "."]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split() for line in (tmp_path / "said").read_text().splitlines()]
    assert len(said) == 40
    assert {len({worker for place, worker in said if place == of}) for of in ("tests/crash", "tests/fuzz")} == {1, 2}
