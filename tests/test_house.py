"""The house rules, kept by machine: floors, purity, sizes, and what must not be found anywhere."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("store", "runtime", "reconcilers", "engine")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
EVERYTHING = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]
GENERATED = re.compile(r"store/objects/types/\w+_v\d+((alpha|beta)\d+)?\.py$")
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
    "static_pods",
    "past",
    "replay",
    "chronicle",
    "served",
    "client",
    "tallies",
    "cluster",
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


class Module:
    """What the rules ask of a file; it is read, parsed and walked through once."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        tree = ast.parse(self.text)
        self.docstring = ast.get_docstring(tree)
        self.imports: list[tuple[int, str, tuple[str, ...]]] = []  # level (-1: `import a`), module, names
        self.import_lines: list[int] = []
        self.functions: list[tuple[str, int]] = []  # name, lines
        self.called: list[tuple[str, int]] = []  # name, line
        self.waits = False
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                word = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                self.called.append((word, node.lineno))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = tuple(alias.name for alias in node.names)
                of = (node.level, node.module or "") if isinstance(node, ast.ImportFrom) else (-1, "")
                self.imports.append((*of, names))
                self.import_lines.append(node.lineno)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.append((node.name, (node.end_lineno or 0) - node.lineno))
                self.waits = self.waits or isinstance(node, ast.AsyncFunctionDef)
            elif isinstance(node, ast.Await):
                self.waits = True
        self.holds = any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for n in tree.body)
        self.packed = packed(self.text, tree)


@cache
def module(path: Path) -> Module:
    return Module(path)


def imports(path: Path) -> set[str]:
    """The modules that a file imports, `shipslog.` left out; relative ones made absolute."""
    package = path.relative_to(ROOT).with_suffix("").parts
    found = set()
    for level, of, names in module(path).imports:
        if level < 0:
            found |= set(names)
            continue
        base = ".".join(package[: len(package) - level]) if level else ""
        imported = ".".join(part for part in (base, of) if part)
        found |= {imported} | {f"{imported}.{each}" for each in names if level or imported in ROOMS}
        if imported.startswith("shipslog"):
            found |= {f"{imported}.{each}" for each in names}
    return {each.removeprefix("shipslog.") for each in found}


def test_floors() -> None:
    for path in MODULES:
        room = path.relative_to(ROOT).parts[0]
        for imported in imports(path):
            other = imported.split(".")[0]
            if other in ROOMS and other != room:
                allowed = any(imported == floor or imported.startswith(f"{floor}.") for floor in FLOORS[room])
                parent = any(floor.startswith(f"{imported}.") or floor == imported for floor in FLOORS[room])
                assert allowed or parent, f"{name(path)} imports {imported}"


def test_floors_of_the_engine() -> None:
    for path in MODULES:
        room, floor, *_ = path.relative_to(ROOT).with_suffix("").parts
        if room != "engine" or floor == "__init__":
            continue
        for imported in imports(path):
            other = imported.split(".")[1:2] if imported.startswith("engine.") else []
            if other and other[0] in ENGINE:
                above = ENGINE.index(other[0]) > ENGINE.index(floor)
                assert not above, f"{name(path)} imports {imported}, a floor above it"


def test_every_room_says_what_belongs_there() -> None:
    silent = [name(p) for p in MODULES if p.name == "__init__.py" and not module(p).docstring]
    assert not silent, f"these packages say nothing of what belongs in them: {silent}"


def test_rooms_are_imported_by_their_full_name() -> None:
    """`from store.x` would make a second class of the same name."""
    for path in EVERYTHING:
        found = module(path)
        for (level, of, names), line in zip(found.imports, found.import_lines, strict=True):
            bare = {each.split(".")[0] for each in ((of,) if level == 0 else names if level < 0 else ())} & set(ROOMS)
            assert not bare, f"{name(path)}:{line}: write shipslog.{of or bare.pop()}"


def test_reconcilers_are_pure() -> None:
    for path in MODULES:
        if not name(path).startswith("reconcilers/"):
            continue
        impure = {imported.split(".")[0] for imported in imports(path)} & IMPURE
        assert not impure, f"{name(path)} imports {sorted(impure)}"
        found = module(path)
        assert not found.waits, f"{name(path)} waits"
        assert "datetime.now" not in found.text and "print(" not in found.text, name(path)


def test_sizes() -> None:
    for path in MODULES:
        if GENERATED.search(name(path)):
            continue
        found = module(path)
        assert found.text.count("\n") <= LINES, f"{name(path)} has more than {LINES} lines"
        long = [each for each, lines in found.functions if lines >= FUNCTION_LINES]
        assert not long, f"{name(path)}: {long} have {FUNCTION_LINES} lines or more"


def packed(text: str, tree: ast.Module) -> list[int]:
    """The lines of `# fmt: skip` that do not close a call of at most four lines of arguments, which builds a value."""
    marked = {n for n, line in enumerate(text.splitlines(), 1) if line.endswith("# fmt: skip")}
    for node in ast.walk(tree) if marked else ():
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Raise | ast.Expr):
            value = node.exc if isinstance(node, ast.Raise) else node.value
            while isinstance(value, ast.Await | ast.Yield):
                value = value.value
            if isinstance(value, ast.Call) and (value.end_lineno or 0) - value.lineno - 1 <= PACKED_LINES:
                marked.discard(value.end_lineno or 0)
    return sorted(marked)


def test_only_the_arguments_of_a_value_are_packed() -> None:
    for path in EVERYTHING:
        lines = module(path).packed
        assert not lines, f"{name(path)}: take `# fmt: skip` out of lines {lines} and run `ruff format`"


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
    assert Module(tmp_path / "module.py").packed
    (tmp_path / "module.py").write_text("x = f(\n    a=1, b=2,\n    c=3,\n)  # fmt: skip\n")
    assert not Module(tmp_path / "module.py").packed


def test_nothing_is_left_for_later_or_points_at_a_machine() -> None:
    wrong = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|/home/\w|/work/|/tmp/venv|pypi\.org|pythonhosted")
    skipping = re.compile(r"mark\.(skip|xfail)|pytest\.xfail")
    for path in [*MODULES, *(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        if path == Path(__file__):
            continue
        text = path.read_text()
        assert not wrong.search(text), f"{name(path)}: {wrong.search(text)}"
        assert not skipping.search(text), name(path)


def test_every_task_has_an_owner_who_hears_its_end() -> None:
    """A task that nobody holds may vanish, and what it raises is told to nobody, or when it is collected."""
    for path in MODULES:
        started = [line for word, line in module(path).called if word in ("create_task", "ensure_future")]
        assert not started or name(path) == "store/tasks.py", (
            f"{name(path)}:{started[0]}: start it with `Tasks` of shipslog.store.tasks, which hears how it ends: "
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
