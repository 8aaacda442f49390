"""Create, update, patch, delete, bind: metadata, preconditions and the ways of going."""

import re

import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.store.commands import Bind, Create, Delete, Patch, Update
from shipslog.store.objects.types import coordination_v1, core_v1, flowcontrol_v1, meta_v1, policy_v1
from shipslog.store.refusals import BadRequest, Conflict, Invalid, NotFound, Unexpected
from tests.engine.conftest import SteppedClock

MERGE = "application/merge-patch+json"


def meta(name: str = "", **more: object) -> meta_v1.ObjectMeta:
    return meta_v1.ObjectMeta(name=name, namespace="default", **more)  # type: ignore[arg-type]


def pod(name: str, **more: object) -> core_v1.Pod:
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),))
    return core_v1.Pod(metadata=meta(name, **more), spec=spec)


async def test_a_new_object_gets_its_metadata(engine: Cluster) -> None:
    made = await engine.create(core_v1.ConfigMap(metadata=meta("a", uid="mine", generation=7)))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made.metadata.uid)
    assert made.metadata.creation_timestamp == "2027-01-15T08:00:00Z"
    assert made.metadata.resource_version == str(engine.view.revision)


async def test_names_are_generated(engine: Cluster) -> None:
    made = [await engine.create(core_v1.ConfigMap(metadata=meta(generate_name="job-"))) for _ in range(3)]
    assert all(re.fullmatch(r"job-[a-z0-9]{5}", m.metadata.name) for m in made)
    assert len({m.metadata.name for m in made}) == 3


async def test_a_resource_version_may_not_be_created(engine: Cluster) -> None:
    with pytest.raises(Unexpected, match="resourceVersion should not be set"):
        await engine.create(core_v1.ConfigMap(metadata=meta("a", resource_version="5")))


async def test_what_an_update_may_not_change_it_does_not(engine: Cluster) -> None:
    made = await engine.create(core_v1.ConfigMap(metadata=meta("a")))
    changed = await engine.update(replace(made, metadata=replace(made.metadata, labels={"a": "b"}, generation=99)))
    assert (changed.metadata.uid, changed.metadata.generation) == (made.metadata.uid, made.metadata.generation)
    assert changed.metadata.labels == {"a": "b"}
    with pytest.raises(Conflict, match="UID in precondition"):
        await engine.update(core_v1.ConfigMap(metadata=meta("a", uid="other")))


async def test_patches_carry_preconditions(engine: Cluster) -> None:
    await engine.create(core_v1.ConfigMap(metadata=meta("a"), data={"k": "1"}))

    async def patch(body: bytes) -> core_v1.ConfigMap:
        command = Patch(
            resource="configmaps", namespace="default", name="a", media_type=MERGE, body=body, field_validation="Strict"
        )
        made: core_v1.ConfigMap = (await engine.submit(command)).entry.object
        return made

    assert (await patch(b'{"data":{"l":"2"}}')).data == {"k": "1", "l": "2"}
    with pytest.raises(Conflict):
        await patch(b'{"metadata":{"resourceVersion":"1"},"data":{"l":"3"}}')
    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        await patch(b'{"metadata":{"name":"b"}}')
    with pytest.raises(Invalid, match='unknown field "dada"') as refusal:
        await patch(b'{"dada":{}}')
    assert refusal.value.causes[0].field == "patch"


async def test_delete_looks_at_its_preconditions(engine: Cluster) -> None:
    made = await engine.create(core_v1.ConfigMap(metadata=meta("a")))
    with pytest.raises(Conflict, match="UID in the precondition"):
        await engine.delete(core_v1.ConfigMap, "a", uid="other")
    with pytest.raises(Conflict, match="ResourceVersion in the precondition"):
        await engine.delete(core_v1.ConfigMap, "a", resource_version="1")
    await engine.delete(core_v1.ConfigMap, "a", uid=made.metadata.uid)
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        engine.get(core_v1.ConfigMap, "a")


async def test_finalizers_hold_an_object_until_they_are_gone(engine: Cluster) -> None:
    await engine.create(core_v1.ConfigMap(metadata=meta("a", finalizers=("example.com/hold",))))
    await engine.delete(core_v1.ConfigMap, "a")
    held = engine.get(core_v1.ConfigMap, "a")
    assert held.metadata.deletion_timestamp and held.metadata.finalizers == ("example.com/hold",)
    await engine.update(replace(held, metadata=replace(held.metadata, finalizers=())))
    await engine.gone(core_v1.ConfigMap, "a", timeout_s=1)


async def test_a_bound_pod_goes_when_its_node_says_so(engine: Cluster, stepped: SteppedClock) -> None:
    made = await engine.create(pod("p"))
    await engine.submit(Bind(namespace="default", name="p", node="n1", uid=made.metadata.uid))
    with pytest.raises(Conflict, match='already assigned to node "n1"'):
        await engine.submit(Bind(namespace="default", name="p", node="n2"))
    await engine.delete(core_v1.Pod, "p", grace_period_s=60)
    marked = engine.get(core_v1.Pod, "p")
    assert marked.metadata.deletion_timestamp == "2027-01-15T08:01:00Z"
    assert marked.metadata.deletion_grace_period_seconds == 60
    stepped.step(10)
    await engine.delete(core_v1.Pod, "p", grace_period_s=5)
    assert engine.get(core_v1.Pod, "p").metadata.deletion_timestamp == "2027-01-15T08:00:15Z", "sooner, never later"
    await engine.delete(core_v1.Pod, "p", grace_period_s=0)
    await engine.gone(core_v1.Pod, "p", timeout_s=1)


async def test_a_pod_that_nobody_runs_goes_at_once(engine: Cluster) -> None:
    await engine.create(pod("p"))
    await engine.delete(core_v1.Pod, "p")
    await engine.gone(core_v1.Pod, "p", timeout_s=1)


async def test_the_status_and_the_spec_have_doors_of_their_own(engine: Cluster) -> None:
    made = await engine.create(pod("p"))
    running = replace(made, status=replace(made.status, phase="Running"))
    assert (await engine.update(running)).status.phase == "Pending"
    assert (await engine.update(running, subresource="status")).status.phase == "Running"
    labelled = replace(made, metadata=replace(made.metadata, resource_version="", labels={"x": "y"}))
    assert (await engine.update(labelled)).status.phase == "Running"


async def test_a_namespace_is_marked_and_goes_when_finalized(engine: Cluster) -> None:
    await engine.create(core_v1.Namespace(metadata=meta_v1.ObjectMeta(name="team")))
    await engine.delete(core_v1.Namespace, "team")
    ending = engine.get(core_v1.Namespace, "team")
    assert (ending.status.phase, ending.spec.finalizers) == ("Terminating", ("kubernetes",))
    await engine.submit(Update(object=replace(ending, spec=core_v1.NamespaceSpec()), subresource="finalize"))
    await engine.gone(core_v1.Namespace, "team", timeout_s=1)


async def test_the_way_of_deleting_becomes_finalizers(engine: Cluster) -> None:
    selector = {"app": "x"}
    template = core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels=selector), spec=pod("p").spec)
    for name, propagation, finalizer in (("o", "Orphan", "orphan"), ("f", "Foreground", "foregroundDeletion")):
        spec = core_v1.ReplicationControllerSpec(replicas=0, selector=selector, template=template)
        await engine.create(core_v1.ReplicationController(metadata=meta(name), spec=spec))
        await engine.submit(
            Delete(resource="replicationcontrollers", namespace="default", name=name, propagation=propagation)  # type: ignore[arg-type]
        )
        assert engine.get(core_v1.ReplicationController, name).metadata.finalizers == (finalizer,)


async def test_an_eviction_asks_the_budgets(engine: Cluster) -> None:
    from shipslog.store.commands import Evict
    from shipslog.store.objects.types import policy_v1
    from shipslog.store.refusals import TooManyRequests

    made = await engine.create(pod("p", labels={"app": "x"}))
    await engine.submit(Bind(namespace="default", name="p", node="n1"))
    running = replace(engine.get(core_v1.Pod, "p"), status=replace(made.status, phase="Running"))
    await engine.update(replace(running, metadata=replace(running.metadata, resource_version="")), subresource="status")
    spec = policy_v1.PodDisruptionBudgetSpec(min_available=1, selector=meta_v1.LabelSelector(match_labels={"app": "x"}))
    await engine.create(policy_v1.PodDisruptionBudget(metadata=meta("b"), spec=spec))
    with pytest.raises(TooManyRequests, match="disruption budget"):
        await engine.submit(Evict(namespace="default", name="p"))
    await engine.delete(policy_v1.PodDisruptionBudget, "b")
    await engine.submit(Evict(namespace="default", name="p"))
    assert engine.get(core_v1.Pod, "p").metadata.deletion_timestamp


async def test_what_a_put_has_not_seen_it_may_not_overwrite_where_the_kind_forbids_it(engine: Cluster) -> None:
    lease = coordination_v1.Lease(metadata=meta("l"))
    made = await engine.update(lease)
    assert made.metadata.uid, "a PUT of what is not there creates it"
    with pytest.raises(Invalid) as refused:
        await engine.update(lease)
    why = "Invalid value: 0x0: must be specified for an update"
    assert refused.value.message == f'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: {why}'
    assert [(c.reason, c.message, c.field) for c in refused.value.causes] == [
        ("FieldValueInvalid", why, "metadata.resourceVersion")
    ]
    assert await engine.update(made)
    budget = policy_v1.PodDisruptionBudget(metadata=meta("b"), spec=policy_v1.PodDisruptionBudgetSpec(min_available=1))
    await engine.create(budget)
    with pytest.raises(Invalid, match="must be specified for an update"):
        await engine.update(budget)


async def test_one_empty_manager_forgets_them_all(engine: Cluster) -> None:
    known = meta_v1.ManagedFieldsEntry(manager="m", operation="Update")
    made = await engine.create(core_v1.ConfigMap(metadata=meta("a", managed_fields=(known,))))
    assert made.metadata.managed_fields == (known,)
    empty = replace(made.metadata, managed_fields=(meta_v1.ManagedFieldsEntry(),))
    assert (await engine.update(replace(made, metadata=empty))).metadata.managed_fields == ()


async def test_a_generation_is_kept_where_the_kind_does_not_count_it(engine: Cluster) -> None:
    assert (await engine.create(core_v1.ConfigMap(metadata=meta("a", generation=7)))).metadata.generation == 7


@pytest.mark.parametrize("named", [{"name": "a"}, {"generate_name": "a-"}])
async def test_whoever_owns_fields_gets_the_same_object(engine: Cluster, named: dict[str, str]) -> None:
    """Its defaults are filled in once where it is found out who owns what, and are those of one that nobody owns."""
    template = core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels={"app": "a"}), spec=pod("x").spec)
    rc = core_v1.ReplicationController(metadata=meta(**named), spec=core_v1.ReplicationControllerSpec(template=template))
    space = core_v1.Namespace(metadata=meta_v1.ObjectMeta(**named))
    plc = flowcontrol_v1.PriorityLevelConfiguration(
        metadata=meta_v1.ObjectMeta(**named), spec=flowcontrol_v1.PriorityLevelConfigurationSpec(
            type="Limited", limited=flowcontrol_v1.LimitedPriorityLevelConfiguration(
                limit_response=flowcontrol_v1.LimitResponse(type="Reject")))
    )  # fmt: skip
    alone = replace(template.spec, automount_service_account_token=False)  # the volume for it has a name by chance
    for obj in (core_v1.Pod(metadata=meta(**named), spec=alone), rc, space, plc):
        owned, plain = [
            (await engine.submit(Create(object=obj, field_manager=who), dry_run=True)).entry.object for who in ("m", "")
        ]
        assert owned.metadata.managed_fields and not plain.metadata.managed_fields
        name, uid = plain.metadata.name, plain.metadata.uid
        as_plain = replace(owned, metadata=replace(owned.metadata, managed_fields=(), name=name, uid=uid))
        labels = {key: name if key == "kubernetes.io/metadata.name" else v for key, v in owned.metadata.labels.items()}
        assert owned.metadata.labels.get("kubernetes.io/metadata.name", owned.metadata.name) == owned.metadata.name
        assert replace(as_plain, metadata=replace(as_plain.metadata, labels=labels)) == plain
