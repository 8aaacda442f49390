"""Every decision on the way of the house says what was rejected, and how one would know that it was wrong."""

import re
from pathlib import Path

import pytest

ADRS = sorted((Path(__file__).parents[2] / "docs/adr").glob("*.md"))
SECTIONS = ("Context", "Decision", "Rejected", "How we would know that we were wrong")


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.name)
def test_it_has_the_sections_and_each_says_something(path: Path) -> None:
    title, *parts = re.split(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)
    said = dict(zip(parts[::2], parts[1::2], strict=True))
    assert [name for name in said if name in SECTIONS] == list(SECTIONS), f"{path.name}: sections {SECTIONS}, in that order"
    assert not [name for name in SECTIONS if len(said[name].split()) < 5], path.name
    assert title.startswith(f"# {int(path.name[:4])}. "), path.name


def test_no_number_is_given_twice() -> None:
    numbers = [path.name[:4] for path in ADRS]
    assert numbers and len(set(numbers)) == len(numbers)
