"""`shipslog rolling-update`: replace the pods of a ReplicationController by those of another, one at a time."""

import hashlib
import re
from pathlib import Path
from typing import Any

import click
import msgspec

from shipslog.engine.cli.shared.options import fail
from shipslog.engine.cli.shared.paint import printable
from shipslog.engine.settings.values import seconds

from . import objects
from .objects import CONTROLLER, POD, Objects, Value, named
from .rolling import NEXT, ORIGINAL, PARTNER, SOURCE, SUCCESSOR, NotRolled, Pace, Rolling, annotations, noted, replicas


def _span(_: click.Context, parameter: click.Parameter, text: str) -> float:
    """Seconds; `1m30s` too, as Go has it."""
    parts = re.findall(r"[0-9.]+[a-z]+", text)
    try:
        return sum(seconds(part, parameter.name or "") for part in (parts if "".join(parts) == text else [text]))
    except ValueError as error:
        raise fail(str(error), 2) from error


@click.command()
@click.argument("old_name", metavar="OLD")
@click.argument("new_name", metavar="[NEW]", required=False, default="")
@click.option("-f", "--filename", default="", metavar="FILE", help="The new controller; - for standard input.")
@click.option("--image", default="", help="Make the new controller of the old one, with this image.")
@click.option("--container", default="", help="Whose image it is, in a pod with several containers.")
@click.option("--image-pull-policy", "pull_policy", default="", help="For --image with the image that it has already.")
@click.option("--deployment-label-key", "key", default="deployment", show_default=True, help="The label that tells both apart.")
@click.option("--update-period", default="1m", show_default=True, callback=_span, help="Time between two pods.")
@click.option("--poll-interval", default="3s", show_default=True, callback=_span, help="Time between two looks.")
@click.option("--timeout", default="5m", show_default=True, callback=_span, help="Without any progress it is given up.")
@click.option("--rollback", is_flag=True, help="Undo an update that is under way.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@objects.options
def command(old_name: str, new_name: str, namespace: str, kubeconfig: Path | None, **options: Any) -> None:
    """Replace the pods of the ReplicationController OLD by those of a new one, one at a time, as kubectl did.

    The new one is in a file (-f), or is the old one with another image (--image); without NEW it has the old one's name at the
    end. What was cut off is gone on with by calling it again; --rollback undoes it."""
    wanted = msgspec.convert(options, Wanted)
    if problem := wanted.problem():
        raise fail(problem, 2)
    there = Objects.of(kubeconfig, namespace)
    pace = Pace(update_s=wanted.update_period, poll_s=wanted.poll_interval, timeout_s=wanted.timeout)
    objects.reporting(Update(there, Rolling(there, pace, _say, _aside), old_name, new_name, wanted).run)


def _say(text: str) -> None:
    """Without what a terminal would obey: names and reasons are others'."""
    click.echo(printable(text))


def _aside(text: str) -> None:
    click.echo(printable(text), err=True)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The options."""

    filename: str
    image: str
    container: str
    pull_policy: str
    key: str
    update_period: float
    poll_interval: float
    timeout: float
    rollback: bool
    dry_run: bool

    def problem(self) -> str:
        """What does not go together; "" when all is well."""
        if not self.key:
            return "--deployment-label-key can not be empty"
        if self.rollback:
            return "Don't specify --filename or --image on rollback" if self.filename or self.image else ""
        if not self.filename and not self.image:
            return "Must specify --filename or --image for new controller"
        return "--filename and --image can not both be specified" if self.filename and self.image else ""


class Update:
    """One call of the command."""

    def __init__(self, there: Objects, rolling: Rolling, old: str, new: str, wanted: Wanted) -> None:
        self._objects, self._rolling, self._wanted = there, rolling, wanted
        self._old, self._new = old, new
        self._renames = not new and not wanted.filename and not wanted.rollback

    def run(self) -> None:
        old = self._objects.get(CONTROLLER, self._old)
        if self._wanted.filename:
            self._by_file(old)
        elif self._wanted.rollback:
            self._back(old)
        else:
            self._by_image(old)

    # --- the new controller from a file ---

    def _by_file(self, old: Value | None) -> None:
        new = self._of_file()
        name = new["metadata"]["name"]
        if old is None:
            self._gone_on_without(name, self._old)
            self._done(f'rolling updated to "{name}"')
            return
        if name == self._old:
            raise NotRolled(
                f"{self._wanted.filename} cannot have the same name as the existing ReplicationController {self._old}"
            )
        if "replicas" not in new["spec"]:
            new["spec"]["replicas"] = int(annotations(old).get(ORIGINAL, replicas(old)))
        self._roll(old, new)

    def _of_file(self) -> Value:
        file = self._wanted.filename
        found = objects.read_manifest(file)
        if len(found) != 1:
            raise NotRolled(f"{file} specifies multiple items" if found else f"please make sure {file} exists and is not empty")
        kind, new = found[0]
        if kind is not CONTROLLER:
            raise NotRolled(f"{file} contains a {kind.api_version} {kind.kind} not a ReplicationController")
        new = {"spec": {}, **new, "metadata": {**(new.get("metadata") or {})}}
        if "name" not in new["metadata"] or not isinstance(new["spec"], dict):
            raise NotRolled(f"{file}: give the new controller a metadata.name and a spec")
        if new["metadata"].setdefault("namespace", self._objects.namespace) != self._objects.namespace:
            raise NotRolled(f"{file} is for namespace {new['metadata']['namespace']}, not for {self._objects.namespace}")
        return new

    # --- the new controller made of the old one ---

    def _by_image(self, old: Value | None) -> None:
        if old is None and self._new:
            self._gone_on_without(self._new, self._old)
            self._done(f'rolling updated to "{self._new}"')
            return
        if old is None:
            old = self._left_by_kubectl()
        if SUCCESSOR in annotations(old):
            self._rolling.rename(annotations(old)[NEXT], self._old)
            self._done("rolling updated")
            return
        name = self._new or annotations(old).get(NEXT, "")
        new = self._objects.get(CONTROLLER, name) if name else None
        if new is not None:
            image = _container(new, self._wanted.container)["image"]
            if image != self._wanted.image:
                raise NotRolled(
                    f"Found existing in-progress update to image ({image}).\n"
                    f"Either continue in-progress update with --image={image} or rollback with --rollback"
                )
            click.echo(f"Found existing update in progress ({printable(name)}), resuming.")
        else:
            new = self._of_old(old, name)
        if not self._wanted.dry_run:
            old = self._told_apart(old, new["metadata"]["name"])
        self._roll(old, new)

    def _of_old(self, old: Value, name: str) -> Value:
        wanted, metadata = self._wanted, old["metadata"]
        new: Value = msgspec.json.decode(msgspec.json.encode({"spec": old["spec"]}))
        container = _container(new, wanted.container)
        if container["image"] == wanted.image and not wanted.pull_policy:
            raise NotRolled(
                "--image-pull-policy (Always|Never|IfNotPresent) must be provided when --image is the same as existing "
                "container image"
            )
        container["image"] = wanted.image
        if wanted.pull_policy:
            container["imagePullPolicy"] = wanted.pull_policy
        value = _hash(new["spec"], metadata["resourceVersion"])
        new["spec"]["selector"][wanted.key] = value
        new["spec"]["template"]["metadata"]["labels"][wanted.key] = value
        new["spec"]["replicas"] = int(annotations(old).get(ORIGINAL, replicas(old)))
        new["metadata"] = {"name": name or f"{self._old}-{value}", "namespace": self._objects.namespace}
        if "labels" in metadata:
            new["metadata"]["labels"] = metadata["labels"]
        return {"kind": "ReplicationController", "apiVersion": "v1", **new}

    def _told_apart(self, old: Value, new: str) -> Value:
        """Note on the old controller what the new one is called, and have its pods and it bear a label of their own."""
        key, there = self._wanted.key, self._objects
        if key in old["spec"]["selector"]:
            return there.patch(CONTROLLER, self._old, noted({NEXT: new}))
        label = {key: f"{_hash(old['spec'], old['metadata']['uid'])}-orig"}
        template = {"template": {"metadata": {"labels": label}}}  # strictly first: what it makes from now on bears the label
        old = there.patch(CONTROLLER, self._old, {**noted({NEXT: new}), "spec": template})
        self._rolling.synced(self._old)
        for pod in there.list(POD, old["spec"]["selector"]):
            there.patch(POD, pod["metadata"]["name"], {"metadata": {"labels": label}})
        return there.patch(CONTROLLER, self._old, {"spec": {"selector": label}})

    def _left_by_kubectl(self) -> Value:
        """kubectl, cut off while it renamed, leaves the new controller alone. One without pods is made in the old's place."""
        for new in self._objects.list(CONTROLLER):
            if self._renames and (annotations(new).get(SOURCE) or "").startswith(f"{self._old}:"):
                name, label = new["metadata"]["name"], {self._wanted.key: "renaming"}
                template = msgspec.json.decode(msgspec.json.encode(new["spec"]["template"]))
                template["metadata"]["labels"] |= label
                spec = {"replicas": 0, "selector": new["spec"]["selector"] | label, "template": template}
                notes = {NEXT: name, SUCCESSOR: msgspec.json.encode(new["spec"]).decode()}
                metadata = {"name": self._old, "labels": new["metadata"].get("labels") or {}, "annotations": notes}
                made = {"kind": "ReplicationController", "apiVersion": "v1", "metadata": metadata, "spec": spec}
                return self._objects.create(CONTROLLER, made)
        raise self._not_found(self._old)

    # --- back, and to the end ---

    def _back(self, old: Value | None) -> None:
        if old is None:
            raise self._not_found(self._old)
        name = self._new or annotations(old).get(NEXT, "")
        if not name:
            raise NotRolled(f"no update of {self._old} is known; name the controller that it was updated to")
        new = self._objects.get(CONTROLLER, name)
        if new is None:
            self._gone_on_without(self._old, name, f"Could not find {name} to rollback.")
        elif self._wanted.dry_run:
            click.echo(f"Rolling from:\n{name}\nTo:\n{self._old}")
            return
        else:
            self._rolling.back(old, new)
        click.echo(f'{named(CONTROLLER, name)} rolled back to "{self._old}"')

    def _gone_on_without(self, left: str, gone: str, otherwise: str = "") -> None:
        """The one is deleted already: take the notes off the other, if they say that it was its update. Errors: NotRolled."""
        there = self._objects.get(CONTROLLER, left)
        notes = annotations(there) if there is not None else {}
        if not notes.get(SOURCE, "").startswith(f"{gone}:") and notes.get(PARTNER) != gone:
            raise NotRolled(otherwise) if otherwise else self._not_found(gone)
        click.echo(f"Continuing update with existing controller {left}.")
        self._rolling.finish(left)

    def _roll(self, old: Value, new: Value) -> None:
        ours, theirs = _selector(old), _selector(new)
        if self._wanted.filename and not any(key in theirs and theirs[key] != value for key, value in ours.items()):
            raise NotRolled(
                f"{self._wanted.filename} must specify a matching key with non-equal value in Selector for {self._old}"
            )
        if self._wanted.dry_run:
            click.echo(f"Rolling from:\n{self._old}\nTo:\n{new['metadata']['name']}")
            return
        self._rolling.roll(old, new, rename=self._renames)
        self._done("rolling updated" if self._renames else f'rolling updated to "{new["metadata"]["name"]}"')

    def _done(self, what: str) -> None:
        click.echo(f"{named(CONTROLLER, self._old)} {what}")

    def _not_found(self, name: str) -> NotRolled:
        return NotRolled(f'replicationcontrollers "{name}" not found in namespace {self._objects.namespace}')


def _selector(controller: Value) -> dict[str, str]:
    """Without one it is the labels of the template, as the server has it."""
    spec = controller["spec"]
    found: dict[str, str] = spec.get("selector") or spec.get("template", {}).get("metadata", {}).get("labels") or {}
    return found


def _container(controller: Value, name: str) -> Value:
    containers: list[Value] = controller["spec"]["template"]["spec"]["containers"]
    found = [container for container in containers if container["name"] == name] if name else containers
    if not found:
        raise NotRolled(f"container {name} not found in pod")
    if len(found) > 1:
        raise NotRolled("must specify container to update when updating a multi-container pod")
    return found[0]


def _hash(spec: Value, salt: str) -> str:
    """32 hexadecimal digits, as kubectl's were; another each time, also for the same image."""
    return hashlib.sha256(msgspec.json.encode(spec, order="deterministic") + salt.encode()).hexdigest()[:32]
