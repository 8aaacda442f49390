"""Manifests as people write them, and what applying one again does."""

import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.manifests import LAST_APPLIED, documents
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest


def test_documents_and_lists_are_taken_apart() -> None:
    text = "kind: A\n---\n---\nkind: List\nitems: [{kind: B}, {kind: C}]\n"
    assert [d["kind"] for d in documents(text)] == ["A", "B", "C"]
    assert [d["kind"] for d in documents({"kind": "A"})] == ["A"]


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "just words"])
def test_what_is_no_manifest(text: str) -> None:
    with pytest.raises(BadRequest):
        list(documents(text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind: Pod", "lacks apiVersion or kind"),
        ("{apiVersion: v1, kind: Unicorn}", 'no matches for kind "Unicorn"'),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dada: {}}", 'unknown field "dada"'),
    ],
)
async def test_bad_manifests_name_what_is_wrong(engine: Cluster, text: str, why: str) -> None:
    before = engine.view.revision
    with pytest.raises(BadRequest, match=why):
        await engine.apply(text)
    assert engine.view.revision == before


async def test_apply_creates_then_changes_then_removes_what_it_set_before(engine: Cluster) -> None:
    head = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: %s}"
    await engine.apply(head % "{one: '1', two: '2'}")
    await engine.update(_with(engine, three="3"))  # somebody else's field
    (changed,) = await engine.apply(head % "{one: '9'}")
    assert changed.data == {"one": "9", "three": "3"}
    revision = engine.view.revision
    await engine.apply(head % "{one: '9'}")
    assert engine.view.revision == revision, "applying the same again changes nothing"


async def test_the_last_annotations_go_with_the_manifest_that_has_none(engine: Cluster) -> None:
    head = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a%s}}"
    await engine.apply(head % ", annotations: {one: '1', two: '2'}")
    found = engine.get(core_v1.ConfigMap, "a")
    theirs = {**found.metadata.annotations, "three": "3"}
    await engine.update(replace(found, metadata=replace(found.metadata, annotations=theirs)))  # somebody else's
    for manifest in (head % "", head % ", annotations: null", head % ""):
        (changed,) = await engine.apply(manifest)
        assert {k: v for k, v in changed.metadata.annotations.items() if k != LAST_APPLIED} == {"three": "3"}
    for odd in ("7", '{"metadata": 7}', '{"metadata": {"annotations": []}}', "no JSON"):
        held = engine.get(core_v1.ConfigMap, "a")
        annotations = {**held.metadata.annotations, LAST_APPLIED: odd}
        await engine.update(replace(held, metadata=replace(held.metadata, annotations=annotations)))
        await engine.apply(head % "")


def _with(engine: Cluster, **data: str) -> core_v1.ConfigMap:
    import msgspec

    found = engine.get(core_v1.ConfigMap, "a")
    return msgspec.structs.replace(found, data={**found.data, **data})
