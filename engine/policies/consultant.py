"""Asks policies about commands, before webhooks are asked: those that change first, those that may only refuse at the end."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec

from shipslog.engine.admission.matching import Asked, equivalents, is_exempt, place_of
from shipslog.engine.commit.outside import Asking, Convert
from shipslog.engine.commit.preparation import Readings, resource_of
from shipslog.engine.commit.transitions import Evaluation, Wanted
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.long_work import SHORT_BYTES, LongWork, TakesLong
from shipslog.engine.webhooks import subjects
from shipslog.engine.webhooks.match_conditions import Authorize, authorizers
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.objects.scheme import Kind, NotServed
from shipslog.store.refusals import Forbidden, Refusal
from shipslog.store.state import Entry

from . import mutating, validating
from .bound import MUTATING, VALIDATING, Bound, Unusable, bound, may_mean, params_of
from .facts import activation
from .programs import Failed, Programs

ENGINE = "system:engine"
SORT = "policies"
FAILURE = "validation.policy.admission.k8s.io/validation_failure"


class AdmissionPolicies:
    """A Consultant: see `commit.outside`."""

    def __init__(self, authorize: Authorize, convert: Convert) -> None:
        self._authorize, self._shown, self._long = authorize, subjects.Shown(convert), LongWork("shipslog-policies")
        self._programs: dict[tuple[str, str], Programs] = {}  # by uid and resource version of the policy
        self._concerned: dict[tuple[str, str, tuple[str, ...]], bool] = {}
        self._scheme: object = None

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """An event became durable."""
        if isinstance(event.fact, ObjectFact) and event.fact.resource in (*VALIDATING, *MUTATING):
            self._concerned, self._programs = {}, {}

    def concerns(self, command: AnyObjectCommand, view: MemoryView, actor: str) -> bool:
        if actor == ENGINE:
            return False
        try:
            key = resource_of(command, view), subjects.subresource_of(command), subjects.operations_of(command)
        except NotServed:
            return False  # that is said when it is evaluated
        if self._scheme is not view.scheme:
            self._scheme, self._concerned = view.scheme, {}
        found = self._concerned.get(key)
        if found is None:
            found = self._concerned[key] = _may_concern(view, *key)
        return found

    # --- changing ---

    async def change(self, wanted: Wanted, asking: Asking) -> Wanted:
        asked = subjects.asked_of(wanted, asking)
        if asked.object is None or is_exempt(asked) or not asking.view.count(MUTATING[0]):
            return wanted
        if not any(True for _ in bound(asking.view, MUTATING, asked)):
            return wanted
        return await subjects.changed(SORT, wanted, asked, asking, self._mutated)

    async def mutate(self, asked: Asked, kind: Kind, asking: Asking) -> Any:
        """What is sent with a request that is no command, perhaps changed. Errors: Refusal."""
        if asked.object is None or is_exempt(asked):
            return asked.object
        made = asking.rounds.of(SORT).left = await self._mutated(asked, kind, asking)
        return made

    async def _mutated(self, asked: Asked, kind: Kind, asking: Asking) -> Any:
        """The object as they want it, in this round."""
        number, so_far = asking.rounds.number, asking.rounds.of(SORT)
        so_far.begin(asked.object, number)
        for one in bound(asking.view, MUTATING, asked):
            name = f"{one.policy.metadata.name}/{one.binding.metadata.name}"
            if not so_far.is_due(name, number):
                continue
            changed = await self._one(one, asked, kind, asking)
            if changed is not None:
                asked = msgspec.structs.replace(asked, object=changed)
                so_far.has_changed()
            if one.policy.spec.reinvocation_policy == "IfNeeded":
                so_far.may_be_asked_again(name)
        return asked.object

    async def _one(self, one: Bound, asked: Asked, kind: Kind, asking: Asking) -> Any:
        """The object as one policy wants it; None where it wants nothing. Errors: Forbidden."""
        programs = self._compiled(one, mutating.compiled)
        scheme, own = asking.view.scheme, subjects.is_own(asked)
        shown = kind if own else scheme.in_version(kind, one.place.api_version)
        try:
            before = asked.object
            for param in params_of(asking.view, one.policy.spec.param_kind, one.binding.spec.param_ref, asked.namespace):
                made = await self._run(mutating.mutated, (one, programs, param), asked, kind, asking, one, (shown,))
                if made is None:
                    continue
                try:
                    obj = await self._shown.decoded(made, asked.object, kind, one.place, asking, own)
                except Refusal as refusal:
                    raise Failed(f"failed to decode what it makes: {refusal.message}") from refusal
                asked = msgspec.structs.replace(asked, object=obj)
        except (Failed, Unusable) as failure:
            if one.policy.spec.failure_policy == "Ignore":
                return None
            raise _refused(
                asked,
                f"MutatingAdmissionPolicy '{one.policy.metadata.name}' with binding "
                f"'{one.binding.metadata.name}' denied request: {failure}",
            ) from failure
        if asked.object == before:
            return None
        noted = {"policy": one.policy.metadata.name, "binding": one.binding.metadata.name, "mutated": True}
        key = f"mutation.policy.admission.k8s.io/round_{asking.rounds.number}_{one.policy.metadata.name}"
        asking.annotations[key[:253]] = json.dumps(noted, separators=(",", ":"))
        return asked.object

    # --- refusing ---

    async def check(self, wanted: Wanted, change: Evaluation, asking: Asking) -> None:
        """Errors: Refusal, what the first of them denies."""
        if asking.view.count(VALIDATING[0]):
            await self.validate(subjects.outcome_of(subjects.asked_of(wanted, asking), wanted, change), wanted.kind, asking)

    async def validate(self, asked: Asked, kind: Kind, asking: Asking) -> None:
        """Errors: Refusal, what the first of them denies."""
        if is_exempt(asked):
            return
        denied: list[tuple[Bound, validating.Finding]] = []
        failures: list[str] = []
        for one in bound(asking.view, VALIDATING, asked):
            verdict = await self._verdict(one, asked, kind, asking)
            actions = one.binding.spec.validation_actions
            for finding in verdict.findings:
                if "Deny" in actions:
                    denied.append((one, finding))
                if "Warn" in actions:
                    names = f"'{one.policy.metadata.name}' with binding '{one.binding.metadata.name}'"
                    asking.warn(f"Validation failed for ValidatingAdmissionPolicy {names}: {finding.message}")
                if "Audit" in actions:
                    failures.append(validating.failure_note(one, finding))
            asking.annotations.update(verdict.notes)
        if failures:
            asking.annotations[FAILURE] = f"[{','.join(failures)}]"[: validating.MOST_NOTED]
        if denied:
            raise _denied(asked, *denied[0])

    async def _verdict(self, one: Bound, asked: Asked, kind: Kind, asking: Asking) -> validating.Verdict:
        spec = one.policy.spec
        try:
            params = params_of(asking.view, spec.param_kind, one.binding.spec.param_ref, asked.namespace)
        except Unusable as failure:
            message = f"failed to configure binding: {failure}"
            return validating.Verdict([validating.Finding(message)] if spec.failure_policy != "Ignore" else [], {})
        programs = self._compiled(one, validating.compiled)
        verdict = await self._run(validating.judged, (one, programs, params), asked, kind, asking, one, ())
        assert isinstance(verdict, validating.Verdict)
        return verdict

    # --- running ---

    def _compiled(self, one: Bound, compile_: Callable[[Any], Programs]) -> Programs:
        meta = one.policy.metadata
        found = self._programs.get((meta.uid, meta.resource_version))
        if found is None:
            found = self._programs[meta.uid, meta.resource_version] = compile_(one.policy)
        return found

    async def _run(
        self, work: Callable[..., Any], first: tuple[Any, ...], asked: Asked, kind: Kind, asking: Asking, one: Bound, last: Any
    ) -> Any:
        """At once; in a thread where it takes long."""
        view, own = asking.view, subjects.is_own(asked)
        new = await self._shown.encoded(asked.object, kind, one.place, asking, own)
        old = await self._shown.encoded(asked.old_object, kind, one.place, asking, own)
        facts = activation(asked, one.place, asking, lambda who, question: self._authorize(who, question, view), new, old)
        try:
            return work(*first, facts, *last)
        except TakesLong:
            readings = Readings(view)
            aside = {**facts, **authorizers(asked, asking, lambda who, question: self._authorize(who, question, readings))}
            try:
                return await self._long.run(SHORT_BYTES + 1, work, *first, aside, *last)
            finally:
                readings.end()

    async def close(self) -> None:
        self._long.close()
        await asyncio.sleep(0)


def _may_concern(view: MemoryView, resource: str, part: str, operations: tuple[str, ...]) -> bool:
    """Whether there is a bound policy that means requests of that sort, in whatever version."""
    place = place_of(view.scheme.by_resource(resource), part)
    places = (place, *equivalents(view.scheme, place, part))
    requests = [Asked(operation=o, place=p, subresource=part) for o in operations for p in places]
    for policies, bindings in (VALIDATING, MUTATING):
        named = {entry.object.spec.policy_name for entry in view.entries(bindings)}
        for entry in view.entries(policies):
            if entry.object.metadata.name in named and any(may_mean(entry.object, view.scheme, one) for one in requests):
                return True
    return False


def _refused(asked: Asked, why: str) -> Forbidden:
    place = asked.place
    what = f"{place.resource}.{place.group}" if place.group else place.resource
    message = f'{what} "{asked.name}" is forbidden: {why}' if asked.name else f"{what} is forbidden: {why}"
    return Forbidden(message, name=asked.name, group=place.group, kind=place.resource)


def _denied(asked: Asked, one: Bound, finding: validating.Finding) -> validating.Denied:
    message = (
        f"ValidatingAdmissionPolicy '{one.policy.metadata.name}' with binding '{one.binding.metadata.name}' denied request: "
    )
    message += finding.message
    refused = _refused(asked, message)
    return validating.Denied(refused.message, finding.reason, refused.group, refused.kind, refused.name, message)
