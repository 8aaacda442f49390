"""Numbers that people read."""

import pytest

from shipslog.store.wording import counted


@pytest.mark.parametrize(("number", "said"), [(0, "0 pods are"), (1, "1 pod is"), (2, "2 pods are"), (11, "11 pods are")])
def test_one_is_said_otherwise_than_many(number: int, said: str) -> None:
    assert counted(number, "pod is", "pods are") == said
