"""A log of any release opens, is served, goes on, and decides as it did; what one fact is called is fixed for ever."""

import gzip
import hashlib
import ssl
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace

from shipslog.engine.api.connection.server import ApiServer
from shipslog.engine.auth import certificates
from shipslog.engine.cluster import Cluster
from shipslog.engine.past import replay
from shipslog.engine.past.views import load, view_at
from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.rule.decision import Decide, Decision, blind_to
from shipslog.reconcilers.rule.digest import digest
from shipslog.runtime.commands import AnyRuntimeCommand
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import decode_fact, encode_fact
from shipslog.store.facts import AnyFact, DecisionTaken
from shipslog.store.log.event_log import Snapshot
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import coordination_v1, core_v1, meta_v1
from shipslog.store.objects.wire import codec
from shipslog.store.state import (
    AutoscalerState,
    ContainerRuntime,
    ImageState,
    NetworkPolicyState,
    PodRuntime,
    PressureState,
    ProbeState,
    RulesetState,
    VolumeState,
)
from shipslog.store.view import View

HERE = Path(__file__).parent
FACTS = sorted(HERE.glob("facts-*.jsonl"))


@pytest.fixture(params=sorted((HERE / "logs").glob("*.db.gz")), ids=lambda path: path.name.partition(".")[0])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    unpacked = tmp_path / "log.db"
    unpacked.write_bytes(gzip.decompress(request.param.read_bytes()))
    return unpacked


async def test_every_decision_comes_out_as_it_did(path: Path) -> None:
    async with await SqliteLog.open(path, read_only=True) as log:
        verified = await replay.verify(log, ALL)
    assert verified.difference is None, str(verified.difference)
    assert verified.events > 1000 and verified.decisions + sum(verified.other_versions.values()) > 50


async def test_most_rules_have_their_present_version_in_some_log(tmp_path: Path) -> None:
    """Where none had any more, nothing would be verified: then a log of today belongs beside the others (`make.py`)."""
    taken = Counter[tuple[str, int]]()
    for packed in sorted((HERE / "logs").glob("*.db.gz")):
        (unpacked := tmp_path / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
        async with await SqliteLog.open(unpacked, read_only=True) as log:
            async for events in log.read():
                facts = [event.fact for event in events if isinstance(event.fact, DecisionTaken)]
                taken.update((fact.reconciler, fact.rule_version) for fact in facts)
    told = {name for name, _ in taken}
    present = {rule.name for rule in ALL if (rule.name, rule.version) in taken}
    assert len(present) > len(told) * 0.7, f"only in another version: {sorted(told - present)}"


class WithoutLeases:
    """A view for a rule that has not said that it reads leases."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __getattr__(self, name: str) -> Any:
        held = getattr(self._view, name)
        return partial(self._asked, held) if name in ("get", "list", "select") else held

    def _asked(self, read: Callable[..., Any], kind: type[Any], *where: Any) -> Any:
        assert kind is not coordination_v1.Lease, "a rule reads leases and does not say so: retention would take them away"
        return read(kind, *where)


async def test_rules_read_no_heartbeats_that_they_do_not_declare(path: Path) -> None:
    blind = blind_to(ALL, [BUILTIN.of(coordination_v1.Lease)])

    def without(decide: Decide, view: View, key: str, *, now: int) -> Decision:
        return decide(cast(View, WithoutLeases(view)), key, now=now)

    rules = [replace(r, decide=partial(without, r.decide)) if r.name in blind else r for r in ALL]
    async with await SqliteLog.open(path, read_only=True) as log:
        verified = await replay.verify(log, rules)
    assert verified.difference is None, str(verified.difference)


async def test_its_snapshot_is_what_its_events_come_to(path: Path) -> None:
    async with await SqliteLog.open(path, read_only=True) as log:
        saved = await log.load_snapshot()
        assert saved is not None
        view = MemoryView()
        async for events in log.read(0, saved.revision):
            for event in events:
                view.evolve(event)
        restored = snapshots.restore(saved)
        assert {e.object.metadata.name for e in restored.entries("pods")} == {
            e.object.metadata.name for e in view.entries("pods")
        }
        assert (await load(log)).revision == log.revision > saved.revision


async def test_it_is_served(path: Path, tmp_path: Path) -> None:
    pki = certificates.ensure(tmp_path / "pki")
    async with await SqliteLog.open(path, read_only=True) as log:
        server = ApiServer(replay.Recording(log, await view_at(log, log.revision)), pki=pki, data=tmp_path, port=0)
        await server.start()
        context = ssl.create_default_context(cafile=pki.directory / "ca.crt")
        context.load_cert_chain(pki.directory / "admin.crt", pki.directory / "admin.key")
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
                for where in ("", "/at/rev/400"):
                    async with session.get(f"https://127.0.0.1:{server.port}{where}/api/v1/pods") as response:
                        pods = (await response.json())["items"]
                        assert response.status == 200 and pods and all(pod["metadata"]["uid"] for pod in pods)
        finally:
            await server.stop()


async def test_it_goes_on(path: Path) -> None:
    async with Cluster.open(path) as cluster:
        before = cluster.view.revision
        await cluster.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="new", namespace="default")))
        assert cluster.view.revision > before
    async with await SqliteLog.open(path) as log:
        await log.verify()


# What is kept of each file here: how many of its lines, and their hash; 0 lines are the whole file, which no line follows.
# Lines of the newest list may follow those; a list, log or snapshot that is not the newest is never touched again.
KEPT = {
    "commands-2.jsonl": (15, "01d658006668d54a141a76e67ba4dd7c0896f86c11a91dd058f2cfd7093bd38b"),
    "commands-3.jsonl": (60, "2adc4a2e40122eebfd910a1526d8f6c664ed91235f7f912e42e082733a5f5726"),
    "facts-1.jsonl": (19, "3206242dcf24f82ba8bc88cf43b818f43f2ff270cd1d46216d7bcb6a240c33ee"),
    "facts-2.jsonl": (2, "e29f0f2b229d8d4ea9817707c5cf876cf2d07581a73a38769b7f85165e265e05"),
    "objects-2.jsonl": (45, "2c21502b11329df33fc4d9001f846fc456d81ae82c318e563130bdc390fc14a9"),
    "snapshot-1-addresses.json": (0, "3dd2ef2905b560b2c36f5bff6731ceb61514258d3812d02205b7ef2cc05b9163"),
    "snapshot-1-autoscalers.json": (0, "599afe80741d686d859af10f7afd624ebeeeadaa169a5bc5f3b90b91fb64de5f"),
    "snapshot-1-cut-off.json": (0, "f0e083d72ab6bd86d3c8ae16e686edb807806bc832a1ff053e7e4b0ae1adb5ee"),
    "snapshot-1-limits.json": (0, "1d10c3e5829ba801fba9df1b487eed4d0e4c2e71b5752b6e66391ee56184d2d4"),
    "snapshot-1-network-policies.json": (0, "52b704bae2273d7f230b80e9fe8d3b3a47d183ccb40c73501627e8df5af7a237"),
    "snapshot-1-pressure.json": (0, "fdb974d5398e405351b0d527524df833565725efc98f0ad08f07b0fd82f162a7"),
    "snapshot-1-settling.json": (0, "c1b4a74797d4df4e8d8e44c04aa4ddd2ecf3467e6197c622314e07f012ad8e69"),
    "snapshot-1-users.json": (0, "44b366fbadf235b522f0b8fc4b0efa05cbcd577273bc4742d3be2c25519ce9b4"),
    "snapshot-1-volumes.json": (0, "fe76cb3f5872ce760d98ea2e9aa351eb2b063f600276c57f6dcfe07f5c4bf1d4"),
    "snapshot-1.json": (0, "23857f3133b03ce1bca129497d9f9d7caf4fb902d60b8d45f7813c622df6ed84"),
    "format-1.db.gz": (0, "f2977ef84ec79be4ad8e0133b231a26124f2734abbedd988367cf6543bcffed8"),
    "format-2.db.gz": (0, "49d5ed6fec8625e95d6eda686033c8581ff59199010c871e2dfd530164280492"),
    "format-2-versions.db.gz": (0, "c90e2188b36c2e5b386a33ef84a93566b6d75c4a82ac7f39758f8957e74cf3fb"),
    "format-2-conformance.db.gz": (0, "1f08c79756b2ff085c21af259e26491de003f5d764c7f711983db39d6cbb42f7"),
    "format-2-workloads.db.gz": (0, "8a2e7745733ae604128f27ddd6b4c34b9fa5731e8eb56708469934c8c7d0539b"),
}
GOLDEN = [path for path in sorted((*HERE.glob("*.json*"), *(HERE / "logs").iterdir())) if path.is_file()]


def faults_of(path: Path, content: bytes, *, newest: bool) -> str:
    """What is wrong with the content of a golden file, and what to do; "" if nothing is."""
    lines, expected = KEPT.get(path.name, (0, ""))
    kept = b"".join(content.splitlines(keepends=True)[:lines]) if lines and newest else content
    found = hashlib.sha256(kept).hexdigest()
    if not expected:
        number = 0 if not path.name.endswith(".jsonl") else len(content.splitlines())
        return f'{path.name} is new: once it is as it shall stay, write "{path.name}": ({number}, "{found}") into KEPT'
    if found == expected:
        return ""
    rest = (
        "put what is new after them" if lines and newest else "put what is new into another file, the next list of its family"
    )
    return f"{path.name}: what was written once is read for ever and must not change. Take back what was changed; {rest}"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_what_was_written_once_is_untouched(path: Path) -> None:
    family = path.name.partition("-")[0]
    newest = path == [other for other in GOLDEN if other.name.startswith(f"{family}-")][-1]
    assert not (fault := faults_of(path, path.read_bytes(), newest=newest)), fault


def test_a_changed_list_is_found_and_told_what_to_do() -> None:
    old, new = HERE / "facts-1.jsonl", HERE / "facts-2.jsonl"
    more = b'{"type":"Another"}\n'
    assert "another file" in faults_of(old, old.read_bytes() + more, newest=False)
    assert not faults_of(new, new.read_bytes() + more, newest=True)
    assert "after them" in faults_of(new, more + new.read_bytes(), newest=True)
    assert "another file" in faults_of(HERE / "snapshot-1.json", b"{}", newest=True)
    assert "into KEPT" in faults_of(HERE / "facts-3.jsonl", more, newest=True)
    assert {path.name for path in GOLDEN} >= KEPT.keys(), "a golden file is gone"


@pytest.mark.parametrize("frozen", FACTS, ids=lambda path: path.stem)
def test_tags_and_fields_of_facts_are_as_they_were(frozen: Path) -> None:
    """A renamed tag or field leaves logs unreadable: give the new one a new tag, and an upcaster for the old one."""
    for line in frozen.read_bytes().splitlines():
        fact = decode_fact(line)
        assert msgspec.json.decode(line).items() <= msgspec.json.decode(encode_fact(fact)).items(), f"read otherwise: {line!r}"


def test_every_fact_is_frozen_with_all_its_fields() -> None:
    """A new fact, a new field: add its line to the newest list, so that it is kept from then on."""
    told: dict[str, set[str]] = {}
    for frozen in FACTS:
        for line in frozen.read_bytes().splitlines():
            fact = msgspec.json.decode(line)
            told.setdefault(fact.pop("type"), set()).update(fact)
    assert told == {t.__struct_config__.tag: set(t.__struct_fields__) for t in get_args(AnyFact)}


# --- the digests of decisions ---

COMMANDS = sorted(HERE.glob("commands-*.jsonl"))
DIGESTED_OBJECTS = HERE / "objects-2.jsonl"  # objects full and empty, with the digests that version 1 and 2 had of them


def command_of(told: dict[str, Any]) -> Any:
    """The command that a line of a list tells of. Object commands hold an object, whose type its kind says."""
    if "object" in told:
        kind = BUILTIN.by_gvk(told["object"]["apiVersion"], told["object"]["kind"])
        assert kind is not None
        told = {**told, "object": codec.from_builtins(kind.type, told["object"])[0]}
    return msgspec.convert(told, AnyRuntimeCommand | AnyObjectCommand)


@pytest.mark.parametrize("frozen", COMMANDS, ids=lambda path: path.stem)
def test_digests_of_commands_are_as_they_were(frozen: Path) -> None:
    """A renamed tag or field of a command, another default: recorded decisions would be called different."""
    for line in frozen.read_bytes().splitlines():
        told = msgspec.json.decode(line)
        found = {version: digest((command_of(told["command"]),), int(version)) for version in told["digests"]}
        assert found == told["digests"], f"another digest: {line!r}"


def test_digests_of_objects_are_as_they_were() -> None:
    """Whatever becomes of a type, in which order its fields stand and what of it is written: the old digests stay."""
    for line in DIGESTED_OBJECTS.read_bytes().splitlines():
        told = msgspec.json.decode(line)
        found = {version: digest((command_of(told["command"]),), int(version)) for version in told["digests"]}
        assert found == told["digests"], f"another digest: {line[:300]!r}"


def test_every_command_is_frozen_with_all_its_fields() -> None:
    """A new command, a new field: add a line to the newest list, so that its digest is kept from then on."""
    told: dict[str, set[str]] = {}
    for frozen in COMMANDS:
        for line in frozen.read_bytes().splitlines():
            command = msgspec.json.decode(line)["command"]
            told.setdefault(command.pop("type"), set()).update(command)
    every = get_args(AnyRuntimeCommand | AnyObjectCommand)
    assert told == {t.__struct_config__.tag: set(t.__struct_fields__) for t in every}


# --- snapshots ---


SNAPSHOTS = sorted(HERE.glob("snapshot-*.json"))


def within(was: Any, now: Any) -> bool:
    """Whether all that was there is there, at any depth; a later version may add members."""
    if isinstance(was, dict) and isinstance(now, dict):
        return all(name in now and within(value, now[name]) for name, value in was.items())
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(within(*pair) for pair in zip(was, now, strict=True))
    return bool(was == now)


def test_every_part_of_a_snapshot_is_frozen_with_all_its_fields() -> None:
    held: dict[type[msgspec.Struct], set[str]] = {}
    for told in (msgspec.json.decode(path.read_bytes()) for path in SNAPSHOTS):
        (pod,), ((_, _, image),) = told["pods"], told["images"]
        container = pod["containers"]["c"]
        parts: list[tuple[type[msgspec.Struct], dict[str, Any]]] = [
            (snapshots.SavedView, told),
            (PodRuntime, pod),
            (ContainerRuntime, container),
            (ImageState, image),
            (ProbeState, container["probes"]["liveness"]),
            (RulesetState, told["rulesets"]["n"]),
            *((NetworkPolicyState, state) for state in told.get("network_policies", {}).values()),
            *((PressureState, state) for state in told.get("pressure", {}).values()),
            *((VolumeState, volume) for volume in told.get("volumes", ())),
            *((AutoscalerState, autoscaler) for autoscaler in told.get("autoscalers", ())),
        ]
        for part, members in parts:
            held.setdefault(part, set()).update(members)
    for part, members in held.items():
        assert set(part.__struct_fields__) == members, (
            f"put the new field of {part.__name__} into one more snapshot here, snapshot-1-WITH-THE-FIELD.json"
        )


@pytest.mark.parametrize("frozen", SNAPSHOTS, ids=lambda path: path.stem)
def test_a_snapshot_is_read_as_it_was_written(frozen: Path) -> None:
    """Every field, of each part: one that is renamed would make the state after an opening differ without a word."""
    payload = frozen.read_bytes()
    saved = msgspec.json.decode(payload, type=snapshots.SavedView)
    assert within(msgspec.json.decode(payload), msgspec.json.decode(msgspec.json.encode(saved))), "as it was, and all of it"
    view = snapshots.restore(Snapshot(7, 7, payload))
    assert [entry[0] for entry in view.state()["entries"]] == ["configmaps", "ships.example.com"]
