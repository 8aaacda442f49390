"""A binding, and the warnings of a pod's ports."""

from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.store.commands import Bind, Update
from shipslog.store.objects.types import core_v1, meta_v1


def port(number: int, name: str) -> core_v1.ContainerPort:
    return core_v1.ContainerPort(container_port=number, name=name)


async def test_its_annotations_are_put_on_the_pod(engine: Cluster) -> None:
    meta = meta_v1.ObjectMeta(name="p", namespace="default", annotations={"a": "1", "b": "1"})
    await engine.create(core_v1.Pod(metadata=meta, spec=core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),))))
    await engine.submit(Bind(namespace="default", name="p", node="n", annotations={"b": "2"}))
    assert engine.get(core_v1.Pod, "p").metadata.annotations == {"a": "1", "b": "2"}


async def test_no_node_is_kept_free_for_a_pod_that_has_one(engine: Cluster) -> None:
    meta = meta_v1.ObjectMeta(name="p", namespace="default")
    made = core_v1.Pod(metadata=meta, spec=core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),)))
    held = await engine.create(made)
    status = replace(held.status, nominated_node_name="n")
    await engine.submit(Update(object=replace(held, status=status), subresource="status"))
    assert engine.get(core_v1.Pod, "p").status.nominated_node_name == "n"
    await engine.submit(Bind(namespace="default", name="p", node="m"))
    assert engine.get(core_v1.Pod, "p").status.nominated_node_name == ""


def test_one_port_name_in_two_containers_is_warned_of() -> None:
    containers = tuple(core_v1.Container(name=n, image="i", ports=(port(i, "http"),)) for i, n in ((80, "a"), (81, "b")))
    warnings: list[str] = []
    warn_of_pod_spec(warnings, core_v1.PodSpec(containers=containers), "spec")
    assert warnings == [
        'spec.containers[1].ports[0]: duplicate port name "http" with spec.containers[0].ports[0], services and probes that '
        "select ports by name will use spec.containers[0].ports[0]"
    ]
