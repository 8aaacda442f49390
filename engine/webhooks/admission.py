"""Asks admission webhooks: one after the other those that may change what is asked for, at once those that may only refuse it.

Source: the mutating and validating dispatchers of k8s.io/apiserver/pkg/admission/plugin/webhook, by what they answer.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipslog.engine.admission.matching import Asked, Place, by_object, equivalents, in_namespaces, is_exempt, meant, place_of
from shipslog.engine.commit.outside import Asking, Convert
from shipslog.engine.commit.preparation import resource_of
from shipslog.engine.commit.transitions import Evaluation, Wanted
from shipslog.engine.measures import Family
from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.logger import logger
from shipslog.store.objects.scheme import Kind, NotServed
from shipslog.store.objects.types.admissionregistration_v1 import MutatingWebhook, ValidatingWebhook
from shipslog.store.refusals import Refusal
from shipslog.store.state import Entry

from . import reviews, subjects
from .calling import Callee, Caller, CallFailed, authority_of
from .gate import CONFIGURATIONS
from .match_conditions import Authorize, hold, variables_of
from .tallies import Tallies

ENGINE = "system:engine"  # what the engine itself keeps is no request: it must not wait for pods that it has yet to start
TIMEOUT_S = 10
SORTS = 4096  # of requests for which it is kept whom they concern
DRY = ("None", "NoneOnDryRun")
SORT = "webhooks"

log = logger(__name__)


class Hook(Struct, frozen=True):
    """One webhook of one configuration."""

    configuration: str
    webhook: MutatingWebhook | ValidatingWebhook
    uid: str  # which one it is, by name and place

    @property
    def name(self) -> str:
        return self.webhook.name

    @property
    def callee(self) -> Callee:
        """Where it is. Errors: CallFailed."""
        client = self.webhook.client_config
        authority = authority_of(client.ca_bundle)
        if client.service is None:
            return Callee(url=client.url or "", authority=authority)
        service = client.service
        return Callee(
            namespace=service.namespace, service=service.name, port=443 if service.port is None else service.port,
            path=service.path or "", authority=authority,
        )  # fmt: skip


class Hooks(Struct, frozen=True):
    """All that there are, in the order in which they are asked."""

    mutating: tuple[Hook, ...] = ()
    validating: tuple[Hook, ...] = ()


class Meant(Struct, frozen=True):
    """A webhook that is to be asked about a request, and in which version the request is shown to it."""

    hook: Hook
    at: int  # its place among all
    place: Place


Numbered = tuple[int, Hook]


class AdmissionWebhooks:
    """A Consultant: see `commit.outside`."""

    def __init__(self, caller: Caller, authorize: Authorize, convert: Convert) -> None:
        self._caller, self._authorize, self._shown, self.tallies = caller, authorize, subjects.Shown(convert), Tallies()
        self._hooks: Hooks | None = None
        self._concerned: dict[tuple[bool, str, str, tuple[str, ...]], tuple[Numbered, ...]] = {}
        self._scheme: object = None  # for which that was worked out

    # --- who there is ---

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """An event became durable."""
        if isinstance(event.fact, ObjectFact) and event.fact.resource in CONFIGURATIONS:
            self._hooks = None

    def hooks(self, view: MemoryView) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks(*(_hooks(view, resource) for resource in CONFIGURATIONS))
            self._concerned = {}
        return self._hooks

    def concerns(self, command: AnyObjectCommand, view: MemoryView, actor: str) -> bool:
        hooks = self.hooks(view)
        if not (hooks.mutating or hooks.validating) or actor == ENGINE:
            return False
        try:
            key = resource_of(command, view), subjects.subresource_of(command), subjects.operations_of(command)
        except NotServed:
            return False  # that is said when it is evaluated
        return bool(self._meaning(view, True, *key) or self._meaning(view, False, *key))

    def _meaning(
        self, view: MemoryView, mutating: bool, resource: str, subresource: str, operations: tuple[str, ...]
    ) -> tuple[Numbered, ...]:
        """Those that may be asked about such requests, with their places among all: worked out once, however many there are."""
        hooks = self.hooks(view)
        if self._scheme is not view.scheme or len(self._concerned) > SORTS:
            self._scheme, self._concerned = view.scheme, {}
        key = mutating, resource, subresource, operations
        found = self._concerned.get(key)
        if found is None:
            sort = hooks.mutating if mutating else hooks.validating
            requests = _requests(view, resource, subresource, operations)
            found = tuple((at, hook) for at, hook in enumerate(sort) if _may_mean(hook, requests, view))
            self._concerned[key] = found
        return found

    def _meant_by(self, asked: Asked, kind: Kind, asking: Asking, *, mutating: bool) -> tuple[Numbered, ...]:
        if asking.actor == ENGINE or is_exempt(asked):
            return ()
        return self._meaning(asking.view, mutating, kind.resource, asked.subresource, (asked.operation,))

    # --- asking about commands ---

    async def change(self, wanted: Wanted, asking: Asking) -> Wanted:
        asked = subjects.asked_of(wanted, asking)
        hooks = self._meant_by(asked, wanted.kind, asking, mutating=True)
        if not any(self._rules_mean(hook, asked, asking) for _, hook in hooks):
            return wanted
        return await subjects.changed(SORT, wanted, asked, asking, partial(self._mutated, hooks))

    async def check(self, wanted: Wanted, change: Evaluation, asking: Asking) -> None:
        asked = subjects.asked_of(wanted, asking)
        if hooks := self._meant_by(asked, wanted.kind, asking, mutating=False):
            await self._validated(hooks, subjects.outcome_of(asked, wanted, change), wanted.kind, asking)

    async def mutate(self, asked: Asked, kind: Kind, asking: Asking) -> Any:
        hooks = self._meant_by(asked, kind, asking, mutating=True)
        made = asking.rounds.of(SORT).left = await self._mutated(hooks, asked, kind, asking)
        return made

    async def validate(self, asked: Asked, kind: Kind, asking: Asking) -> None:
        await self._validated(self._meant_by(asked, kind, asking, mutating=False), asked, kind, asking)

    # --- the two ways ---

    async def _mutated(self, hooks: Sequence[Numbered], asked: Asked, kind: Kind, asking: Asking) -> Any:
        """The object as they want it, in this round."""
        number, so_far = asking.rounds.number, asking.rounds.of(SORT)
        so_far.begin(asked.object, number)
        for at, hook in hooks:
            if not so_far.is_due(hook.uid, number) or (place := await self._meant(hook, asked, kind, asking)) is None:
                continue
            changed = await self._one(Meant(hook, at, place), asked, kind, asking)
            if changed is not None:
                asked = replace(asked, object=changed)
                so_far.has_changed()
            if getattr(hook.webhook, "reinvocation_policy", None) == "IfNeeded":
                so_far.may_be_asked_again(hook.uid)
        return asked.object

    async def _one(self, one: Meant, asked: Asked, kind: Kind, asking: Asking) -> Any:
        """The object as one wants it; None where he wants nothing."""
        own, hook = subjects.is_own(asked), one.hook
        place = f"round_{asking.rounds.number}_index_{one.at}"
        answer = await self._call(one, asked, kind, asking, "admit", f"failed-open.mutating.webhook.admission.k8s.io/{place}")
        if answer is None or not answer.patch:
            return None
        if asked.object is None:
            why = f'admission webhook "{hook.name}" attempted to modify the object, which is not supported for this operation'
            raise reviews.internal(why)
        before = await self._shown.encoded(asked.object, kind, one.place, asking, own)
        after = reviews.patched(msgspec.json.decode(before), answer.patch)
        try:
            made = await self._shown.decoded(after, asked.object, kind, one.place, asking, own)
        except Refusal as refusal:
            raise reviews.internal(refusal.message) from refusal
        mutated = made != asked.object
        noted = {"configuration": hook.configuration, "webhook": hook.name, "mutated": mutated}
        asking.annotations[f"mutation.webhook.admission.k8s.io/{place}"] = json.dumps(noted, separators=(",", ":"))
        return made if mutated else None

    async def _validated(self, hooks: Sequence[Numbered], asked: Asked, kind: Kind, asking: Asking) -> None:
        """Errors: Refusal, the first in the order of the webhooks, when all have answered."""
        places = [await self._meant(hook, asked, kind, asking) for _, hook in hooks]
        found = [Meant(hook, at, place) for (at, hook), place in zip(hooks, places, strict=True) if place is not None]
        if not found:
            return
        opened = "failed-open.validating.webhook.admission.k8s.io/round_0_index_{}"
        answers = await asyncio.gather(
            *(self._call(one, asked, kind, asking, "validating", opened.format(one.at)) for one in found),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _call(
        self, one: Meant, asked: Asked, kind: Kind, asking: Asking, sort: str, opened: str
    ) -> reviews.Answer | None:
        """What one says; None where he could not be asked and that does not matter. Errors: Refusal."""
        hook, began_s, code, rejected, error = one.hook, time.perf_counter(), 200, True, ""
        try:
            answer = await self._answer(one, asked, kind, asking, mutating=sort == "admit")
            if not answer.allowed:
                denial = reviews.denied(hook.name, answer.status)
                code, error = denial.code, "no_error"
                raise denial
            rejected = False
            return answer
        except CallFailed as failure:
            code, error = failure.code or 503, "calling_webhook_error"
            if hook.webhook.failure_policy == "Ignore":
                rejected = False
                log.warning("webhook_failed_open", webhook=hook.name, why=str(failure))
                self.tallies.failed_open(hook.name, sort)
                asking.annotations[opened] = hook.name
                return None
            log.warning("webhook_failed", webhook=hook.name, why=str(failure))
            raise reviews.not_called(hook.name, str(failure)) from failure
        except Refusal as refusal:
            code, error = refusal.code, error or "apiserver_internal_error"
            raise
        finally:
            took_s = time.perf_counter() - began_s
            self.tallies.called(hook.name, sort, asked.operation, code, took_s, error if rejected else "")

    async def _answer(self, one: Meant, asked: Asked, kind: Kind, asking: Asking, *, mutating: bool) -> reviews.Answer:
        """Errors: CallFailed, Refusal."""
        webhook, own = one.hook.webhook, subjects.is_own(asked)
        if asking.dry_run and webhook.side_effects not in DRY:
            raise reviews.no_dry_run(one.hook.name)
        new = await self._shown.encoded(asked.object, kind, one.place, asking, own)
        old = await self._shown.encoded(asked.old_object, kind, one.place, asking, own)
        version = reviews.version_of(webhook.admission_review_versions)
        uid, body = reviews.question(version, asked, one.place, asking, new, old)
        timeout_s = TIMEOUT_S if webhook.timeout_seconds is None else webhook.timeout_seconds
        try:
            value = await self._caller.ask(one.hook.callee, body, view=asking.view, timeout_s=timeout_s)
        except CallFailed as failure:
            raise CallFailed(f"failed to call webhook: {failure}", failure.code) from failure
        answer = reviews.answer(value, uid, version, mutating=mutating)
        asking.annotations.update({f"{one.hook.name}/{key}": text for key, text in answer.annotations.items()})
        for line in answer.warnings:
            asking.warn(line)
        return answer

    # --- whom a request concerns ---

    def _rules_mean(self, hook: Hook, asked: Asked, asking: Asking) -> bool:
        return meant(hook.webhook.rules, hook.webhook.match_policy, asked, asking.view.scheme) is not None

    async def _meant(self, hook: Hook, asked: Asked, kind: Kind, asking: Asking) -> Place | None:
        """The version in which a request is shown to a webhook; None where it is not asked. Errors: NotFound, Forbidden."""
        webhook = hook.webhook
        place = meant(webhook.rules, webhook.match_policy, asked, asking.view.scheme)
        if place is None or not by_object(webhook.object_selector, asked):
            return None
        if not in_namespaces(webhook.namespace_selector, asked, asking.view):
            return None
        if not webhook.match_conditions:
            return place

        own = subjects.is_own(asked)
        new = await self._shown.encoded(asked.object, kind, place, asking, own)
        old = await self._shown.encoded(asked.old_object, kind, place, asking, own)
        holds = await hold(webhook, asked, kind, variables_of(asked, place, asking, new, old), asking, self._authorize)
        return place if holds else None

    def measured(self) -> Iterable[Family]:
        return self.tallies.families()

    async def close(self) -> None:
        await self._caller.close()


def _hooks(view: MemoryView, resource: str) -> tuple[Hook, ...]:
    """By the names of their configurations, as Kubernetes asks them."""
    return tuple(_of_configuration(view, resource)) if view.scheme.knows(resource) else ()


def _of_configuration(view: MemoryView, resource: str) -> Iterator[Hook]:
    for entry in view.entries(resource):
        configuration = entry.object.metadata.name
        seen: dict[str, int] = {}
        for webhook in entry.object.webhooks:
            seen[webhook.name] = number = seen.get(webhook.name, -1) + 1
            yield Hook(configuration, webhook, f"{configuration}/{webhook.name}/{number}")


def _requests(view: MemoryView, resource: str, subresource: str, operations: tuple[str, ...]) -> tuple[Asked, ...]:
    """One request of each sort, in each version of the kind."""
    place = place_of(view.scheme.by_resource(resource), subresource)
    places = (place, *equivalents(view.scheme, place, subresource))
    return tuple(Asked(operation=o, place=p, subresource=subresource) for o in operations for p in places)


def _may_mean(hook: Hook, requests: Sequence[Asked], view: MemoryView) -> bool:
    """Whether any request of such a sort is meant, wherever it is."""
    rules = [replace(rule, scope="*") for rule in hook.webhook.rules]
    return any(meant(rules, "Exact", request, view.scheme) for request in requests)
