"""Pods that take more disk than they may, in Kubernetes' words."""

from msgspec.structs import replace

from shipslog.reconcilers.kubelet.eviction.limits import excess, has_limits
from shipslog.store.facts import PodUse
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import pod

MI = 1 << 20


def made(limit: str = "", volume: str = "") -> core_v1.Pod:
    one = pod("p", node="n")
    (container,) = one.spec.containers
    limits = {"ephemeral-storage": limit} if limit else {}
    container = replace(container, resources=core_v1.ResourceRequirements(limits=limits))
    source = core_v1.EmptyDirVolumeSource(size_limit=volume or None)
    volumes = (core_v1.Volume(name="scratch", empty_dir=source),)
    return replace(one, spec=replace(one.spec, containers=(container,), volumes=volumes))


def test_a_volume_beyond_its_limit() -> None:
    use = PodUse(volumes={"scratch": 2 * MI})
    assert excess(made(volume="1Mi"), use) == 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". '
    assert excess(made(volume="2Mi"), use) == "" == excess(made(), use)
    assert has_limits(made(volume="1Mi").spec) and not has_limits(made().spec)


def test_a_pod_beyond_what_its_containers_may_take_together() -> None:
    told = "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. "
    assert excess(made(limit="1Mi"), PodUse(disk_bytes=MI + 1)) == told
    assert excess(made(limit="1Mi"), PodUse(disk_bytes=MI)) == "" and has_limits(made(limit="1Mi").spec)
    two = made(limit="1Mi")
    more = replace(two.spec.containers[0], name="d")
    both = replace(two, spec=replace(two.spec, containers=(*two.spec.containers, more)))
    assert excess(both, PodUse(disk_bytes=MI + 1)) == ""
    assert excess(both, PodUse(disk_bytes=2 * MI + 1)) == told.replace("1Mi", "2Mi")


def test_a_container_beyond_its_own() -> None:
    use = PodUse(disk={"c": MI + 1, "other": 9 * MI})
    assert excess(made(limit="1Mi"), use) == 'Container c exceeded its local ephemeral storage limit "1Mi". '
    assert excess(made(limit="2Mi"), use) == ""
