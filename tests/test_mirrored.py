"""A reader finds the tests of a module: at the mirrored path, with its package's where that is small, or where the last line of
its docstring says."""

import re
from pathlib import Path

from tests.test_house import GENERATED, MODULES, ROOT, module, name

SMALL = 12  # modules; a package that has no more may have its tests in one file


def places_of(path: Path) -> list[Path]:
    """Where a module is tested: at the mirrored path, with its package where that is small, else where its docstring says."""
    package = path.parent
    small = len(list(package.glob("*.py"))) <= SMALL or path.name == "__init__.py"
    of_package = [
        ROOT / "tests" / place / f"test_{package.name}.py"
        for place in (package.relative_to(ROOT).parent, package.relative_to(ROOT))
    ]
    mirrored = ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{path.stem}.py"
    return [found for found in (mirrored, *(of_package if small else ())) if found.exists()] + named_tests(path)


def named_tests(path: Path) -> list[Path]:
    """Those that the last paragraph of a module's docstring names: `Tests: tests/engine/api/verbs/test_reads.py, ...`."""
    words = module(path).docstring or ""
    found = re.search(r"^Tests: ((?:\S+,\s+)*\S+)\Z", words, re.M)
    return [ROOT / name.strip() for name in found[1].split(",")] if found else []


def test_a_reader_finds_the_tests_of_a_module() -> None:
    for path in MODULES:
        if GENERATED.search(name(path)) or (path.name == "__init__.py" and not module(path).holds):
            continue
        mirrored = f"tests/{name(path.with_name(f'test_{path.stem}.py'))}"
        assert places_of(path), (
            f"{name(path)}: make {mirrored}, or end its docstring in a line `Tests: tests/...` that says where they are"
        )
        gone = [name(test) for test in named_tests(path) if not test.exists()]
        assert not gone, f"{name(path)} says that its tests are in {gone}: there is no such file"
        said = "Tests:" in (module(path).docstring or "")
        assert not said or named_tests(path), f"{name(path)}: `Tests:` begins the last line"


def test_a_module_without_tests_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('"""Words.\n\nTests: tests/test_mirrored.py,\n  tests/none.py\n"""\n')
    assert named_tests(tmp_path / "one.py") == [ROOT / "tests/test_mirrored.py", ROOT / "tests/none.py"]
    (tmp_path / "other.py").write_text('"""Words about Tests: and more."""\n')
    assert not named_tests(tmp_path / "other.py")
