"""Replays the recorded requests of the kinds that admission knows: same code, same causes, every recorded field."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import Refusal

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "apigold" / "golden"
SCENARIOS = ("invalid-*.json", "defaults-*.json", "crud-*.json", "dryrun-all.json")
# What a newer release than the recorded one (1.21) answers, and which it was: docs/limits.md says so too.
NEWER = {
    "defaults-controllers daemon set rolling with nothing unavailable": (  # 1.25: there may be more in the meantime
        "causes ['FieldValueRequired spec.updateStrategy.rollingUpdate.maxUnavailable'] instead of "
        "['FieldValueInvalid spec.updateStrategy.rollingUpdate.maxUnavailable']"
    ),
    "defaults-workloads job": ".spec.selector.matchLabels.controller-uid is missing",  # 1.27: it has a prefix
    "crud-job create": ".spec.selector.matchLabels.controller-uid is missing",
}
STORE_ONLY = {409, 404}  # what the commit pipeline decides, not admission


def differences(found: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Where a recorded value is missing or differs; generated ones only have to be there."""
    if isinstance(wanted, str) and ("<" in wanted or "${" in wanted or "kube-api-access" in wanted or "gold-" in wanted):
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if key in ("resourceVersion", "only"):
                continue
            if key not in found:
                yield f"{path}.{key} is missing"
            else:
                yield from differences(found[key], value, f"{path}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for i, (f, w) in enumerate(zip(found, wanted, strict=True)):
            yield from differences(f, w, f"{path}[{i}]")
    elif found != wanted:
        yield f"{path}: {found!r} instead of {wanted!r}"


def replay(world: Any, step: dict[str, Any], captured: dict[str, Any]) -> str:
    """ "" or what is wrong."""
    request, response = step["request"], step["response"]
    method, _, path = request["do"].partition(" ")
    parts = path.partition("?")[0].split("/")
    plural = parts[-1] if method == "POST" else parts[-2]
    if method == "DELETE" and plural in world.kinds:
        entry = world.view.entry(world.kinds[plural].resource, parts[-1], world.namespace)
        if entry is not None and response["code"] == 200 and not entry.object.metadata.finalizers:
            world.drop(entry.object)
        return ""
    if method != "POST" or plural not in world.kinds or response["code"] in STORE_ONLY or "dryRun=Some" in path:
        return ""
    text = json.dumps(request["body"])
    for name, value in captured.items():
        text = text.replace(f'"${{{name}}}"', json.dumps(value))
    body = json.loads(text.replace("${id}", "x").replace("${ns}", world.namespace))
    asked = BUILTIN.by_gvk(body.get("apiVersion", ""), body.get("kind", ""))
    if asked is not None and asked.hub is not None:  # another version than the stored one
        body = codec.to_builtins(asked.to_hub(codec.from_builtins(asked.type, body, validation="Ignore")[0]))
    try:
        made = world.create(plural, body, keep="dryRun" not in path)
    except Refusal as refusal:
        if refusal.code != response["code"]:
            return f"{refusal.code} instead of {response['code']}: {refusal.message}"
        wanted = response["body"].get("details", {}).get("causes", [])
        found = sorted({f"{c.reason} {c.field}".strip() for c in refusal.causes})
        exact = "causes" not in request.get("ignore", [])
        return f"causes {found} instead of {wanted}" if exact and refusal.code == 422 and found != wanted else ""
    if response["code"] != 201:
        return f"accepted instead of {response['code']}"
    for name, where in request.get("capture", {}).items():
        if where == "spec.clusterIP":
            captured[name] = made.spec.cluster_ip
        elif "nodePort" in where:
            captured[name] = made.spec.ports[0].node_port
    return "; ".join(
        differences(json.loads(codec.encode(asked.from_hub(made) if asked is not None else made)), response["body"])
    )


def test_recorded_requests_are_answered_alike(world: Any) -> None:
    wrong, count = [], 0
    for pattern in SCENARIOS:
        for file in sorted(GOLDEN.glob(pattern)):
            fresh, captured = type(world)("gold-x"), {}
            for i, step in enumerate(json.loads(file.read_text())["steps"]):
                if isinstance(step["request"].get("body"), dict) or step["request"]["do"].startswith("DELETE"):
                    count += 1
                    problem = replay(fresh, step, captured)
                    if problem and problem != NEWER.get(f"{file.stem} {step['name']}"):
                        wrong.append(f"{file.stem}[{i}] {step['name']}: {problem}")
    assert not wrong, "\n".join(wrong)
    assert count > 150 or not GOLDEN.exists()
