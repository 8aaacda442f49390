"""What wakes a rule, declared once: `rule(ReplicationController).owns(Pod).watches(Service, to=...)`.

A declaration says which objects and facts concern which keys. From it come the keys that a change wakes (`keys_for`), the keys
to look at after a start (`all_keys`), and the kinds and facts that the host need not ask about (`looks_at`).

A mapping (`to`) is a pure function of one object. It is asked twice for each change, for the object as it was and as it is
now, and what either names is woken: so a pod that is relabelled wakes whom it left as well as whom it joins, and no rule has to
find out by itself where something belonged before.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipslog.store.events import Event
from shipslog.store.facts import Fact, ObjectFact
from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.state import Entry
from shipslog.store.view import View

EVERY_KIND = "*"

What = type[Any] | str  # a kind by the Struct of its objects, or by its resource key: "crontabs.example.com"
Keys = Callable[[View, Any], Iterable[str]]  # the view after the event, and an object or a fact
When = Callable[[Any, Any], bool]  # the object before (None: made) and after (None: gone)


class Change(Struct, frozen=True, gc=False):
    """An event, and the object that it is about as it was before and as it is after it.

    `before` is None for an object that was made, `after` for one that is gone; both for facts about no object."""

    event: Event
    before: Entry | None = None
    after: Entry | None = None


class Source(Struct, frozen=True):
    """One kind of objects, or of facts, and which keys one of them concerns.

    `by`: the part of an object by which `to` goes; where it stayed as it was, one answer does for before and after. `of`: of
    those that are about every kind, which kinds they are about."""

    to: Keys
    when: When | None = None
    at_start: bool = False
    by: Callable[[Any], Any] | None = None
    of: Callable[[Kind], bool] | None = None


class Wakes(Struct, frozen=True, kw_only=True):
    """What wakes a rule; a value, to which each method adds."""

    kind: What = ""
    always: tuple[str, ...] = ()
    sources: Mapping[What, tuple[Source, ...]] = {}
    facts: tuple[tuple[type[Fact], Source], ...] = ()
    also: tuple[What, ...] = ()

    # --- declaring ---

    def owns(self, *kinds: What) -> "Wakes":
        """Objects that this rule's kind controls: each wakes the controller that its owner references name."""
        assert self.kind, "owns() asks for the owners' kind: begin with rule(Kind)"
        return self.watches(*kinds, to=_controller(self.kind), by=_owners)

    def watches(
        self, *kinds: What, to: Keys, when: When | None = None, at_start: bool = False, by: Callable[[Any], Any] | None = None
    ) -> "Wakes":
        """Other objects, each with the keys that it concerns.

        `when` leaves out changes that cannot matter. `at_start`: the keys of those that are there count after a start too.
        `by`: the only part of an object that `to` looks at; saying so spares the second of two equal answers."""
        return self._watch(kinds, Source(to, when, at_start, by))

    def watches_every_kind(
        self,
        *,
        to: Keys,
        when: When | None = None,
        at_start: bool = False,
        by: Callable[[Any], Any] | None = None,
        of: Callable[[Kind], bool] | None = None,
    ) -> "Wakes":
        """Objects of all kinds, of those too that are served later. `of` leaves out kinds that cannot matter."""
        return self._watch([EVERY_KIND], Source(to, when, at_start, by, of))

    def hears(self, *facts: type[Fact], to: Keys) -> "Wakes":
        """Facts about no object: what a node reported. `to` is given the fact."""
        return replace(self, facts=(*self.facts, *((fact, Source(to)) for fact in facts)))

    def reads(self, *kinds: What) -> "Wakes":
        """Kinds that `decide` looks at though they do not wake the rule. Of any kind of object a rule may read the metadata."""
        return replace(self, also=(*self.also, *kinds))

    def _watch(self, kinds: Iterable[What], source: Source) -> "Wakes":
        more = {kind: (*self.sources.get(kind, ()), source) for kind in kinds}
        return replace(self, sources={**self.sources, **more})

    # --- asking ---

    def looks_at(self, fact: Fact, scheme: Scheme) -> bool:
        """Whether facts like this one can wake the rule: same kind of fact, and of object."""
        return bool(self.sources_of(fact, scheme))

    def sources_of(self, fact: Fact, scheme: Scheme) -> tuple[Source, ...]:
        """Those that are asked about facts like this one: same kind of fact, and of object."""
        if not isinstance(fact, ObjectFact):
            return tuple(source for heard, source in self.facts if isinstance(fact, heard)) if self.facts else ()
        if not scheme.knows(fact.resource):
            return ()
        kind = scheme.by_resource(fact.resource)
        found = (*self.sources.get(kind.type, ()), *self.sources.get(kind.resource, ()))
        if EVERY_KIND not in self.sources:
            return found
        return (*found, *(source for source in self.sources[EVERY_KIND] if source.of is None or source.of(kind)))

    def declares(self, kind: Kind) -> bool:
        """Whether the rule says that it reads objects of a kind: it watches them by name, or names them besides.

        Heartbeats that no rule reads the log may let go of."""
        return not {kind.type, kind.resource}.isdisjoint((*self.sources, *self.also))

    def keys_for(self, view: View, change: Change) -> list[str]:
        """The keys that a change concerns, each once. The view holds the change already."""
        return keys_from(self.sources_of(change.event.fact, view.scheme), view, *objects_of(change))

    def all_keys(self, view: View) -> list[str]:
        """What to look at after a start: the rule's own objects, and whatever else it declared so."""
        keys = dict.fromkeys(self.always)
        for what, sources in self.sources.items():
            mappings = [source.to for source in sources if source.at_start]
            for resource in _resources(view, what) if mappings else ():
                for entry in view.entries(resource):
                    for to in mappings:
                        keys.update(dict.fromkeys(to(view, entry.object)))
        return list(keys)


def keys_from(sources: Iterable[Source], view: View, fact: Fact | None, before: Any, after: Any) -> list[str]:
    """What those say that are asked about a change, each key once. `fact`: the one that is about no object; else None, and the
    object before and after (None: there is none)."""
    found: list[str] = []  # not list[str](): that takes sixteen times as long, and each event asks several rules
    if fact is not None:
        for source in sources:
            found += source.to(view, fact)
    else:
        changed = before is not None and after is not None
        for source in sources:
            if (when := source.when) is not None and not when(before, after):
                continue
            if changed and (by := source.by) is not None and by(before) == by(after):
                found += source.to(view, after)
                continue
            if before is not None:
                found += source.to(view, before)
            if after is not None:
                found += source.to(view, after)
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def objects_of(change: Change) -> tuple[Fact | None, Any, Any]:
    """What `keys_from` asks about a change."""
    if not isinstance(change.event.fact, ObjectFact):
        return change.event.fact, None, None
    before, after = change.before, change.after
    return None, before.object if before is not None else None, after.object if after is not None else None


def rule(kind: What = "", *, key: Callable[[Any], str] | None = None, always: tuple[str, ...] = ()) -> Wakes:
    """A rule about each object of a kind; its keys are `namespace/name` (`name` if it has no namespace), or what `key` makes.

    Without a kind, a rule with the fixed keys `always`, or one whose keys come from what it watches."""
    wakes = Wakes(kind=kind, always=always)
    if not kind:
        return wakes
    named = key or key_of
    by = _name if key is None else None
    return wakes.watches(kind, to=lambda view, obj: (named(obj),), at_start=True, by=by)


def key_of(obj: Any) -> str:
    """`namespace/name`, or `name` for what has no namespace."""
    meta = obj.metadata
    return f"{meta.namespace}/{meta.name}" if meta.namespace else str(meta.name)


def namesake(view: View, obj: Any) -> tuple[str]:
    """The key that an object has in common with another of the same name: an Endpoints with its Service."""
    return (key_of(obj),)


def _resources(view: View, what: What) -> Iterable[str]:
    if what == EVERY_KIND:
        return view.resources()
    kind = _kind(view.scheme, what)
    return (kind.resource,) if kind is not None else ()


def _kind(scheme: Scheme, what: What) -> Kind | None:
    """The kind that is meant; None while there is none, as before its definition comes."""
    if isinstance(what, str):
        return scheme.by_resource(what) if scheme.knows(what) else None
    return scheme.of_type(what)


def _controller(of: What) -> Keys:
    def to(view: View, obj: Any) -> Iterable[str]:
        found: list[str] = []
        for owner in obj.metadata.owner_references:
            if not owner.controller or (kind := _kind(view.scheme, of)) is None:
                continue
            if owner.kind == kind.kind and owner.api_version.rpartition("/")[0] == kind.group:
                found.append(f"{obj.metadata.namespace}/{owner.name}" if kind.namespaced else owner.name)
        return found

    return to


def _owners(obj: Any) -> Any:
    return obj.metadata.owner_references


def _name(obj: Any) -> str:
    name: str = obj.metadata.name
    return name
