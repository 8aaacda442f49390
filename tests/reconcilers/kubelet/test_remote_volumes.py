"""Volumes that something else holds, as the node is told to mount them."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.kubelet import lifecycle
from shipslog.runtime.commands import RemoteVolume, RunPodSandbox
from shipslog.store.objects import core_v1
from tests.reconcilers.views import NOW, meta, node, observed, pod, view_of

ADDRESSES = tuple(core_v1.EndpointAddress(ip=ip) for ip in ("10.0.0.1", "10.0.0.2"))
HOSTS = core_v1.Endpoints(metadata=meta("g"), subsets=(core_v1.EndpointSubset(addresses=ADDRESSES),))
SECRET = core_v1.Secret(metadata=meta("s"), data={"key": "QVE="})
ELSEWHERE = core_v1.Secret(metadata=meta("s", namespace="storage", uid="other"), data={"key": "QkI="})
NFS = core_v1.NFSVolumeSource(server="10.0.0.9", path="/e", read_only=True)
RBD = core_v1.RBDVolumeSource(monitors=("m",), image="i", secret_ref=core_v1.LocalObjectReference(name="s"))


def decided(volume: core_v1.Volume, *things: Any) -> Any:
    made = pod("p", node="n", phase="Pending")
    made = replace(made, spec=replace(made.spec, volumes=(volume,)))
    return lifecycle.decide(view_of(node("n"), observed("n"), made, *things), "pod/uid-pods-p", now=NOW)


def remote(volume: core_v1.Volume, *things: Any) -> RemoteVolume:
    (sandbox,) = [c for c in decided(volume, *things).commands if isinstance(c, RunPodSandbox)]
    (source,) = sandbox.volumes
    assert source.kind == "remote" and isinstance(source.remote, RemoteVolume)
    assert source.read_only == bool(source.remote.source.get("readOnly"))
    return source.remote


def test_a_volume_of_the_pod() -> None:
    found = remote(core_v1.Volume(name="v", nfs=NFS))
    assert found == RemoteVolume(plugin="nfs", source={"server": "10.0.0.9", "path": "/e", "readOnly": True})


def test_its_secret_is_read_and_not_named() -> None:
    found = remote(core_v1.Volume(name="v", rbd=RBD), SECRET, ELSEWHERE)
    assert found.secret == {"key": b"AQ"} and "secretRef" not in found.source


def test_its_servers_are_the_endpoints() -> None:
    volume = core_v1.Volume(name="v", glusterfs=core_v1.GlusterfsVolumeSource(endpoints="g", path="vol"))
    assert remote(volume, HOSTS).hosts == ("10.0.0.1", "10.0.0.2")


def test_a_flex_volume_knows_its_pod() -> None:
    found = remote(core_v1.Volume(name="v", flex_volume=core_v1.FlexVolumeSource(driver="a/b")))
    assert found.pod["pod.name"] == "p" and found.pod["serviceAccount.name"] == "default"


def test_the_claim_says_options_and_where_its_secret_is() -> None:
    ref = core_v1.SecretReference(name="s", namespace="storage")
    source = core_v1.RBDPersistentVolumeSource(monitors=("m",), image="i", secret_ref=ref)
    about = core_v1.ObjectReference(namespace="default", name="c", uid="uid-persistentvolumeclaims-c")
    spec = core_v1.PersistentVolumeSpec(rbd=source, mount_options=("noatime",), claim_ref=about)
    disk = core_v1.PersistentVolume(metadata=meta("pv"), spec=spec)
    claim = core_v1.PersistentVolumeClaim(
        metadata=replace(meta("c"), uid="uid-persistentvolumeclaims-c"),
        spec=core_v1.PersistentVolumeClaimSpec(volume_name="pv"),
        status=core_v1.PersistentVolumeClaimStatus(phase="Bound"),
    )
    named = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c")
    found = remote(core_v1.Volume(name="v", persistent_volume_claim=named), claim, disk, SECRET, ELSEWHERE)
    assert (found.volume, found.mount_options, found.secret) == ("pv", ("noatime",), {"key": b"BB"})


@pytest.mark.parametrize(
    ("volume", "why"),
    [
        (core_v1.Volume(name="v", rbd=RBD), 'secret "s" not found'),
        (
            core_v1.Volume(name="v", glusterfs=core_v1.GlusterfsVolumeSource(endpoints="g", path="p")),
            'endpoints "g" not found',
        ),
    ],
    ids=["a secret", "endpoints"],
)
def test_what_is_missing_is_named(volume: core_v1.Volume, why: str) -> None:
    found = decided(volume)
    assert not [c for c in found.commands if isinstance(c, RunPodSandbox)]
    assert any(why in said.message for said in found.says), found.says
