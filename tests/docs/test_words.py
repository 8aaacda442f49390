"""What the documents name exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = {
    path: path.read_text() for room in ("engine", "store", "runtime", "reconcilers") for path in (ROOT / room).rglob("*.py")
}


DOCUMENTS = (
    "life-of-an-event.md",
    "service-proxy.md",
    "admission.md",
    "errors.md",
    "glossary.md",
    "how-to-add-a-kind.md",
    "architecture.md",
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_and_paths_exist(document: str) -> None:
    text = (ROOT / "docs" / document).read_text()
    for name in re.findall(r"`([\w./]+)`", text):
        if "/" in name:
            if name.split("/")[0] in ("engine", "store", "runtime", "reconcilers"):
                assert (ROOT / name).exists(), f"{document} names {name}"
        elif re.fullmatch(r"[A-Z]\w+(\.\w+)?", name):
            for part in name.split("."):
                assert any(
                    re.search(rf"\b(class|def|async def) {part}\b", s) or re.search(rf"\b{part}\b", s) for s in SOURCE.values()
                )


def test_the_readme_links_to_what_is_there() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_readme_names_commands_that_are_there() -> None:
    from shipslog.engine.cli import COMMANDS

    named = set(re.findall(r"shipslog ([\w-]*\w)", (ROOT / "README.md").read_text())) - {"import"}
    assert named <= set(COMMANDS)


def test_every_invariant_names_a_test_that_is_there() -> None:
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", (ROOT / "docs" / "invariants.md").read_text())
    assert len(named) > 20
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or re.search(rf"def {test}\b", (ROOT / path).read_text()), f"{path} has no {test}"
