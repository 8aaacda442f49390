"""A log that is sent away holds no secret, and is otherwise what it was."""

import base64
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from shipslog import Cluster
from shipslog.engine.cli.export import command
from shipslog.engine.cluster import all_reconcilers
from shipslog.engine.past.replay import verify
from shipslog.engine.past.views import load
from shipslog.engine.redaction import ENCODED_MARK, LAST_APPLIED, MARK, export, redacted
from shipslog.engine.secret_texts import without_secrets
from shipslog.store.log.event_log import LogError
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.types import core_v1

PASSWORD = "hunter2-of-the-harbour"
ENCODED = base64.b64encode(PASSWORD.encode()).decode()
APPLIED = '{"kind":"Secret","stringData":{"b":"' + PASSWORD + '"}}'
MANIFEST = f"""
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{password: {PASSWORD}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: plain}}
data: {{greeting: ahoy}}
---
apiVersion: v1
kind: ReplicationController
metadata: {{name: web}}
spec:
  replicas: 1
  selector: {{app: web}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
        - name: main
          image: img
          env:
            - {{name: PASSWORD, value: {PASSWORD}}}
            - {{name: NODE, valueFrom: {{fieldRef: {{fieldPath: spec.nodeName}}}}}}
"""


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Path]:
    """A log with secrets in its events, in a snapshot, and in pages that were freed."""
    path = tmp_path / "data" / "cluster.db"
    path.parent.mkdir()
    async with Cluster.open(path, snapshot_every=5) as cluster:
        await cluster.apply(MANIFEST)
        await cluster.wait(core_v1.ReplicationController, "web", until=lambda rc: rc.status.ready_replicas == 1)
        for number in range(10):
            await cluster.apply(MANIFEST.replace("ahoy", f"ahoy {number}"))
        yield path


async def test_no_secret_is_anywhere_in_the_file(source: Path, tmp_path: Path) -> None:
    assert PASSWORD.encode() in b"".join(p.read_bytes() for p in source.parent.glob("cluster.db*"))
    target = tmp_path / "sent.db"
    exported = await export(source, target)
    revision = exported.revision
    assert exported.events > 5 and target.stat().st_mode & 0o077 == 0
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith((".ship", "sent"))] == ["sent.db"]
    for secret in (PASSWORD, ENCODED):
        assert secret.encode() not in target.read_bytes()
    assert exported.values == {"value of a Secret": 2, "value of an environment variable": 1}
    with sqlite3.connect(target) as db:
        assert db.execute("SELECT count(*) FROM snapshots").fetchone() == (0,)
    async with await SqliteLog.open(target, read_only=True) as log:
        await log.verify()
        assert log.revision == revision
        view = await load(log)
    (secret,) = [s for s in view.list(core_v1.Secret, "default") if s.metadata.name == "key"]
    assert secret.data["password"] in (ENCODED_MARK, MARK.encode())
    (pod,) = view.list(core_v1.Pod, "default")
    assert [variable.value for variable in pod.spec.containers[0].env] == [MARK, ""]
    plain = view.get(core_v1.ConfigMap, "plain", "default")
    assert plain is not None and plain.data == {"greeting": "ahoy 9"}


async def test_all_else_is_as_it_was(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "sent.db"
    await export(source, target)

    def rows(path: Path) -> list[Any]:
        with sqlite3.connect(path) as db:
            return db.execute("SELECT revision, time_ns, actor, cause, object, checksum IS NULL FROM events").fetchall()

    assert rows(source)[: len(rows(target))] == rows(target)


async def test_verify_says_that_decisions_are_not_taken_again(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "sent.db"
    await export(source, target)
    async with await SqliteLog.open(target, read_only=True) as log:
        verdict = await verify(log, all_reconcilers())
    assert verdict.redacted > 0 and verdict.other_digests == verdict.decisions == 0, verdict
    assert verdict.skipped() == [f"{verdict.redacted} that were taken on what is not in this copy any more: it is redacted"]


async def test_a_copy_that_was_changed_is_found(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "sent.db"
    await export(source, target)
    with sqlite3.connect(target) as db:
        db.execute("UPDATE events SET actor = 'somebody' WHERE revision = 3")
    with pytest.raises(LogError, match="does not agree with its events"):
        await SqliteLog.open(target, read_only=True)


async def test_a_file_that_is_there_is_left_as_it_is(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "sent.db"
    target.write_text("mine")
    with pytest.raises(FileExistsError, match="left as it is"):
        await export(source, target)
    assert target.read_text() == "mine"


def test_what_is_no_object_stays_byte_for_byte() -> None:
    for fact in (b'{"type":"ClockStepped","from_ns":7}', b'{ "type":"ImagePulled", "node":"n" }'):
        assert redacted(fact) == fact


@pytest.mark.parametrize(
    "obj",
    [
        {"kind": "Secret", "data": {"a": ENCODED}, "stringData": {"b": PASSWORD}},
        {"kind": "List", "items": [{"kind": "Secret", "data": {"a": ENCODED}}]},
        {"kind": "Pod", "spec": {"initContainers": [{"env": [{"name": "A", "value": PASSWORD}]}]}},
        {"kind": "Pod", "spec": {"ephemeralContainers": [{"env": [{"name": "A", "value": PASSWORD}]}]}},
        {"kind": "Pod", "spec": {"containers": [{"livenessProbe": {"httpGet": {"httpHeaders": [{"value": PASSWORD}]}}}]}},
        {"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: APPLIED}}},
        {"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: "{" + PASSWORD}}},
        {"kind": "Pod", "metadata": {"annotations": {"my-copy": APPLIED}}},
        {"kind": "Database", "spec": {"adminPassword": PASSWORD, "parameters": [{"name": "api_key", "value": PASSWORD}]}},
        {"kind": "ConfigMap", "data": {"db.password": PASSWORD, "app.yaml": f"db:\n  password: {PASSWORD}\n"}},
        {"kind": "Pod", "spec": {"containers": [{"args": ["--password", PASSWORD, f"--token={PASSWORD}"]}]}},
        {"kind": "Pod", "spec": {"containers": [{"command": ["sh", "-c", f"psql postgres://me:{PASSWORD}@db/shop"]}]}},
        {"kind": "Event", "message": f"got 401 with Authorization: Bearer {PASSWORD}"},
        {
            "kind": "ConfigMap",
            "data": {"key.pem": f"-----BEGIN EC PRIVATE KEY-----\n{PASSWORD}\n-----END EC PRIVATE KEY-----\n"},
        },
    ],
)
def test_a_secret_is_found_wherever_it_stands(obj: dict[str, Any]) -> None:
    fact = msgspec.json.encode({"type": "ObjectCreated", "resource": "r", "name": "n", "uid": "u", "object": obj})
    after = redacted(fact)
    assert PASSWORD.encode() not in after and ENCODED.encode() not in after
    kept = msgspec.json.decode(after)
    assert (kept["type"], kept["name"], kept["object"]["kind"]) == ("ObjectCreated", "n", obj["kind"])


PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{PASSWORD}\n"
AUTH = "Y2FwdGFpbjpydW0="
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYXB0YWluIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"a {JWT} b", f"a {MARK} b"),
        (base64.b64encode(PEM.encode()).decode(), MARK),
        (f"x={PEM}", f"x={MARK}"),
        ("https://user:p4ss@host/x?access_token=abc&page=2", f"https://user:{MARK}@host/x?access_token={MARK}&page=2"),
        ("PGPASSWORD='a b'", f"PGPASSWORD='{MARK} b'"),
        ('{"client_secret": "abc"}', f'{{"client_secret": "{MARK}"}}'),
        ('MountVolume.SetUp failed for volume "v" : secret "y" not found', None),
        ("secret: not found, as a sentence says it, is marked where it begins a line", f"secret: {MARK} found, as a"),
        ("see https://host:8080/a@b", None),
        ("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI=", None),  # a certificate is nobody's secret
        ("the token of the ring", None),
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_texts(text: str, left: str | None) -> None:
    told: list[str] = []
    after = without_secrets(text, lambda what, value: told.append(value))
    assert after.startswith(left or text) and bool(told) == (left is not None), after
    assert without_secrets(after, lambda what, value: told.append(value)) == after, "marks are left as they are"


@pytest.mark.parametrize(
    "text",
    [
        "eyJ" * 100_000,
        "password" * 10_000,
        "://" * 100_000,
        "-----BEGIN PRIVATE KEY-----" * 10_000,
        "a: \t\n" * 50_000,
        "authorization : " * 20_000,
        "LS0tLS1CRUdJTi" * 20_000,
        "--token-" * 10_000,
        "_" * 1_50_000 + "=:",
    ],
)
def test_a_text_takes_time_in_proportion_to_its_length(text: str) -> None:
    def took_s(text: str) -> float:
        begun = time.process_time()
        without_secrets(text, lambda what, value: None)
        return time.process_time() - begun

    quarter = max(took_s(text[len(text) * 3 // 4 :]), 0.02)
    assert min(took_s(text) for _ in range(2)) < 12 * quarter


async def test_a_secrets_value_is_found_where_somebody_has_copied_it(tmp_path: Path) -> None:
    keys = {"auths": {"registry": {"auth": AUTH}}}
    pod = f"""
apiVersion: v1
kind: Pod
metadata: {{name: p, annotations: {{note: "the key is {PASSWORD}", docker: "{AUTH}", word: production}}}}
spec: {{containers: [{{name: c, image: i, args: ["{PASSWORD}"]}}]}}
"""
    config = base64.b64encode(msgspec.json.encode(keys)).decode()
    values = f"stringData: {{a: {PASSWORD}, b: production}}, data: {{c: {config}}}"
    secret = f"{{apiVersion: v1, kind: Secret, metadata: {{name: s}}, {values}}}"
    source, target = tmp_path / "cluster.db", tmp_path / "sent.db"
    async with Cluster.open(source) as cluster:
        await cluster.apply(pod)  # before anybody says that it is secret
        await cluster.apply(secret)
        event = {"kind": "Event", "apiVersion": "v1", "metadata": {"name": "e"}, "message": f"login with {PASSWORD} failed"}
        await cluster.create({**event, "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}, "reason": "R"})
    exported = await export(source, target)
    assert exported.values["copy of a Secret's value"] == 2
    assert PASSWORD.encode() not in target.read_bytes() and AUTH.encode() not in target.read_bytes()
    async with await SqliteLog.open(target, read_only=True) as log:
        view = await load(log)
    kept = view.get(core_v1.Pod, "p", "default")
    assert kept is not None and kept.metadata.annotations["note"] == f"the key is {MARK}"
    assert kept.metadata.annotations["word"] == "production", "an ordinary word is no secret elsewhere"


async def test_the_command_says_what_it_did(source: Path, tmp_path: Path) -> None:
    import asyncio

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(command, [*arguments, "--data", str(source.parent)])

    told = await asyncio.to_thread(run, "--redact", str(tmp_path / "sent.db"))
    assert told.exit_code == 0 and re.search(r"Marks stand in \d+ of its events, for\n", told.output)
    assert "  1 x value of an environment variable\n" in told.output, told.output
    told = await asyncio.to_thread(run, str(tmp_path / "whole.db"))
    assert told.exit_code == 0 and "--redact leaves them out" in told.output
    assert PASSWORD.encode() in (tmp_path / "whole.db").read_bytes()
    told = await asyncio.to_thread(run, "--redact", str(tmp_path / "sent.db"))
    assert told.exit_code == 1 and "is there already" in told.output
