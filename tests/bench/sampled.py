"""`python -m tests.bench.sampled up ...`: the daemon, which looks now and then at what it is doing.

A timer counts its CPU time, and each time it ends a stage of a request is counted: that of the innermost frame that belongs to
one. On SIGUSR2 the counts are written to the file that SHIPSLOG_SAMPLES names, and begin anew.
"""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_S = 0.002
# Where a frame belongs, by a part of its file's path; the first that fits.
STAGES = {
    "HTTP and TLS": ("/aiohttp/", "/asyncio/", "/ssl.py", "/engine/auth/connection.py", "/engine/api/replies.py"),
    "lists": ("/engine/api/lists.py",),
    "watches": ("/engine/api/watches.py", "/engine/commit/watch.py", "/engine/api/outlets.py"),
    "managed fields": ("/engine/commit/ownership.py", "/store/objects/field_sets.py", "/store/objects/structured.py"),
    "request": ("/engine/api/", "/engine/auth/"),
    "protobuf": ("/store/objects/protobuf",),
    "making objects": ("/store/objects/scalars.py",),
    "JSON": ("/store/objects/",),
    "admission": ("/engine/admission/", "/engine/kinds/", "/engine/cel/", "/engine/policies/", "/engine/webhooks/"),
    "evaluation and commit": ("/engine/commit/",),
    "views": ("/engine/state/",),
    "rules": ("/engine/host/", "/reconcilers/"),
    "log": ("/store/", "/aiosqlite/"),
}
_counts: Counter[str] = Counter()


def stage_of(frame: FrameType | None) -> str:
    """What a thread is at."""
    while frame is not None:
        path = frame.f_code.co_filename
        for stage, parts in STAGES.items():
            if any(part in path for part in parts):
                return stage
        frame = frame.f_back
    return "event loop"


def _sample(signum: int, frame: FrameType | None) -> None:
    _counts[stage_of(frame)] += 1


def _write(signum: int, frame: FrameType | None) -> None:
    path = Path(os.environ["SHIPSLOG_SAMPLES"])
    whole = path.with_suffix(".new")
    whole.write_text(json.dumps(_counts))
    whole.rename(path)
    _counts.clear()


def main() -> None:
    from shipslog.engine.cli import main as cli

    signal.signal(signal.SIGPROF, _sample)
    signal.signal(signal.SIGUSR2, _write)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    cli(prog_name="shipslog")


if __name__ == "__main__":
    main()
