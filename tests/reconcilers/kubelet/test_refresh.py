"""What a running pod's volumes hold follows the objects that they show."""

from base64 import b64decode, b64encode
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.kubelet import lifecycle, refresh
from shipslog.runtime.commands import RefreshVolumes
from shipslog.store.facts import CsiDriver, NodeObserved, SandboxStarted
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1
from shipslog.store.objects.types.certificates_v1 import ClusterTrustBundle, ClusterTrustBundleSpec
from tests.reconcilers.views import NOW, add, meta, node, observed, pod, view_of, woken

UID = "uid-pods-p"
SANDBOX = SandboxStarted(node="n", pod_uid=UID, sandbox_id="s1", ip="10.0.0.2", at_ns=NOW)
SECOND = 10**9
SETTINGS = core_v1.Volume(name="v", config_map=core_v1.ConfigMapVolumeSource(name="settings"))


def token(expiration_s: int) -> core_v1.Volume:
    source = core_v1.ServiceAccountTokenProjection(path="token", expiration_seconds=expiration_s)
    projected = core_v1.ProjectedVolumeSource(sources=(core_v1.VolumeProjection(service_account_token=source),))
    return core_v1.Volume(name="t", projected=projected)


def world(*things: Any, volumes: tuple[core_v1.Volume, ...] = (SETTINGS,)) -> MemoryView:
    bound = pod("p", node="n")
    return view_of(node("n"), observed("n"), *things, replace(bound, spec=replace(bound.spec, volumes=volumes)), SANDBOX)


def settings(**data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta("settings"), data=data)


def decide(view: MemoryView, now: int = NOW) -> Any:
    return refresh.decide(view, f"pod/{UID}", now=now)


def keys(view: MemoryView, changed: Any) -> list[str]:
    return woken(refresh.WAKES, view, changed)


def test_a_changed_config_map_goes_to_the_pods_that_show_it() -> None:
    view = world(settings(a="1"))
    (command,) = decide(view).commands
    assert isinstance(command, RefreshVolumes)
    assert [(f.path, f.data) for f in command.volumes[0].files] == [("a", b"1")]
    assert keys(view, settings(a="2")) == [f"pod/{UID}"]
    assert keys(view, core_v1.ConfigMap(metadata=meta("others"))) == []
    assert keys(view, core_v1.Secret(metadata=meta("settings"))) == []


def test_what_a_sandbox_was_given_needs_no_refresh() -> None:
    view = world(settings(a="1"))
    entry = view.by_uid(UID)
    assert entry is not None
    given = lifecycle.sandbox_command(
        lifecycle.BoundPod(
            view=view, node="n", pod=entry.object, runtime=view.pod_runtime(UID), observed=observed("n"), now=NOW
        )
    )
    assert decide(view).commands == (given.refresh(),)


def test_what_is_gone_leaves_the_files_as_they_are() -> None:
    decision = decide(world())
    assert not decision.commands and 'configmap "settings" not found' in decision.reason


def test_a_pod_that_shows_nothing_of_others_is_left_alone() -> None:
    default = replace(token(refresh.DEFAULT_TOKEN_S), name="kube-api-access-x")
    ca = core_v1.VolumeProjection(config_map=core_v1.ConfigMapProjection(name=refresh.ROOT_CA))
    assert default.projected is not None
    default = replace(default, projected=replace(default.projected, sources=(*default.projected.sources, ca)))
    view = world(volumes=(default,))
    assert refresh.WAKES.all_keys(view) == []
    assert keys(view, SANDBOX) == []


def test_tokens_are_made_anew_before_they_end() -> None:
    account = core_v1.ServiceAccount(metadata=meta("default"))
    view = world(account, volumes=(token(600),))
    first = decide(view, NOW + 100 * SECOND)
    assert (first.commands[0].round, first.requeue_after) == (0, 380.0)
    second = decide(view, NOW + 500 * SECOND)
    assert (second.commands[0].round, second.requeue_after) == (1, 460.0)
    assert first.commands[0] != second.commands[0]


def test_a_pod_that_ends_is_left_alone() -> None:
    view = world(settings(a="1"))
    entry = view.by_uid(UID)
    assert entry is not None
    ending = replace(entry.object.metadata, deletion_timestamp="2027-01-15T08:00:00Z")
    other = view_of(node("n"), observed("n"), settings(a="1"), replace(entry.object, metadata=ending), SANDBOX)
    assert not decide(other).commands
    assert not refresh.decide(view, "pod/unknown", now=NOW).commands


def test_pods_that_wait_for_a_config_map_are_woken_by_it() -> None:
    view = view_of(node("n"), observed("n"))
    waiting = pod("p", node="n", phase="Pending")
    add(view, replace(waiting, spec=replace(waiting.spec, volumes=(SETTINGS,))))
    assert woken(lifecycle.WAKES, view, settings()) == [f"pod/{UID}"]


def test_nobody_walks_all_pods_for_a_config_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that nobody shows, among 20,000 pods, held all others up for 145 ms."""
    view = world(settings(a="1"))
    add(view, pod("waits", node="n", phase="Pending"))
    assert keys(view, settings()) == [f"pod/{UID}"]  # the indexes are begun

    def walked(*_: Any) -> Any:
        raise AssertionError("all pods were walked")

    monkeypatch.setattr(view, "list", walked)
    assert keys(view, settings()) == [f"pod/{UID}"]
    assert woken(lifecycle.WAKES, view, settings()) == [f"pod/{UID}", "pod/uid-pods-waits"]
    assert keys(view, core_v1.Secret(metadata=meta("settings"))) == []


def bundle(name: str, *certificates: bytes, signer: str = "", **labels: str) -> ClusterTrustBundle:
    text = "".join(f"-----BEGIN CERTIFICATE-----\n{b64encode(c).decode()}\n-----END CERTIFICATE-----\n" for c in certificates)
    made = replace(meta(name, namespace=""), labels=labels)
    return ClusterTrustBundle(metadata=made, spec=ClusterTrustBundleSpec(signer_name=signer or None, trust_bundle=text))


def trusting(**source: Any) -> core_v1.Volume:
    shown = core_v1.ClusterTrustBundleProjection(path="ca.pem", **source)
    projected = core_v1.ProjectedVolumeSource(sources=(core_v1.VolumeProjection(cluster_trust_bundle=shown),))
    return core_v1.Volume(name="t", projected=projected)


def trusted(view: MemoryView) -> list[bytes]:
    """The certificates that the pod is shown."""
    (command,) = decide(view).commands
    (file,) = command.volumes[0].files
    assert (file.path, file.mode) == ("ca.pem", 0o644)
    blocks = file.data.decode().split("-----BEGIN CERTIFICATE-----\n")[1:]
    assert all(block.endswith("\n-----END CERTIFICATE-----\n") for block in blocks)
    return [b64decode(block.partition("-----")[0]) for block in blocks]


def test_a_trust_bundle_by_its_name() -> None:
    long = b"x" * 200
    view = world(bundle("b", b"two", long, b"two"), bundle("c", b"other"), volumes=(trusting(name="b"),))
    assert trusted(view) == [b"two", long]
    assert keys(view, bundle("b", b"one")) == [f"pod/{UID}"] and keys(view, bundle("c")) == []
    waits = pod("waits", node="n", phase="Pending")
    add(view, replace(waits, spec=replace(waits.spec, volumes=(trusting(name="b"),))))
    assert "pod/uid-pods-waits" in woken(lifecycle.WAKES, view, bundle("b", b"one"))
    missing = decide(world(volumes=(trusting(name="b"),)))
    assert 'clustertrustbundle.certificates.k8s.io "b" not found' in missing.reason
    assert trusted(world(volumes=(trusting(name="b", optional=True),))) == []


def test_trust_bundles_of_a_signer_are_shown_together() -> None:
    every, some = meta_v1.LabelSelector(), meta_v1.LabelSelector(match_labels={"v": "1"})
    there = (
        bundle("s:a", b"a", b"both", signer="s/x", v="1"),
        bundle("s:b", b"both", b"b", signer="s/x", v="2"),
        bundle("t:a", b"not", signer="t/x", v="1"),
        bundle("none", b"not", v="1"),
    )
    view = world(*there, volumes=(trusting(signer_name="s/x", label_selector=every),))
    assert trusted(view) == [b"a", b"b", b"both"]
    assert keys(view, bundle("s:new", b"n", signer="s/x")) == [f"pod/{UID}"]
    assert trusted(world(*there, volumes=(trusting(signer_name="s/x", label_selector=some),))) == [b"a", b"both"]
    without = decide(world(*there, volumes=(trusting(signer_name="s/x"),)))  # no selector chooses nothing
    assert 'no ClusterTrustBundle of the signer "s/x"' in without.reason
    assert trusted(world(*there, volumes=(trusting(signer_name="u/x", label_selector=every, optional=True),))) == []


def test_drivers_that_want_it_are_called_again_each_minute() -> None:
    registered = NodeObserved(node="n", drivers=(CsiDriver(name="d", node_id="i"),))
    modes: dict[str, Any] = {"volume_lifecycle_modes": ("Ephemeral",), "requires_republish": True}
    asked = storage_v1.TokenRequest(audience="vault", expiration_seconds=600)
    driver = storage_v1.CSIDriver(
        metadata=meta("d", namespace=""),
        spec=storage_v1.CSIDriverSpec(token_requests=(asked,), service_account_token_in_secrets=True, **modes),
    )
    inline = core_v1.Volume(name="v", csi=core_v1.CSIVolumeSource(driver="d"))
    view = world(registered, driver, volumes=(inline,))
    first = decide(view, NOW + 20 * SECOND)
    assert len(first.commands) == 1 and first.requeue_after == 40.0
    second = decide(view, NOW + 130 * SECOND)
    again = second.commands[1]
    assert second.requeue_after == 50.0 and again.identity == f"published/{UID}" and again.round == 2
    (volume,) = again.volumes
    assert volume.remote.published == 2 and volume.remote.tokens_are_secret
    (request,) = volume.remote.token_requests
    assert (request.audience, request.expiration_s, request.pod_uid) == ("vault", 600, UID)
    quiet = replace(driver, spec=replace(driver.spec, requires_republish=False))
    calm = decide(world(registered, quiet, volumes=(inline,)), NOW + 130 * SECOND)
    assert len(calm.commands) == 1 and calm.requeue_after is None
