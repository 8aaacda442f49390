"""How a checker says that a promise was not kept.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""


class Broken(AssertionError):
    """A promise was not kept. `checker`: the module that noticed."""

    def __init__(self, checker: str, what: str) -> None:
        self.checker = checker.rpartition(".")[2]
        super().__init__(f"{self.checker}: {what}")


def require(holds: object, checker: str, what: str) -> None:
    """Errors: Broken."""
    if not holds:
        raise Broken(checker, what)
