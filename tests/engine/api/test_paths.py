"""Every path of Kubernetes, with each of its verbs, asked of a server: how many it has, and which it does not have yet.

The list of paths is read where the folder with the facts of Kubernetes stands beside the checkout. The shares are printed.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import Client

FACTS = Path(__file__).resolve().parents[4] / "shared" / "reference" / "k8s-1.37-paths.json"
NOWHERE = ("the server could not find the requested resource", "404 page not found\n")
# What no API server of ours has yet, by group and resource: docs/limits.md says so too.
NOT_YET: tuple[str, ...] = ()


def resource_of(path: str) -> tuple[str, bool]:
    """("apps/v1/deployments/scale", whether its version is stable)"""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[1:]
    if parts and re.fullmatch(r"v\d\w*", parts[0]) is None and path.startswith("/api/"):
        parts = ["v1", *parts]
    version_at = next((i for i, part in enumerate(parts) if re.fullmatch(r"v\d+((alpha|beta)\d+)?", part)), -1)
    group = "/".join(parts[: version_at + 1]) or "v1"
    rest = [p for p in parts[version_at + 1 :] if p != "watch"]
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        rest = rest[2:]
    names = [p for p in rest if not p.startswith("{")]
    return "/".join([group, *names]), "beta" not in group


async def is_served(client: Client, path: str, action: str) -> bool:
    """Whether the server knows what is asked for. What it is asked for is not there, or wrong, so nothing is done."""
    method, what = action.split(":")
    where = re.sub(r"\{\w+\}", "nobody", path.replace("{namespace}", "default"))
    if what in ("watch", "watchlist"):
        where += "?watch=1&resourceVersion=x"  # refused where there is something to watch, and ends at once
    body: Any = None
    headers = {}
    if method in ("post", "put"):
        body, headers = b"{", {"Content-Type": "application/json"}
    elif method == "patch":
        body, headers = b"{}", {"Content-Type": "application/merge-patch+json"}
    if what == "deletecollection":
        where += "?labelSelector=no%3Dbody"
    code, answer = await client.call(method.upper(), where, body, headers=headers)
    if code == 405:
        return False
    message = answer.get("message", "") if isinstance(answer, dict) else str(answer)
    return not (code == 404 and message in NOWHERE)


async def test_how_many_paths_and_verbs_are_served(admin: Client, capsys: pytest.CaptureFixture[str]) -> None:
    if not FACTS.exists():
        pytest.skip("the folder with the paths of Kubernetes is not beside the checkout")
    served: dict[bool, list[str]] = {True: [], False: []}
    missing: dict[bool, list[str]] = {True: [], False: []}
    for path, told in json.loads(FACTS.read_text()).items():
        resource, stable = resource_of(path)
        if told["gvk"] is None:
            continue
        for action in told["actions"]:
            found = await is_served(admin, path, action)
            (served if found else missing)[stable].append(f"{resource} {action} {path}")
    for stable, name in ((True, "stable"), (False, "beta")):
        every = len(served[stable]) + len(missing[stable])
        with capsys.disabled():
            print(f"\n{name}: {len(served[stable])} of {every} verbs of paths are served ({len(served[stable]) / every:.1%})")
    late = re.compile("|".join(NOT_YET))
    unexpected = [line for line in missing[True] + missing[False] if not late.fullmatch(line.split()[0])]
    assert not unexpected, "\n".join(unexpected)
    come = [
        pattern for pattern in NOT_YET if not any(re.fullmatch(pattern, m.split()[0]) for m in missing[True] + missing[False])
    ]
    assert not come, f"served by now, take them out of NOT_YET: {come}"
