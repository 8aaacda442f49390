"""Whether the image of a container is on its node, and when to try to get it (again).

Tests: tests/reconcilers/kubelet/test_lifecycle.py
"""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipslog.runtime.commands import PullImage
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import parse_time

from . import backoff
from .bound_pod import AnyContainer, BoundPod
from .plan import PodPlan

Policy = Literal["Always", "IfNotPresent", "Never"]
HUB = "https://index.docker.io/v1/"
NEVER_PULLED, NEVER_MESSAGE = "ErrImageNeverPull", 'Container image "{}" is not present with pull policy of Never'


class Wanted(Struct, frozen=True):
    """An image that a container needs: its own, or one that is a volume of it."""

    container: str
    image: str
    policy: Policy


def wanted(pod: BoundPod, container: AnyContainer) -> Iterator[Wanted]:
    """All that a container needs, its own first."""
    yield Wanted(container.name, container.image, pull_policy(container))
    mounted = {mount.name for mount in container.volume_mounts}
    for volume in pod.spec.volumes:
        if volume.image is not None and volume.name in mounted:
            yield Wanted(container.name, volume.image.reference, _policy(volume.image.reference, volume.image.pull_policy))


def pull_policy(container: AnyContainer) -> Policy:
    """The container's policy; without one, Always for the tag `latest` or none."""
    return _policy(container.image, container.image_pull_policy)


def _policy(image: str, pull_policy: str) -> Policy:
    match pull_policy:
        case "Always":
            return "Always"
        case "Never":
            return "Never"
        case "IfNotPresent":
            return "IfNotPresent"
    name, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if "@" not in name and tag in ("", "latest") else "IfNotPresent"


def ready(pod: BoundPod, container: AnyContainer, plan: PodPlan, since_ns: int = 0) -> bool:
    """True when the container can be started from its image, and the images that it mounts are there. If not, the plan pulls
    the first that is missing or says why it waits.

    With the policy Always an image counts if it came after `since_ns` (the end of the last attempt) and after the pod."""
    return all(_ready(pod, one, plan, since_ns) for one in wanted(pod, container))


def _ready(pod: BoundPod, one: Wanted, plan: PodPlan, since_ns: int) -> bool:
    state = pod.view.image(pod.node, one.image)
    created = parse_time(pod.pod.metadata.creation_timestamp)
    pulled = state.pulled if state is not None else None
    if pulled is not None and (one.policy != "Always" or not pulled.at_ns or pulled.at_ns >= max(created, since_ns)):
        return True
    failed = state.failed if state is not None else None
    never = failed is not None and failed.reason == NEVER_PULLED
    if failed is not None and one.policy == "Never" and not never:  # of a pod that may pull: it is not this one's failure
        failed = replace(failed, reason=NEVER_PULLED, message=NEVER_MESSAGE.format(one.image))
    elif never and one.policy != "Never":
        failed = None
    if failed is not None and state is not None and failed.at_ns >= max(created, since_ns):
        wait_s = backoff.remaining_s(failed.at_ns, backoff.pull_s(state.failures), pod.now)
        _show(one, failed.reason, failed.message, pod.now - failed.at_ns, plan)
        if wait_s:
            shown_s = backoff.remaining_s(failed.at_ns, backoff.SHOW_ERROR_NS / 1e9, pod.now)
            plan.again(min(wait_s, shown_s) if shown_s else wait_s)
            return False
    plan.do(pull(pod, one), f"Pulling {one.image}")
    return False


def _show(one: Wanted, reason: str, message: str, age_ns: int, plan: PodPlan) -> None:
    """An error shows as itself at first, then as a back-off; one that no repetition mends stays what it is."""
    if reason == "ErrImagePull" and age_ns >= backoff.SHOW_ERROR_NS:
        plan.wait(one.container, "ImagePullBackOff", f'Back-off pulling image "{one.image}": {reason}: {message}')
    else:
        plan.wait(one.container, reason, message)


def pull(pod: BoundPod, one: Wanted) -> PullImage:
    return PullImage(node=pod.node, image=one.image, policy=one.policy, credentials=credentials(pod, one.image))


def credentials(pod: BoundPod, image: str) -> tuple[tuple[str, str, str], ...]:
    """(registry, user, password) from the pod's image pull secrets, for the image's registry only."""
    first, slash, _ = image.partition("/")
    registry = first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
    found = []
    for reference in pod.spec.image_pull_secrets:
        secret = pod.view.get(core_v1.Secret, reference.name, pod.pod.metadata.namespace)
        for host, entry in _logins(secret).items() if secret is not None else ():
            name = "docker.io" if host == HUB else host.removeprefix("https://").removeprefix("http://").partition("/")[0]
            if name == registry:
                found.append((registry, *_login(entry)))
    return tuple(found)


def _logins(secret: core_v1.Secret) -> dict[str, Any]:
    try:
        if secret.type == "kubernetes.io/dockercfg":
            return dict(msgspec.json.decode(b64decode(secret.data.get(".dockercfg", "")), type=dict[str, Any]))
        config = msgspec.json.decode(b64decode(secret.data.get(".dockerconfigjson", "")), type=dict[str, Any])
        return dict(config.get("auths", {}))
    except (ValueError, msgspec.DecodeError):
        return {}  # a secret that holds no logins gives none: the pull says what the registry thinks of that


def _login(entry: dict[str, str]) -> tuple[str, str]:
    if "auth" in entry and "username" not in entry:
        user, _, password = b64decode(entry["auth"]).decode(errors="replace").partition(":")
        return user, password
    return entry.get("username", ""), entry.get("password", "")
