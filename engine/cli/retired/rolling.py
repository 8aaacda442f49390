"""The pods of one controller replaced by those of another, one at a time, from the client's side.

What was begun is noted in annotations, as kubectl noted it, so that whoever calls again goes on where the other was cut off, at
whatever line that was. The controllers keep the pods meanwhile. Source: kubectl of Kubernetes 1.5, rolling_updater.go.

Tests: tests/engine/cli/retired/test_rolling_update.py
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from shipslog.engine.cli.shared.remote import Refused

from .objects import CONTROLLER, POD, Objects, Value

SOURCE, DESIRED, ORIGINAL, NEXT = (
    f"kubectl.kubernetes.io/{name}"
    for name in ("update-source-id", "desired-replicas", "original-replicas", "next-controller-id")
)
PARTNER = "kubectl.kubernetes.io/update-partner"  # what kubectl before 1.0 had for the source
SUCCESSOR = "shipslog/renamed-from"  # on the controller that keeps its name: what its spec shall be, while the other goes
NOTES = (SOURCE, DESIRED, ORIGINAL, NEXT, PARTNER, SUCCESSOR)
SURGE = 1  # pods more than are wanted, at most; none less
TRIES = 8  # at a write that others come before
ASIDE_S = 10.0  # without progress, until it is said what is waited for, and again


class Pace(Struct, frozen=True, kw_only=True):
    """Seconds: between two steps, between two looks at a controller, and without any progress until it is given up."""

    update_s: float
    poll_s: float
    timeout_s: float


class NotRolled(ValueError):
    """What stands in the way; the message says what to do. What was done so far stays, and can be gone on with."""


class Rolling:
    """Rolls controllers of one namespace. `say` hears each step, `aside` now and then what is waited for.

    Errors of all: NotRolled, Refused, OSError."""

    def __init__(self, objects: Objects, pace: Pace, say: Callable[[str], None], aside: Callable[[str], None]) -> None:
        self._objects, self._pace, self._say, self._aside = objects, pace, say, aside
        self._aside_s = time.monotonic()  # of the last such word, or of progress

    def roll(self, old: Value, new: Value, *, rename: bool = False) -> None:
        """Replace the pods of `old` by those of `new`, which is made if it is not there, or gone on with; then delete `old`,
        or with `rename` let it be what `new` was."""
        new, old = self._begun(old, new)
        desired = _count(new, DESIRED)
        self._say(
            f"Scaling up {_name(new)} from {replicas(new)} to {desired}, scaling down {_name(old)} from {replicas(old)} to 0 "
            f"(keep {desired} pods available, don't exceed {desired + SURGE} pods)"
        )
        self._move(old, new, desired)
        new = self.synced(_name(new))
        if rename:
            self._say(f"Update succeeded. Deleting old controller: {_name(old)}")
            self._objects.patch(CONTROLLER, _name(old), noted({SUCCESSOR: msgspec.json.encode(new["spec"]).decode()}))
            self.rename(_name(new), _name(old))
            return
        self._say(f"Update succeeded. Deleting {_name(old)}")
        self._objects.delete(CONTROLLER, _name(old), uid=old["metadata"]["uid"])
        self.finish(_name(new))

    def finish(self, name: str) -> None:
        """Take the notes off a controller that is all that is left of an update."""
        self._objects.patch(CONTROLLER, name, noted(dict.fromkeys(NOTES)))

    def rename(self, new: str, name: str) -> None:
        """Let the controller `name`, which has no pods any more, be what its note says, and take over the pods of `new`, if
        that is there still. kubectl deleted it and made another; then a crash between the two lost both."""
        self._say(f"Renaming {new} to {name}")
        self._objects.delete(CONTROLLER, new, orphan=True)
        self._until(lambda: self._objects.get(CONTROLLER, new) is None, f"{new} to be deleted")
        for _ in range(TRIES):
            kept = self._there(name)
            notes = annotations(kept)
            if SUCCESSOR not in notes:
                return  # another has done it
            kept["spec"] = msgspec.json.decode(notes[SUCCESSOR])
            kept["metadata"]["annotations"] = {key: value for key, value in notes.items() if key not in NOTES}
            try:
                self._objects.replace(CONTROLLER, kept)
                return
            except Refused as error:
                if error.code != 409:
                    raise
        raise NotRolled(f"others change {name} all the time; call again to go on")

    def back(self, old: Value, new: Value) -> None:
        """Undo an update from `old` to `new` that is under way."""
        notes = annotations(old)
        if ORIGINAL not in notes:
            raise NotRolled(f'couldn\'t find original replica count of "{_name(old)}"')
        self._say(f'Setting "{_name(old)}" replicas to {notes[ORIGINAL]}')
        self._objects.patch(CONTROLLER, _name(old), noted({SOURCE: source_id(new), DESIRED: notes[ORIGINAL]}))
        self.roll(new, old)

    # --- inside ---

    def _begun(self, old: Value, new: Value) -> tuple[Value, Value]:
        """-> (new, old), both there and with their notes."""
        there = self._objects.get(CONTROLLER, _name(new))
        if there is None:
            if replicas(new) <= 0:
                raise NotRolled(f"Invalid controller spec for {_name(new)}; required: > 0 replicas, actual: {replicas(new)}")
            notes = annotations(new) | {DESIRED: str(replicas(new)), SOURCE: source_id(old)}
            made = {**new, "metadata": {**new["metadata"], "annotations": notes}, "spec": {**new["spec"], "replicas": 0}}
            there = self._objects.create(CONTROLLER, made)
            self._say(f"Created {_name(new)}")
        else:
            notes = annotations(there)
            if not (is_of(notes, old) and DESIRED in notes):
                raise NotRolled(
                    f"Missing/unexpected annotations for controller {_name(new)}, expected {source_id(old)}: "
                    f"{notes.get(SOURCE, 'none')}. It is not of this update: delete it, or name another"
                )
            self._say(f"Continuing update with existing controller {_name(new)}.")
        if ORIGINAL not in annotations(old):
            old = self._objects.patch(CONTROLLER, _name(old), noted({ORIGINAL: str(replicas(old))}))
        return there, old

    def _move(self, old: Value, new: Value, desired: int) -> None:
        deadline_s = time.monotonic() + self._pace.timeout_s
        while replicas(new) != desired or replicas(old) != 0:
            before = replicas(new), replicas(old)
            new = self._up(old, new, desired)
            time.sleep(self._pace.update_s)
            old = self._down(old, new, desired)
            if (replicas(new), replicas(old)) != before:
                self._aside_s = time.monotonic()
                deadline_s = self._aside_s + self._pace.timeout_s
                continue
            if time.monotonic() > deadline_s:
                raise NotRolled("timed out waiting for any update progress to be made; call again to go on, or with --rollback")
            if time.monotonic() - self._aside_s > ASIDE_S:
                self._tell(new)
            time.sleep(self._pace.poll_s)
            new, old = self._there(_name(new)), self._there(_name(old))  # others may have scaled them

    def _tell(self, controller: Value) -> None:
        """Which pods are waited for, and why they are not ready."""
        pods = self._objects.list(POD, controller["spec"]["selector"])
        open_ = [f"{_name(pod)}: {why}" for pod in pods if not _is_ready(pod) and (why := waits_for(pod))]
        self._aside(f"Waiting for {_name(controller)}: {'; '.join(open_[:3]) or 'its pods are not ready'}")
        self._aside_s = time.monotonic()

    def _up(self, old: Value, new: Value, desired: int) -> Value:
        room = desired - replicas(new) if replicas(old) == 0 else desired + SURGE - replicas(old) - replicas(new)
        target = min(replicas(new) + room, desired)
        return self._scaled(new, target, "up") if target > replicas(new) else new

    def _down(self, old: Value, new: Value, desired: int) -> Value:
        if replicas(old) == 0:
            return old
        ready = self._ready(new)
        spare = replicas(old) + ready - desired
        target = 0 if replicas(new) == ready == desired else max(replicas(old) - spare, 0)
        return self._scaled(old, target, "down") if spare > 0 else old

    def _ready(self, controller: Value) -> int:
        pods = self._objects.list(POD, controller["spec"]["selector"])
        return sum(_is_ready(pod) for pod in pods if "deletionTimestamp" not in pod["metadata"])

    def _scaled(self, controller: Value, target: int, way: str) -> Value:
        """Only from as many as it was seen to have: who else scales it is not undone."""
        try:
            self._objects.scale(_name(controller), replicas(controller), target)
        except Refused as error:
            if error.code not in (409, 422):
                raise
            return self._there(_name(controller))
        self._say(f"Scaling {_name(controller)} {way} to {target}")
        return self.synced(_name(controller))

    def synced(self, name: str) -> Value:
        """The controller, once it has as many pods as it shall."""
        found: Value = {}

        def synced() -> bool:
            nonlocal found
            found = self._there(name)
            status, generation = found.get("status", {}), found["metadata"].get("generation", 0)
            return bool(status.get("observedGeneration", 0) >= generation and status.get("replicas", 0) == replicas(found))

        self._until(synced, f'"{name}" to be synced')
        return found

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + self._pace.timeout_s
        while not holds():
            if time.monotonic() > deadline_s:
                raise NotRolled(f"timed out waiting for {what}; call again to go on")
            time.sleep(self._pace.poll_s)

    def _there(self, name: str) -> Value:
        found = self._objects.get(CONTROLLER, name)
        if found is None:
            raise NotRolled(f"{name} is gone: somebody has deleted it. Nothing more was changed")
        return found


def replicas(controller: Value) -> int:
    count: int = controller["spec"].get("replicas", 1)
    return count


def annotations(controller: Value) -> dict[str, str]:
    found: dict[str, str] = controller["metadata"].get("annotations") or {}
    return found


def noted(notes: dict[str, Any]) -> Value:
    """A merge patch of annotations; None takes one away."""
    return {"metadata": {"annotations": notes}}


def source_id(controller: Value) -> str:
    return f"{_name(controller)}:{controller['metadata']['uid']}"


def is_of(notes: dict[str, str], old: Value) -> bool:
    """Whether these are the notes of an update from `old`."""
    return notes.get(SOURCE) == source_id(old) or notes.get(PARTNER) == _name(old)


def _name(controller: Value) -> str:
    name: str = controller["metadata"]["name"]
    return name


def _count(controller: Value, annotation: str) -> int:
    text = annotations(controller).get(annotation, "")
    if not (text.isascii() and text.isdigit()):
        raise NotRolled(f"Unable to parse annotation for {_name(controller)}: {annotation}={text}")
    return int(text)


def _is_ready(pod: Value) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def waits_for(pod: Value) -> str:
    """Why a pod is not ready, as far as it says: `ErrImagePull: ...`, `Unschedulable: ...`, else its phase."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses", ()):
        for state in container.get("state", {}).values():
            if reason := state.get("reason"):
                return ": ".join(filter(None, (reason, state.get("message"))))
    for condition in status.get("conditions", ()):
        if condition["status"] == "False" and condition.get("reason"):
            return ": ".join(filter(None, (condition["reason"], condition.get("message"))))
    return str(status.get("phase", "Pending"))
