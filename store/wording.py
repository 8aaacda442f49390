"""How numbers are said to people: `1 pod is`, `2 pods are`.

Tests: tests/store/test_wording.py
"""


def counted(number: int, one: str, many: str) -> str:
    """A number with the word for one of them, or for any other number of them: `counted(1, "pod", "pods")` is "1 pod"."""
    return f"{number} {one if number == 1 else many}"
