"""Completion indexes as people and controllers write them: `1,3-5,7`, each beyond the one before.

Tests: tests/engine/kinds/batch/test_jobs.py, tests/engine/kinds/batch/test_job_status.py
"""

DIGITS = 10  # of the largest number of completions
TWO_PARTS = "violates the requirement that an index interval can have at most two parts separated by '-'"


def spans(text: str, below: int | None) -> list[tuple[int, int]]:
    """(first, last) of each part. Errors: ValueError, with what is wrong, also for an index that is not under `below`."""
    found: list[tuple[int, int]] = []
    last = -1
    for part in text.split(",") if text else ():
        ends = part.split("-")
        if len(ends) > 2:
            raise ValueError(f'the fragment "{part}" {TWO_PARTS}')
        span: list[int] = []
        for end in ends:
            if not (end.isascii() and end.isdigit()):
                raise ValueError(f'cannot convert string to integer for index: "{end}"')
            at = int(end) if len(end) <= DIGITS else 10**DIGITS
            if at <= last:
                raise ValueError(f"non-increasing order, previous: {last}, current: {end}")
            if below is not None and at >= below:
                raise ValueError(f'too large index: "{end}"')
            span.append(last := at)
        found.append((span[0], span[-1]))
    return found


def overlap(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> int | None:
    """The first index that is in both; each list is in order."""
    at = 0
    for first, last in some:
        while at < len(others) and others[at][1] < first:
            at += 1
        if at < len(others) and others[at][0] <= last:
            return max(first, others[at][0])
    return None
