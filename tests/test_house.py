"""The house rules, kept by machine: floors, purity, sizes, and what must not be found anywhere."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("store", "runtime", "reconcilers", "engine")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
GENERATED = re.compile(r"store/objects/\w+_v\d+((alpha|beta)\d+)?\.py$")
LINES, FUNCTION_LINES, PACKED_LINES = 500, 70, 4

# Who may import what of the other rooms.
FLOORS: dict[str, tuple[str, ...]] = {
    "store": (),
    "runtime": ("store",),
    "reconcilers": ("store", "runtime.commands"),
    "engine": ("store", "runtime", "reconcilers"),
}
# Inside the engine, bottom to top: a floor imports only those below it and itself.
ENGINE = (
    "measures",
    "progress",
    "cel",
    "time",
    "state",
    "kinds",
    "admission",
    "commit",
    "webhooks",
    "policies",
    "auth",
    "usage",
    "host",
    "manifests",
    "pasts",
    "chronicle",
    "served",
    "client",
    "tallies",
    "cluster",
    "replay",
    "api",
    "tokens",
    "dns",
    "library",
    "testing",
    "begun",
    "options",
    "settings",
    "backups",
    "messages",
    "redaction",
    "notify",
    "daemon",
    "cli",
)
IMPURE = {
    "time",
    "random",
    "os",
    "asyncio",
    "anyio",
    "socket",
    "subprocess",
    "threading",
    "uuid",
    "secrets",
    "pathlib",
    "structlog",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    """The modules that a file imports, `shipslog.` left out; relative ones made absolute."""
    package = path.relative_to(ROOT).with_suffix("").parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names if node.level or module in ROOMS}
            if module.startswith("shipslog"):
                found |= {f"{module}.{alias.name}" for alias in node.names}
    return {module.removeprefix("shipslog.") for module in found}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_floors(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for module in imports(path):
        other = module.split(".")[0]
        if other in ROOMS and other != room:
            allowed = any(module == floor or module.startswith(f"{floor}.") for floor in FLOORS[room])
            parent = any(floor.startswith(f"{module}.") or floor == module for floor in FLOORS[room])
            assert allowed or parent, f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", [p for p in MODULES if name(p).startswith("engine/")], ids=name)
def test_floors_of_the_engine(path: Path) -> None:
    floor = path.relative_to(ROOT).with_suffix("").parts[1]
    if floor == "__init__":
        return
    for module in imports(path):
        other = module.split(".")[1:2] if module.startswith("engine.") else []
        if other and other[0] in ENGINE:
            assert ENGINE.index(other[0]) <= ENGINE.index(floor), f"{name(path)} imports {module}, a floor above it"


def test_every_room_says_what_belongs_there() -> None:
    silent = [name(p) for p in MODULES if p.name == "__init__.py" and not ast.get_docstring(ast.parse(p.read_text()))]
    assert not silent, f"these packages say nothing of what belongs in them: {silent}"


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))], ids=name)
def test_rooms_are_imported_by_their_full_name(path: Path) -> None:
    """`from store.x` would make a second class of the same name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert (node.module or "").split(".")[0] not in ROOMS, f"{name(path)}:{node.lineno}: write shipslog.{node.module}"
        elif isinstance(node, ast.Import):
            assert not {a.name.split(".")[0] for a in node.names} & set(ROOMS), f"{name(path)}:{node.lineno}"


@pytest.mark.parametrize("path", [p for p in MODULES if name(p).startswith("reconcilers/")], ids=name)
def test_reconcilers_are_pure(path: Path) -> None:
    assert not {module.split(".")[0] for module in imports(path)} & IMPURE
    tree = ast.parse(path.read_text())
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef | ast.Await)]
    assert "datetime.now" not in path.read_text() and "print(" not in path.read_text()


@pytest.mark.parametrize("path", [p for p in MODULES if not GENERATED.search(name(p))], ids=name)
def test_sizes(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES, f"{name(path)}: {node.name}"


def packed(path: Path) -> list[int]:
    """The lines of `# fmt: skip` that do not close a call of at most four lines of arguments, which builds a value."""
    text = path.read_text()
    marked = {n for n, line in enumerate(text.splitlines(), 1) if line.endswith("# fmt: skip")}
    for node in ast.walk(ast.parse(text)) if marked else ():
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Raise | ast.Expr):
            value = node.exc if isinstance(node, ast.Raise) else node.value
            while isinstance(value, ast.Await | ast.Yield):
                value = value.value
            if isinstance(value, ast.Call) and (value.end_lineno or 0) - value.lineno - 1 <= PACKED_LINES:
                marked.discard(value.end_lineno or 0)
    return sorted(marked)


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))], ids=name)
def test_only_the_arguments_of_a_value_are_packed(path: Path) -> None:
    assert not packed(path), f"{name(path)}: take `# fmt: skip` out of lines {packed(path)} and run `ruff format`"


@pytest.mark.parametrize(
    "text",
    [
        "def f(\n    a, b,\n): ...  # fmt: skip",
        "x = {\n    1: 2, 3: 4,\n}  # fmt: skip",
        "x = f(\n    1,\n    2,\n    3,\n    4,\n    5,\n)  # fmt: skip",
        "x = (\n    a if b\n    else c\n)  # fmt: skip",
    ],
)
def test_what_is_packed_otherwise_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(text)
    assert packed(tmp_path / "module.py")
    (tmp_path / "module.py").write_text("x = f(\n    a=1, b=2,\n    c=3,\n)  # fmt: skip\n")
    assert not packed(tmp_path / "module.py")


def test_nothing_is_left_for_later_or_points_at_a_machine() -> None:
    wrong = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|/home/\w|/work/|/tmp/venv|pypi\.org|pythonhosted")
    skipping = re.compile(r"mark\.(skip|xfail)|pytest\.xfail")
    for path in [*MODULES, *(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        if path == Path(__file__):
            continue
        text = path.read_text()
        assert not wrong.search(text), f"{name(path)}: {wrong.search(text)}"
        assert not skipping.search(text), name(path)


@pytest.mark.parametrize("path", [p for p in MODULES if name(p) != "store/tasks.py"], ids=name)
def test_every_task_has_an_owner_who_hears_its_end(path: Path) -> None:
    """A task that nobody holds may vanish, and what it raises is told to nobody, or when it is collected."""
    for node in ast.walk(ast.parse(path.read_text())):
        called = node.func if isinstance(node, ast.Call) else None
        word = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        assert word not in ("create_task", "ensure_future"), (
            f"{name(path)}:{node.lineno}: {word}: start it with `Tasks` of shipslog.store.tasks, which hears how it ends: "
            "`start` for what runs once, `keep` for what is to go on"
        )


def test_rooms_have_no_drawers_for_odds_and_ends() -> None:
    odd = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
    assert not [name(path) for path in MODULES if path.stem in odd]


def test_the_import_is_light() -> None:
    code = (
        "import sys, shipslog; print([m for m in ('aiohttp', 'cryptography', 'rich', 'yaml', 'sqlite3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)], ids=" ".join)
def test_the_checkers_are_content(command: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
