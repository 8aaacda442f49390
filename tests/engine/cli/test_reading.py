"""The commands that read a log: from a file, beside a daemon, over HTTPS; as text and as JSON."""

import asyncio
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner, Result

from shipslog import Cluster, testing
from shipslog.engine.cli import main
from shipslog.engine.library import Background
from shipslog.store.events import Event, Origin
from shipslog.store.facts import DecisionTaken, ObjectCreated, ObjectDeleted, ObjectModified
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.types import core_v1
from tests.docs import shop

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "card"}, "stringData": {"key": "hush"}}


def shipslog(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"KUBECONFIG": "", **environment})


def lines(*arguments: str, **environment: str) -> list[str]:
    done = shipslog(*arguments, **environment)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Background[Cluster]]:
    path = data / "cluster.db"
    with Cluster.serving(path) as served:
        served.run(lambda cluster: cluster.as_user("alice").apply(CONFIG_MAP))
        served.run(lambda cluster: cluster.as_user("bob").apply({**CONFIG_MAP, "data": {"a": "2"}}))
        served.run(lambda cluster: cluster.apply(SECRET))
        served.run(lambda cluster: cluster.as_user("bob").delete(core_v1.ConfigMap, "settings"))
        yield served


@pytest.fixture
def shop_log(tmp_path: Path) -> str:
    return str(shop.unpacked(tmp_path))


def test_a_server_tells_what_the_file_tells(served: Background[Cluster], data: Path) -> None:
    over, beside = ("--kubeconfig", str(served.kubeconfig)), ("--data", str(data))
    for command in (
        ("log", "--kind", "cm", "--name", "settings"),
        ("log", "-o", "json", "--kind", "secret"),
        ("why", "cm/settings"),
        ("history", "cm/settings"),
        ("history", "cm/settings", "-o", "json"),
        ("history", "--deleted"),
        ("show", "10"),
        ("show", "secret/card"),
        ("show", "cm/settings", "--at", "rev/1", "-o", "json"),
        ("show", "99999"),
    ):
        assert shipslog(*command, *over).output == shipslog(*command, *beside).output, command
    assert len(lines("log", *over, "--kind", "cm", "--name", "settings")) == 4  # and the heading


def test_which_log_is_meant(served: Background[Cluster], shop_log: str, tmp_path: Path) -> None:
    """A file, else --kubeconfig, else --data, else $KUBECONFIG."""
    environment = {"KUBECONFIG": str(served.kubeconfig)}
    assert lines("history", "--deleted", "-o", "json", **environment)[0].count("settings")
    several = {"KUBECONFIG": f"{tmp_path / 'none'}{os.pathsep}{served.kubeconfig}"}
    assert lines("history", "--deleted", "-o", "json", **several)[0].count("settings"), "the first that is there"
    assert lines("history", "--deleted", "-o", "json", "--log", shop_log, **environment)[0].count("web-")
    assert lines("log", shop_log, "--actor", "mallory", **environment)[1].count("deleted replicationcontroller shop/web")
    assert "there is no log here" in shipslog("log", "--data", str(tmp_path / "none"), **environment).stderr


def test_who_called_it_outlives_the_next_broken_connection(shop_log: str) -> None:
    before = signal.getsignal(signal.SIGPIPE)
    for arguments in (("log", shop_log), ("log", f"{shop_log}-not")):
        shipslog(*arguments)
        assert signal.getsignal(signal.SIGPIPE) == before


def test_a_line_holds_its_columns(shop_log: str) -> None:
    heading, *told = lines("log", shop_log, "--since", "10:12", "--until", "10:12", "--heartbeats")
    for line in told:
        revision, time, actor = line[:8], line[10:34], line[36:62]
        assert int(revision) and time.startswith("2027-01-15T10:12:00.") and actor.strip() and line[71:73] == "  ", line
        assert line[73].isalpha()
    assert heading.index("WHAT") == 73
    why = heading.index("WHY")
    for events in (json.loads(line) for line in lines("log", shop_log, "--since", "10:12", "--until", "10:12", "-o", "json")):
        told_of = next(line for line in told if int(line[:8]) == events["revision"])
        assert told_of[73:].startswith(events["what"])
        if "reason" in events and len(events["what"]) <= why - 75:
            assert told_of[why:] == events["reason"] and told_of[why - 2 : why] == "  "
    assert why - 75 <= 80


def test_json_is_one_value_a_line(shop_log: str) -> None:
    events = [json.loads(line) for line in lines("log", shop_log, "-o", "json")]
    assert [event["revision"] for event in events] == list(range(1, len(events) + 1))
    (bob,) = [event for event in events if event["actor"] == "bob" and event["resource"] == "replicationcontrollers"]
    assert ["spec.replicas", 2, 3] in bob["changes"]


def test_where_nothing_is_found_it_is_said_beside_the_output(shop_log: str) -> None:
    for said, command in {
        "No events found.": ("log", shop_log, "--actor", "nobody"),
        "No changes found.": ("history", "rc/web", "--log", shop_log, "--since", "-0s"),
        "Nothing was deleted.": ("history", "--deleted", "cm", "--log", shop_log),
    }.items():
        done = shipslog(*command)
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"{said}\n"), done.output
        assert shipslog(*command, "-o", "json").output == ""


def test_a_verdict_stands_alone_on_the_output(shop_log: str, tmp_path: Path) -> None:
    told, *_ = lines("replay", shop_log, "--verify")
    assert re.fullmatch(
        rf"{shop_log}: \d+ events, every checksum holds; [1-9]\d* decisions taken again, all the same \(.*", told
    )
    sent = str(tmp_path / "sent.db")
    lines("export", "--redact", sent, "--log", shop_log)
    told, *why = lines("replay", sent, "--verify")
    assert "every checksum holds; no decision was taken again (" in told and why[-1].endswith("it is redacted")


def test_decisions_are_taken_again_up_to_a_moment(shop_log: str) -> None:
    whole, *_ = lines("replay", shop_log, "--verify")
    for moment in ("206", "2027-01-15T09:52:00Z"):
        told, *_ = lines("replay", shop_log, "--verify", "--at", moment)
        found = re.search(r"every checksum holds; up to revision (\d+), (\d+) decisions taken again, all the same", told)
        assert found and whole.startswith(told.partition(";")[0])
        assert 0 < int(found[2]) < int(re.search(r"(\d+) decisions", whole)[1])  # type: ignore[index]
        assert int(found[1]) >= 206
    assert "revision 99999 has not happened yet" in shipslog("replay", shop_log, "--verify", "--at", "99999").stderr
    assert "--reconcilers is for --verify" in shipslog("replay", shop_log, "--reconcilers", "mine:ALL").stderr


def test_errors_are_one_line(shop_log: str, tmp_path: Path) -> None:
    for said, command in {
        "there is no kind 'poods'; did you mean pods?": ("log", shop_log, "--kind", "poods"),
        f"shipslog: {tmp_path / 'none'}: No such file or directory": ("log", "--kubeconfig", str(tmp_path / "none")),
        "there is no kind 'unicorn'": ("log", shop_log, "--kind", "unicorn"),
        "names no moment": ("log", shop_log, "--since", "teatime"),
        "name the object as KIND/NAME": ("history", "--log", shop_log),
        "knows no pod 'x' in any namespace": ("history", "pod/x", "--log", shop_log),
        "say with --namespace which is meant of": ("why", "sa/default", "--log", shop_log),
        "no event at revision 99999": ("show", "99999", "--log", shop_log),
        "there is no log here": ("why", "1", "--log", str(tmp_path / "none.db")),
    }.items():
        done = shipslog(*command)
        assert done.exit_code != 0 and not done.stdout and said in done.stderr and done.stderr.count("\n") == 1, done.output


def test_a_kubeconfig_that_is_of_no_use_says_why(tmp_path: Path, served: Background[Cluster]) -> None:
    path, good = tmp_path / "config", served.kubeconfig.read_text()
    for said, text in {
        "is no YAML": "a: [",
        "its kind is not Config": "kind: Pod",
        "is no address": good.replace("https://", "ftp://"),
        "there is no context 'other'": good.replace("current-context: shipslog", "current-context: other"),
        "its user has 'exec'": good.replace("client-certificate-data:", "exec: {}\n    client-certificate-data:"),
    }.items():
        path.write_text(text)
        done = shipslog("log", "--kubeconfig", str(path))
        assert done.exit_code == 1 and said in done.stderr and "Traceback" not in done.stderr, done.output


def test_a_server_that_keeps_no_log_or_is_not_there_says_so(tmp_path: Path) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path / "config"
    path.write_text(
        f"""{{kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: k}}}}],
        clusters: [{{name: k, cluster: {{server: "http://127.0.0.1:{server.server_port}"}}}}]}}"""
    )
    assert "keeps no ship's log" in shipslog("log", "--kubeconfig", str(path)).stderr
    server.shutdown()
    server.server_close()
    said = shipslog("log", "--kubeconfig", str(path)).stderr
    assert "Connection refused" in said and "Is the cluster up?" in said


def test_what_others_named_does_not_steer_a_terminal(tmp_path: Path) -> None:
    with Cluster.serving(tmp_path / "cluster.db", runtime="none") as served:
        served.run(lambda cluster: cluster.apply({**CONFIG_MAP, "data": {"a": "\x1b[31mred"}}))
        served.run(lambda cluster: cluster.as_user("eve\x9b1m").apply({**CONFIG_MAP, "data": {"a": "\x1b[32mgreen"}}))
    log = str(tmp_path / "cluster.db")
    for command in (("log", log), ("history", "cm/settings", "--log", log), ("why", "cm/settings", "--log", log)):
        assert not {"\x1b", "\x9b"} & set(shipslog(*command).output)


STEERING = "\x1b[2J\x9b31m\u202e\r\nNEWS\u2028\U000e0001"  # what a terminal obeys, or a reader believes


def sent(path: Path, *facts: Any) -> str:
    """A log as somebody may make one: nobody has looked at what it holds."""

    async def written() -> None:
        origin = Origin(verb="create", user_agent=f"client{STEERING}", address=STEERING)
        async with await SqliteLog.open(path) as log:
            events = [
                Event(revision=i, time_ns=i, actor=f"eve{STEERING}", origin=origin, fact=fact)
                for i, fact in enumerate(facts, 1)
            ]
            await log.append(events, expected_revision=0)

    asyncio.run(written())
    return str(path)


def created(name: str, obj: bytes, resource: str = "pods", namespace: str = "shop") -> ObjectCreated:
    return ObjectCreated(resource=resource, namespace=namespace, name=name, uid=name, object=msgspec.Raw(obj))


def test_a_log_that_was_sent_steers_nothing_whatever_it_holds(tmp_path: Path) -> None:
    name = f"web{STEERING}"
    text = f"one\n{STEERING}two"
    pod = json.dumps({"kind": "Pod", "metadata": {"name": name}, "spec": {text: text}}).encode()
    fact = created(name, pod, namespace=STEERING)
    later = {"resource": fact.resource, "namespace": fact.namespace, "name": fact.name, "uid": fact.uid}
    changed = ObjectModified(**later, object=msgspec.Raw(pod.replace(b"two", b"three")))
    decided = DecisionTaken(
        reconciler=STEERING, key=f"shop/{name}", read_revision=1, now_ns=1, reason=STEERING, digest="",
        commands=(f"Delete pods shop/{STEERING}",),
    )  # fmt: skip
    plain = [created("web", pod, namespace=f"{where}{STEERING}") for where in ("a", "b")]
    log = sent(tmp_path / "sent.db", fact, changed, decided, *plain, ObjectDeleted(**later, object=msgspec.Raw(pod)))
    commands = [("log", log), ("log", log, "-o", "json"), ("replay", log, "--verify"), ("history", "--deleted", "--log", log)]
    for of in (f"pod/{name}", "pod/web", "pod/none\x9b"):
        commands += [(command, of, "--log", log) for command in ("history", "why", "show")]
        commands += [(command, of, "--log", log, "-o", "json") for command in ("history", "why", "show")]
    for revision in ("1", "2", "3", "6"):
        commands += [
            ("show", revision, "--log", log),
            ("why", revision, "--log", log),
            ("show", revision, "--log", log, "-o", "json"),
        ]
    for command in commands:
        done = shipslog(*command)
        assert done.exception is None or isinstance(done.exception, SystemExit), command
        assert done.output and done.output.replace("\n", "").isprintable(), (command, done.output)
        assert "\nNEWS" not in done.output, (command, done.output)
    whole = shipslog("show", "1", "--log", log).stdout.partition("the object:\n")[2]
    assert yaml.safe_load(whole) == json.loads(pod), "escaped, it is the same value"
    assert json.loads(lines("log", log, "-o", "json")[0])["name"] == name


@pytest.mark.parametrize(
    "obj",
    [
        b"null",
        b"[[]]",
        b"3",
        b'{"metadata":[],"subsets":3,"endpoints":{},"count":"x"}',
        b'{"subsets":[3,{"addresses":[null]}]}',
        b'{"endpoints":[1,{"conditions":3,"addresses":[[]]}],"reason":5,"message":{}}',
        b"[" * 300 + b"]" * 300,
        b'{"a":' * 900 + b"1" + b"}" * 900,
    ],
)
def test_a_log_that_was_sent_is_read_whatever_its_objects_are(obj: bytes, tmp_path: Path) -> None:
    facts: list[Any] = []
    kinds = ("endpoints", "endpointslices.discovery.k8s.io", "events", "secrets", "pods")
    for resource in kinds:
        facts.append(made := created("odd", obj, resource))
        later = {"resource": resource, "namespace": "shop", "name": "odd", "uid": "odd"}
        facts.append(ObjectModified(**later, object=msgspec.Raw(b'{"data":{},"metadata":{"deletionTimestamp":3}}')))
        facts += [ObjectModified(**later, object=made.object), ObjectDeleted(**later, object=made.object)]
    log = sent(tmp_path / "sent.db", *facts)
    commands = [(command, f"{kind}/odd", "--log", log) for kind in kinds for command in ("history", "why")]
    commands += [("show", str(revision), "--log", log) for revision in range(1, 21)]
    for command in (("log", log), ("history", "--deleted", "--log", log), *commands):
        done = shipslog(*command)
        assert done.exit_code == 0 and done.stdout, (command, done.output, done.exception)


def test_a_log_that_was_sent_is_refused_where_no_server_has_written_it(tmp_path: Path) -> None:
    deep = sent(tmp_path / "deep.db", created("deep", b"[" * 5000 + b"]" * 5000))
    slash = sent(tmp_path / "slash.db", created("a/b", b"{}"))
    for command, why in (
        (("log", deep), "the log breaks at revision 1: it cannot be read"),
        (("export", "--redact", "--log", deep, str(tmp_path / "copy")), "Nothing was written"),
        (("history", "--deleted", "--log", slash), "its index has a name with a slash in it"),
        (("why", "pod/web", "--log", slash), "its index has a name with a slash in it"),
    ):
        done = shipslog(*command)
        assert done.exit_code == 1 and why in done.stderr and len(done.stderr.splitlines()) == 1, done.output
    assert not (tmp_path / "copy").exists()


def test_a_replay_writes_over_no_kubeconfig_of_others(shop_log: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("kind: Config\nclusters: [{name: work}]\n")
    done = shipslog("replay", shop_log, "--port", "0", "--kubeconfig", str(tmp_path / "config"))
    assert done.exit_code == 2 and "has work too, and would be lost" in done.stderr


def test_a_log_is_followed_and_head_is_no_error(served: Background[Cluster], data: Path) -> None:
    command = [sys.executable, "-m", "shipslog", "log", "--kind", "cm", "--name", "late", "-f"]
    for where in (("--kubeconfig", str(served.kubeconfig)), ("--data", str(data))):
        following = subprocess.Popen([*command, *where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert following.stdout is not None
            late = {**CONFIG_MAP, "metadata": {"name": "late"}, "data": {"where": where[0]}}
            served.run(lambda cluster, late=late: cluster.apply(late))
            following.stdout.readline()
            assert "configmap default/late" in following.stdout.readline()
        finally:
            following.terminate()
            following.communicate(timeout=10)


def test_a_replay_leaves_nothing_and_says_from_when_to_when_its_log_goes(shop_log: str, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "shipslog", "replay", shop_log, "--at", "10:00", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert serving.stdout is not None
        said = [serving.stdout.readline() for _ in range(3)]
        kubeconfig = said[2].split()[2]
        assert "at revision 425 of 780 (2027-01-15T10:00:00Z), read-only" in said[0]
        assert "The log goes from 2027-01-15T09:48:00Z to 2027-01-15T10:13:00Z" in said[1]
        assert lines("show", "712", "--kubeconfig", kubeconfig)[1] == "deleted replicationcontroller shop/web"
    finally:
        serving.send_signal(signal.SIGHUP)  # as a terminal does that is closed
        serving.communicate(timeout=20)
    assert serving.returncode == 0 and not list(scratch.iterdir())
    assert [p.name for p in tmp_path.iterdir() if p != scratch] == ["shop.db"]


def test_that_nodes_live_is_only_shown_to_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "quiet.db"

    async def quiet() -> None:
        async with testing.cluster(path, flows=False) as cluster:
            await cluster.advance(minutes=5)
            await cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: news}}")

    asyncio.run(quiet())
    plain = shipslog("log", str(path))
    assert plain.exit_code == 0 and "configmap default/news" in plain.stdout
    told = re.fullmatch(r"(\d+) heartbeats are not shown; --heartbeats shows them.\n", plain.stderr)
    assert told and int(told[1]) > 30 and "modified lease" not in plain.stdout and "created lease" in plain.stdout
    for option in (["--heartbeats"], ["--kind", "lease"], ["-o", "json"], ["--actor", "node"]):
        shown = shipslog("log", str(path), *option)
        assert len(re.findall(r"modified lease|let go: a heartbeat", shown.stdout)) > 15 and not shown.stderr, option
