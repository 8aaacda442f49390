"""Rolling updates from the client's side: their lines, their end, and that they go on wherever one was cut off."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shipslog import Cluster
from shipslog.engine.cli import main
from shipslog.engine.cli.retired import rolling
from shipslog.engine.cli.retired.rolling import NOTES
from shipslog.engine.cli.shared.remote import Remote
from shipslog.engine.library import Background
from shipslog.store.objects.types import core_v1

QUICK = ("--update-period", "0s", "--poll-interval", "10ms", "--timeout", "20s")
COUNT = 3
FEW = 2  # where one is cut off at each of its writes: every sort of write is among them


def controller(name: str, version: str, image: str, replicas: int | None = COUNT) -> dict[str, Any]:
    labels = {"app": "web", "version": version}
    spec: dict[str, Any] = {
        "selector": labels,
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def served() -> Iterator[Background[Cluster]]:
    with Cluster.serving() as served:
        make(served, controller("web-v1", "1", "web:1"))
        yield served


@pytest.fixture
def new(tmp_path: Path) -> str:
    path = tmp_path / "web-v2.json"
    path.write_text(json.dumps(controller("web-v2", "2", "web:2", replicas=None)))
    return str(path)


def make(served: Background[Cluster], value: dict[str, Any]) -> None:
    name, count = value["metadata"]["name"], value["spec"]["replicas"]
    served.run(lambda cluster: cluster.create(value))
    served.run(
        lambda cluster: cluster.wait(core_v1.ReplicationController, name, until=lambda rc: rc.status.ready_replicas == count)
    )


def update(served: Background[Cluster], *arguments: str, **options: Any) -> Result:
    command = ("rolling-update", "--kubeconfig", str(served.kubeconfig), *QUICK, *arguments)
    return CliRunner().invoke(main, command, **options)


def lines(served: Background[Cluster], *arguments: str) -> list[str]:
    done = update(served, *arguments)
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def look(served: Background[Cluster]) -> tuple[list[core_v1.ReplicationController], list[core_v1.Pod]]:
    async def found(cluster: Cluster) -> Any:
        return cluster.list(core_v1.ReplicationController, "default"), cluster.list(core_v1.Pod, "default")

    controllers, pods = served.run(found)
    return controllers, [pod for pod in pods if not pod.metadata.deletion_timestamp]


def check_alone(served: Background[Cluster], name: str, image: str, count: int = COUNT) -> None:
    """The one controller with its pods is all that there is, and nothing is noted on it."""
    served.run(
        lambda cluster: cluster.wait(
            core_v1.ReplicationController, name,
            until=lambda rc: rc.status.ready_replicas == rc.status.replicas == rc.spec.replicas == count,
        )
    )  # fmt: skip
    controllers, pods = look(served)
    (left,) = controllers
    assert left.metadata.name == name and not set(NOTES) & set(left.metadata.annotations)
    owned = [pod for pod in pods if any(owner.uid == left.metadata.uid for owner in pod.metadata.owner_references)]
    assert len(pods) == len(owned) == count and {pod.spec.containers[0].image for pod in pods} == {image}


def test_by_a_file_it_says_each_step(served: Background[Cluster], new: str) -> None:
    assert lines(served, "web-v1", "-f", new) == [
        "Created web-v2",
        "Scaling up web-v2 from 0 to 3, scaling down web-v1 from 3 to 0 (keep 3 pods available, don't exceed 4 pods)",
        "Scaling web-v2 up to 1",
        "Scaling web-v1 down to 2",
        "Scaling web-v2 up to 2",
        "Scaling web-v1 down to 1",
        "Scaling web-v2 up to 3",
        "Scaling web-v1 down to 0",
        "Update succeeded. Deleting web-v1",
        'replicationcontroller "web-v1" rolling updated to "web-v2"',
    ]
    check_alone(served, "web-v2", "web:2")


def test_by_an_image_the_name_stays(served: Background[Cluster]) -> None:
    before = {pod.metadata.uid for pod in look(served)[1]}
    told = lines(served, "web-v1", "--image", "web:2")
    made = told[0].removeprefix("Created ")
    assert told[0].startswith("Created web-v1-") and len(told) == 11
    assert told[-3:] == [
        "Update succeeded. Deleting old controller: web-v1",
        f"Renaming {made} to web-v1",
        'replicationcontroller "web-v1" rolling updated',
    ]
    check_alone(served, "web-v1", "web:2")
    uids = {pod.metadata.uid for pod in look(served)[1]}
    assert not uids & before
    lines(served, "web-v1", "web-v3", "--image", "web:3")
    check_alone(served, "web-v3", "web:3")
    assert "--image-pull-policy" in update(served, "web-v3", "--image", "web:3").stderr
    lines(served, "web-v3", "--image", "web:3", "--image-pull-policy", "Always")
    check_alone(served, "web-v3", "web:3")


def test_no_pod_less_and_one_more_at_most(served: Background[Cluster], new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    call, seen = Remote.call, []

    def looked(remote: Remote, method: str, *arguments: Any) -> Any:
        answer = call(remote, method, *arguments)
        pods = look(served)[1]
        ready = [pod for pod in pods if any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)]
        seen.append((len(ready), len(pods)))
        return answer

    monkeypatch.setattr(Remote, "call", looked)
    lines(served, "web-v1", "-f", new)
    assert min(ready for ready, _ in seen) >= COUNT and max(pods for _, pods in seen) == COUNT + 1


class Killed(BaseException):
    """The process ends here."""


def killed(served: Background[Cluster], monkeypatch: pytest.MonkeyPatch, at: int, *arguments: str) -> bool:
    """Run it and kill it at its write number `at`: an even one before it is carried out, an odd one right after. -> whether it
    came so far."""
    call, writes = Remote.call, 0

    def counted(remote: Remote, method: str, *rest: Any) -> Any:
        nonlocal writes
        if method == "GET":
            return call(remote, method, *rest)
        if writes == at:
            raise Killed
        writes += 1
        answer = call(remote, method, *rest)
        if writes == at:
            raise Killed
        writes += 1
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Remote, "call", counted)
        try:
            done = update(served, *arguments)
        except Killed:
            return True
    return isinstance(done.exception, Killed)


def is_done(served: Background[Cluster], name: str, image: str) -> bool:
    first, *others = look(served)[0]
    there = (first.metadata.name, first.spec.template.spec.containers[0].image)
    return not others and there == (name, image) and not set(NOTES) & set(first.metadata.annotations)


def reset(served: Background[Cluster], count: int) -> None:
    async def emptied(cluster: Cluster) -> None:
        for rc in cluster.list(core_v1.ReplicationController, "default"):
            await cluster.delete(core_v1.ReplicationController, rc.metadata.name)
        for pod in cluster.list(core_v1.Pod, "default"):
            await cluster.delete(core_v1.Pod, pod.metadata.name, grace_period_s=0)

    served.run(emptied)
    make(served, controller("web-v1", "1", "web:1", count))


Form = Callable[[str], tuple[str, ...]]
FORMS: dict[str, tuple[Form, str]] = {
    "file": (lambda new: ("web-v1", "-f", new), "web-v2"),
    "image": (lambda new: ("web-v1", "--image", "web:2"), "web-v1"),
    "image and name": (lambda new: ("web-v1", "web-v2", "--image", "web:2"), "web-v2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_wherever_it_is_cut_off_it_goes_on(
    served: Background[Cluster], new: str, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    arguments, name = FORMS[form]
    at = 0
    reset(served, FEW)
    while killed(served, monkeypatch, at, *arguments(new)):
        if not is_done(served, name, "web:2"):  # else it was cut off after its last write
            lines(served, *arguments(new))
        check_alone(served, name, "web:2", FEW)
        reset(served, FEW)
        at += 1
    assert at > 11


def test_what_is_under_way_is_undone(served: Background[Cluster], new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert killed(served, monkeypatch, 8, "web-v1", "-f", new)
    told = lines(served, "web-v1", "web-v2", "--rollback")
    assert told[:2] == ['Setting "web-v1" replicas to 3', "Continuing update with existing controller web-v1."]
    assert told[-2:] == ["Update succeeded. Deleting web-v2", 'replicationcontroller "web-v2" rolled back to "web-v1"']
    check_alone(served, "web-v1", "web:1")
    assert "Could not find web-v2 to rollback." in update(served, "web-v1", "web-v2", "--rollback").stderr


@pytest.mark.slow
def test_an_undoing_that_is_cut_off_goes_on(served: Background[Cluster], new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    back, at = ("web-v1", "web-v2", "--rollback"), 0
    reset(served, FEW)
    while killed(served, monkeypatch, 8, "web-v1", "-f", new) and killed(served, monkeypatch, at, *back):
        if not is_done(served, "web-v1", "web:1"):
            lines(served, *back)
        check_alone(served, "web-v1", "web:1", FEW)
        reset(served, FEW)
        at += 1
    assert at > 6


def test_what_kubectl_left_in_the_middle_of_a_rename_is_renamed(served: Background[Cluster]) -> None:
    value = controller("web-v1-abc", "2", "web:2")
    value["metadata"]["annotations"] = {NOTES[0]: "gone:1234"}
    served.run(lambda cluster: cluster.delete(core_v1.ReplicationController, "web-v1"))
    make(served, value)
    assert lines(served, "gone", "--image", "web:2") == [
        "Renaming web-v1-abc to gone",
        'replicationcontroller "gone" rolling updated',
    ]
    check_alone(served, "gone", "web:2")


def test_what_cannot_be_rolled_says_why(served: Background[Cluster], new: str, tmp_path: Path) -> None:
    def file(value: Any) -> str:
        path = tmp_path / "file"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return str(path)

    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {}}
    make(served, controller("other", "9", "web:9", replicas=0))
    for said, arguments in {
        "Must specify --filename or --image": ("web-v1",),
        "can not both be specified": ("web-v1", "-f", new, "--image", "i"),
        "Don't specify --filename or --image on rollback": ("web-v1", "--image", "i", "--rollback"),
        'replicationcontrollers "none" not found': ("none", "-f", new),
        "not a ReplicationController": ("web-v1", "-f", file(pod)),
        "No such file": ("web-v1", "-f", str(tmp_path / "none")),
        "--update-period '10': give a time with its unit": ("web-v1", "-f", new, "--update-period", "10"),
        "--timeout '1m3': give a time with its unit": ("web-v1", "-f", new, "--timeout", "1m3"),
        "container x not found in pod": ("web-v1", "--image", "i", "--container", "x"),
        "no update of web-v1 is known": ("web-v1", "--rollback"),
    }.items():
        done = update(served, *arguments)
        assert done.exit_code and said in done.stderr, (said, done.output)
    for said, value in {
        "cannot have the same name": controller("web-v1", "2", "web:2"),
        "must specify a matching key with non-equal value in Selector": controller("web-v2", "1", "web:2"),
        "required: > 0 replicas, actual: 0": controller("web-v2", "2", "web:2", replicas=0),
        "Missing/unexpected annotations for controller other": controller("other", "9", "web:9"),
        "specifies multiple items": json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, pod]}),
        "exists and is not empty": "",
    }.items():
        done = update(served, "web-v1", "-f", file(value))
        assert done.exit_code == 1 and said in done.stderr, (said, done.output)
    controllers, _ = look(served)
    assert {rc.metadata.name: rc.spec.replicas for rc in controllers} == {"web-v1": COUNT, "other": 0}
    assert lines(served, "web-v1", "-f", new, "--dry-run", "--timeout", "1m30s") == ["Rolling from:", "web-v1", "To:", "web-v2"]


def test_what_others_say_commands_no_terminal(served: Background[Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    value = controller("web-v2", "2", "web:2\x1b[2J", replicas=0)
    served.run(lambda cluster: cluster.create(value))
    served.run(
        lambda cluster: cluster.patch(
            core_v1.ReplicationController, "web-v1", {"metadata": {"annotations": {NOTES[3]: "web-v2"}}}
        )
    )
    done = update(served, "web-v1", "--image", "web:3")
    assert (
        done.exit_code == 1 and "Found existing in-progress update to image (web:2\N{REPLACEMENT CHARACTER}[2J)" in done.stderr
    )


def test_pods_that_do_not_become_ready_hold_it(served: Background[Cluster], new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "ASIDE_S", 0.05)
    value = json.loads(Path(new).read_text())
    value["spec"]["template"]["spec"]["nodeSelector"] = {"no": "where"}
    Path(new).write_text(json.dumps(value))
    done = update(served, "web-v1", "-f", new, "--timeout", "200ms")
    assert done.exit_code == 1 and "timed out waiting for any update progress" in done.stderr, done.output
    assert re.search(r"^Waiting for web-v2: web-v2-\w+: Unschedulable: 0/1 nodes are available", done.stderr, re.M), done.stderr
    controllers, _ = look(served)
    assert {rc.metadata.name: rc.spec.replicas for rc in controllers} == {"web-v1": COUNT, "web-v2": 1}
