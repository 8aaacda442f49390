"""What every kind keeps: it is described, shown, defaulted once and for all, and comes back from each wire and each patch.

A kind that is added is held to it without another line here: its sample is made from its Struct.
"""

from typing import Any

import msgspec
import pytest

from shipslog.engine.kinds.catalogue import MODULES, strategy_of, subresource_of
from shipslog.engine.kinds.subresources import SHARED, Part
from shipslog.store.objects import patch
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.fields.shapes import Shape, fields_of
from shipslog.store.objects.scheme import Kind, type_at
from shipslog.store.objects.wire import codec

DEPTH = 8
STORED = [k for k in BUILTIN.kinds() if "get" in k.verbs]
NOW_NS = 1_800_000_000 * 10**9
SCALARS: dict[str, Any] = {
    "string": "x",
    "bool": True,
    "int": 1,
    "int32": 1,
    "float": 1.5,
    "any": {"k": "v"},
    "time": "2027-01-15T07:55:00Z",
    "microtime": "2027-01-15T07:55:00.000000Z",
    "byte": "eA==",
    "quantity": "1",
    "int-or-string": 1,
}


def filled(struct: type[Any], depth: int = DEPTH) -> dict[str, Any]:
    """JSON of a type with a value in every field, lists and maps with one item each, down to a depth."""
    return {f.name: value for f in fields_of(struct).values() if (value := _value(f.shape, depth - 1)) is not None}


def _value(shape: Shape, depth: int) -> Any:
    if depth < 0:
        return None
    if shape.form == "struct":
        assert shape.struct is not None
        return filled(shape.struct, depth)
    if shape.form in ("list", "map"):
        assert shape.item is not None
        item = _value(shape.item, depth - 1)
        return None if item is None else [item] if shape.form == "list" else {"k": item}
    return SCALARS.get(shape.form)  # a schema, or what stands for one, is left out


def sample(kind: Kind) -> Any:
    value = {**filled(kind.type), "apiVersion": kind.api_version, "kind": kind.kind}
    obj, warnings = codec.from_builtins(kind.type, value, validation="Strict")
    assert not warnings
    return obj


def by_resource(kind: Kind) -> str:
    return kind.resource


@pytest.mark.parametrize("kind", STORED, ids=by_resource)
def test_a_kind_has_rules_columns_and_words(kind: Kind) -> None:
    assert kind.resource in MODULES, f"{kind.resource} has no module in engine/kinds"
    strategy = strategy_of(kind.resource)
    assert strategy.about.endswith("."), f"{kind.resource}: one sentence for `kubectl explain`"
    assert strategy.columns and all(c.name and c.description for c in strategy.columns)
    assert len(strategy.cells(sample(kind), NOW_NS)) == len(strategy.columns)
    assert len(strategy.cells(kind.type(), NOW_NS)) == len(strategy.columns)
    for path, read in strategy.selectable.items():
        assert isinstance(read(sample(kind)), str) and isinstance(read(kind.type()), str), path


# By their strategies in Kubernetes (`AllowUnconditionalUpdate`): what is newer, and what others act on at once.
SEEN_BEFORE_IT_IS_REPLACED = """
    apiservices clustertrustbundles csidrivers csinodes csistoragecapacities customresourcedefinitions leasecandidates leases
    mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations poddisruptionbudgets
    podcertificaterequests runtimeclasses storageversionmigrations validatingadmissionpolicies
    validatingadmissionpolicybindings validatingwebhookconfigurations volumeattachments
"""


def test_which_kinds_a_put_may_replace_unseen() -> None:
    told = {kind.plural for kind in STORED if "update" in kind.verbs and not strategy_of(kind.resource).unconditional_update}
    assert told == set(SEEN_BEFORE_IT_IS_REPLACED.split())


def test_a_short_name_means_one_group() -> None:
    """kubectl warns of one that could mean two; that of events means two in Kubernetes as well."""
    groups: dict[str, set[str]] = {}
    for kind in BUILTIN.served():
        for name in kind.short_names:
            groups.setdefault(name, set()).add(kind.group)
    assert {name: found for name, found in groups.items() if len(found) > 1} == {"ev": {"", "events.k8s.io"}}


@pytest.mark.parametrize("kind", BUILTIN.served(), ids=lambda kind: f"{kind.plural}.{kind.api_version}")
def test_the_room_of_a_kind_describes_its_subresources(kind: Kind) -> None:
    """The scheme has their names, the room says of which sort they are: neither has one that the other lacks."""
    told = {name for version in BUILTIN.served() if version.resource == kind.resource for name in version.subresources}
    assert set(strategy_of(kind.resource).subresources) == told - set(SHARED)
    for name in kind.subresources:
        subresource = subresource_of(kind, name)
        assert subresource is not None and subresource.verbs
        assert (
            not subresource.described or isinstance(subresource, Part) or type_at(subresource.type).__name__ == subresource.kind
        )
    assert subresource_of(kind, "nonsense") is None


@pytest.mark.parametrize("kind", STORED, ids=by_resource)
def test_defaults_say_the_same_when_asked_again(kind: Kind) -> None:
    strategy = strategy_of(kind.resource)
    for obj in (sample(kind), kind.type()):
        once = strategy.default(obj)
        assert strategy.default(once) == once
        status = strategy.default_status(obj)
        assert strategy.default_status(status) == status


@pytest.mark.parametrize("kind", STORED, ids=by_resource)
def test_a_sample_comes_back_from_json(kind: Kind) -> None:
    obj = sample(kind)
    data = codec.encode(obj)
    assert codec.restore(kind.type, data) == obj
    again, warnings = codec.decode(kind.type, data, validation="Strict")
    assert again == obj and not warnings
    assert data.startswith(kind.head)


def merge_lists(struct: type[Any], path: tuple[str, ...] = (), depth: int = DEPTH) -> Any:
    """(path, merge key) of every list that a strategic merge patch merges by a key."""
    if depth < 3:  # the sample has nothing there
        return
    for field in fields_of(struct).values():
        item = field.shape.item if field.shape.form == "list" else None
        if item is not None and item.struct is not None and field.merge.patch_merge_key:
            yield (*path, field.name), field.merge.patch_merge_key
        elif field.shape.struct is not None:
            yield from merge_lists(field.shape.struct, (*path, field.name), depth - 1)


MERGED = [(kind, path, key) for kind in STORED for path, key in merge_lists(kind.type)]


@pytest.mark.parametrize(("kind", "path", "key"), MERGED, ids=[f"{k.resource} {'.'.join(p)}" for k, p, _ in MERGED])
def test_a_list_is_merged_by_its_key(kind: Kind, path: tuple[str, ...], key: str) -> None:
    """An item of the same key is changed in place, one of another key joins it."""
    before = codec.encode(sample(kind))
    held: Any = msgspec.json.decode(before)
    for step in path:
        held = held[step]
    assert len(held) == 1
    name = held[0][key]
    other = name + 1 if isinstance(name, int) else f"{name}y"
    body: Any = [{key: name}, {key: other}]
    for step in reversed(path):
        body = {step: body}
    after: Any = patch.apply(kind.type, before, msgspec.json.encode(body), patch.STRATEGIC_PATCH)
    for step in path:
        after = after[step]
    assert {item[key] for item in after} == {name, other} and held[0] in after
