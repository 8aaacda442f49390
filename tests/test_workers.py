"""Workers of `make test`: which tests share one, and what they make and leave (`tests/conftest.py`)."""

import os
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
            "def others():\n"
            f"    said = [line.split() for line in open('said')]\n"
            f"    return {{worker for place, worker in said if place == '{place}'}} - {{os.environ['PYTEST_XDIST_WORKER']}}\n"
            "@pytest.mark.parametrize('n', range(20))\n"
            "def test_one(n):\n"
            f"    print('{place}', os.environ['PYTEST_XDIST_WORKER'], file=open('said', 'a'))\n"
            "    until = time.monotonic() + 60\n"
            f"    while n == 0 and '{place}' == 'tests/fuzz' and not others() and time.monotonic() < until:\n"
            "        time.sleep(0.02)  # until the other worker is done with those that need the machine\n"
        )
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", "."]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split() for line in (tmp_path / "said").read_text().splitlines()]
    assert len(said) == 40
    assert {len({worker for place, worker in said if place == of}) for of in ("tests/crash", "tests/fuzz")} == {1, 2}


TEMPORARY = """
import os, tempfile
from pathlib import Path

def test_one(tmp_path):
    made = Path(tempfile.mkdtemp())
    assert str(made.parent) == os.environ["TMPDIR"] and made.parent not in tmp_path.parents
    print(made.parent, file=open("said", "a"))
    assert not "it shall fail, and say why"
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_what_is_temporary_goes_and_assertions_are_written_once(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TEMPORARY)
    shared = (ROOT / "tests" / "conftest.py").read_text()
    (tmp_path / "tests" / "conftest.py").write_text(shared)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environment = {key: value for key, value in os.environ.items() if key not in ("TMPDIR", "PYTEST_DEBUG_TEMPROOT")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, "tests"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120, env=environment)
    assert done.returncode == 1 and "assert not 'it shall fail, and say why'" in done.stdout, done.stdout + done.stderr
    said = Path((tmp_path / "said").read_text().strip())
    assert said.parent == tmp_path and not said.exists(), "it outlives the run"
    assert list(tmp_path.glob("pytest-of-*")), "what a failed test has kept is gone"
    assert list((tmp_path / "tests" / "__pycache__").glob("test_it.*-pytest-*.pyc"))
