"""The main job: the guestbook, created by stock kubectl, served by real containers through netfilter."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from . import guestbook
from .conftest import Cluster, kubectls, until

pytestmark = [pytest.mark.root, pytest.mark.kubectl, pytest.mark.slow]


@pytest.fixture(scope="module")
def book(cluster: Cluster) -> Cluster:
    """The cluster with the guestbook running."""
    told = cluster.shipslog("image", "build", "guestbook").stdout
    assert "kubeguide/redis-master" in told
    for manifest in guestbook.IN_ORDER:
        cluster.k("create", "-f", "-", stdin=json.dumps(manifest))
    cluster.k("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    return cluster


@cache
def node_address(cluster: Cluster) -> str:
    """Asked once: it stays, and a kubectl for each page is what most of a test of pages would take."""
    node = cluster.get("node", "n1")
    return str(next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"))


def page(cluster: Cluster, path: str = "/", **query: str) -> str:
    url = f"http://{node_address(cluster)}:{guestbook.NODE_PORT}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


@pytest.mark.parametrize("kubectl", kubectls())
def test_kubectl_shows_it(book: Cluster, kubectl: str) -> None:
    shown = book.k("get", "nodes,rc,svc,pods,endpoints", "-o", "wide", kubectl=kubectl)
    assert shown.count(" Running ") == 6
    assert "80:31001/TCP" in shown
    for rc, replicas in (("redis-master", 1), ("redis-slave", 2), ("frontend", 3)):
        status = book.get("rc", rc)["status"]
        assert (status["replicas"], status["readyReplicas"], status["availableReplicas"]) == (replicas,) * 3
    endpoints = book.get("endpoints", "frontend")
    assert len(endpoints["subsets"][0]["addresses"]) == 3


def test_the_page_is_served_and_what_is_written_is_read_back(book: Cluster) -> None:
    assert "<title>Guestbook</title>" in page(book)
    entry = f"hello, {time.time_ns()}"
    assert json.loads(page(book, "/guestbook.php", cmd="set", key="messages", value=entry)) == {"message": "Updated"}
    read = lambda: json.loads(page(book, "/guestbook.php", cmd="get", key="messages"))["data"] == entry  # noqa: E731
    until(read, "the slave has what the master got")
    master = book.get("pods", "-l", "name=redis-master")["items"][0]["metadata"]["name"]
    assert book.k("exec", master, "--", "redis-cli", "get", "messages").strip() == entry


def test_ten_clients_at_once_are_all_answered(book: Cluster) -> None:
    def ask(number: int) -> str:
        if number % 4:
            return page(book)
        return page(book, "/guestbook.php", cmd="get", key="messages")

    with ThreadPoolExecutor(10) as clients:
        told = list(clients.map(ask, range(200)))
    assert sum("<title>Guestbook</title>" in text for text in told) == 150
    assert sum("data" in json.loads(text) for text in told[::4]) == 50


def test_pods_know_the_services_that_were_there_before_them(book: Cluster) -> None:
    slave = book.get("pods", "-l", "name=redis-slave")["items"][0]["metadata"]["name"]
    address = book.get("svc", "redis-master")["spec"]["clusterIP"]
    env = book.k("exec", slave, "--", "env").splitlines()
    assert f"REDIS_MASTER_SERVICE_HOST={address}" in env
    assert f"REDIS_MASTER_PORT=tcp://{address}:6379" in env
    assert not any(line.startswith("FRONTEND_") for line in env), "the frontend came later"


def test_pods_find_services_by_name(book: Cluster) -> None:
    """The ones that came later too, by the short name and by the whole one; and the other way round."""
    slave = book.get("pods", "-l", "name=redis-slave")["items"][0]["metadata"]["name"]
    assert book.get("svc", "kube-dns", "-n", "kube-system")["spec"]["clusterIP"] == "10.96.0.10"
    resolver = book.k("exec", slave, "--", "cat", "/etc/resolv.conf").split("\n")
    assert resolver[:3] == [
        "search default.svc.cluster.local svc.cluster.local cluster.local",
        "nameserver 10.96.0.10",
        "options ndots:5",
    ]
    for name in ("redis-master", "redis-master.default", "redis-master.default.svc.cluster.local"):
        assert book.k("exec", slave, "--", "redis-cli", "-h", name, "ping").strip() == "PONG"
    address = book.get("svc", "frontend")["spec"]["clusterIP"]
    found = book.k("exec", slave, "--", "busybox", "nslookup", "frontend.default.svc.cluster.local")
    assert f"Address: {address}" in found, found
    found = book.k("exec", slave, "--", "busybox", "nslookup", address)
    assert "name = frontend.default.svc.cluster.local" in found, found
    assert "SERVFAIL" in book.k("exec", slave, "--", "busybox", "nslookup", "nobody.example.org", check=False)


def test_every_pod_has_one_sandbox_of_its_own(book: Cluster) -> None:
    addresses = [p["status"]["podIP"] for p in book.get("pods")["items"]]
    assert len(set(addresses)) == len(addresses) == 6


@pytest.mark.parametrize("kubectl", kubectls())
def test_a_day_with_kubectl(book: Cluster, kubectl: str, tmp_path: Path) -> None:
    def k(*arguments: str, stdin: str | None = None) -> str:
        return book.k(*arguments, stdin=stdin, kubectl=kubectl)

    k("scale", "rc", "redis-slave", "--replicas=3")
    until(lambda: book.get("rc", "redis-slave")["status"].get("readyReplicas") == 3, "three slaves are ready")
    k("scale", "rc", "redis-slave", "--replicas=2")
    until(lambda: len(book.get("pods", "-l", "name=redis-slave")["items"]) == 2, "the third is gone")
    assert "SuccessfulCreate" in k("describe", "rc", "redis-slave")
    slave = book.get("pods", "-l", "name=redis-slave")["items"][0]["metadata"]["name"]
    assert "Ready to accept connections" in k("logs", slave) or "MASTER" in k("logs", slave)
    assert "Started container" in k("describe", "pod", slave) or "Running" in k("describe", "pod", slave)
    done = book.run("exec", slave, "--", "sh", "-c", "echo out; echo err >&2; exit 3", kubectl=kubectl)
    assert (done.returncode, done.stdout) == (3, "out\n") and "err" in done.stderr
    done = book.run("exec", slave, "--", "no-such-program", kubectl=kubectl)
    assert done.returncode == 127 and "no-such-program" in done.stderr and "exit code 127" in done.stderr
    assert k("exec", "-i", slave, "--", "cat", stdin="through\n") == "through\n"
    k("label", "pod", slave, "tier=back", "--overwrite")
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_text("carried\n")
    k("cp", str(there), f"{slave}:/tmp/carried")
    k("cp", f"{slave}:/tmp/carried", str(back))
    assert back.read_text() == "carried\n"
    k("annotate", "pod", slave, "note=yes", "--overwrite")
    assert slave in k("get", "pods", "-l", "tier=back")
    assert "restartPolicy" in k("explain", "pod.spec")
    assert "replicationcontrollers" in k("api-resources")
    assert "v1.37" in k("version")
    assert "running at" in k("cluster-info")
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": {"a": "1"}}
    assert "created" in k("apply", "-f", "-", stdin=json.dumps(config_map))
    assert "configured" in k("apply", "-f", "-", stdin=json.dumps({**config_map, "data": {"a": "2"}}))
    assert "unchanged" in k("apply", "-f", "-", stdin=json.dumps({**config_map, "data": {"a": "2"}}))
    k("delete", "configmap", "cm")
    k("run", "once", "--image=kubeguide/redis-master", "--restart=Never", "--command", "--", "sh", "-c", "echo done")
    until(lambda: book.get("pod", "once")["status"]["phase"] == "Succeeded", "the pod has done its work")
    assert k("logs", "once") == "done\n"
    k("delete", "pod", "once")
    k("expose", "rc", "frontend", "--name=again", "--port=80")
    until(lambda: book.get("endpoints", "again").get("subsets"), "the new Service has endpoints")
    k("delete", "service", "again")
    assert "Scheduled" in k("get", "events")


def test_a_deleted_pod_is_replaced(book: Cluster) -> None:
    before = book.get("pods", "-l", "name=redis-slave")["items"][0]["metadata"]
    book.k("delete", "pod", before["name"], "--grace-period=1")

    def replaced() -> bool:
        pods = book.get("pods", "-l", "name=redis-slave")["items"]
        ready = [p for p in pods if any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"]["conditions"])]
        return len(ready) == 2 and before["uid"] not in {p["metadata"]["uid"] for p in pods}

    until(replaced, "another slave has taken its place")


def test_a_pod_reaches_its_own_service(book: Cluster) -> None:
    address = book.get("svc", "frontend")["spec"]["clusterIP"]
    pod = book.get("pods", "-l", "name=frontend")["items"][0]["metadata"]["name"]
    ask = f"i=0; while [ $i -lt 12 ]; do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 3 {address} 80; i=$((i+1)); done"
    assert book.k("exec", pod, "--", "sh", "-c", ask).count("<title>Guestbook</title>") == 12, "also when it meets itself"


def test_what_a_container_said_before_is_kept(book: Cluster) -> None:
    speaker = {"name": "c", "image": "kubeguide/redis-master", "command": ["sh", "-c", "echo said; exit 1"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "speaker"}, "spec": {"containers": [speaker]}}
    book.k("create", "-f", "-", stdin=json.dumps(pod))
    until(lambda: book.get("pod", "speaker")["status"].get("containerStatuses", [{}])[0].get("restartCount"), "a restart")
    assert book.k("logs", "speaker", "--previous") == "said\n"
    book.k("delete", "pod", "speaker")


def test_another_image_is_another_container(book: Cluster) -> None:
    sleeper = {"name": "c", "image": "kubeguide/redis-master", "command": ["sleep", "4714"]}
    spec = {"containers": [sleeper], "terminationGracePeriodSeconds": 1, "dnsPolicy": "Default"}
    book.k("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "be"}, "spec": spec}))
    book.k("wait", "--for=condition=Ready", "pod/be", "--timeout=30s")
    assert book.k("exec", "be", "--", "sh", "-c", "cat /etc/resolv.conf") == Path("/etc/resolv.conf").read_text()
    book.k("set", "image", "pod/be", "c=kubeguide/guestbook-redis-slave")

    def changed() -> bool:
        status = book.get("pod", "be")["status"]["containerStatuses"][0]
        return bool(status["restartCount"] == 1 and status["image"].endswith("redis-slave") and status["state"].get("running"))

    until(changed, "it runs the other image")
    assert "Container c definition changed, will be restarted" in book.k("describe", "pod", "be")
    book.k("delete", "pod", "be")


def test_logs_are_followed(book: Cluster) -> None:
    talker = {
        "name": "c",
        "image": "kubeguide/redis-master",
        "command": ["sh", "-c", "while true; do echo tick; sleep 0.1; done"],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "talker"}, "spec": {"containers": [talker]}}
    book.k("create", "-f", "-", stdin=json.dumps(pod))
    book.k("wait", "--for=condition=Ready", "pod/talker", "--timeout=30s")
    environment = {**os.environ, "KUBECONFIG": str(book.data / "kubeconfig")}
    follow = subprocess.Popen([book.kubectl, "logs", "-f", "talker"], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert follow.stdout is not None
        assert [follow.stdout.readline() for _ in range(5)] == ["tick\n"] * 5
    finally:
        follow.kill()
        follow.communicate()
    book.k("delete", "pod", "talker", "--grace-period=1")


def test_ports_are_forwarded(book: Cluster) -> None:
    environment = {**os.environ, "KUBECONFIG": str(book.data / "kubeconfig")}
    for kubectl in kubectls():
        command = [kubectl, "port-forward", "rc/frontend", ":80"]
        forward = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        try:
            assert forward.stdout is not None
            said = forward.stdout.readline()
            port = said.split(":")[1].split(" ")[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                assert b"Guestbook" in answer.read(), said
        finally:
            forward.kill()
            forward.communicate()


def test_the_page_is_rolled_to_other_pods(book: Cluster) -> None:
    before = {pod["metadata"]["uid"] for pod in book.get("pods", "-l", "name=frontend")["items"]}
    command = [
        sys.executable,
        "-m",
        "shipslog",
        "rolling-update",
        "frontend",
        "--update-period",
        "0s",
        "--poll-interval",
        "100ms",
    ]
    command += ["--image", "kubeguide/guestbook-php-frontend", "--image-pull-policy", "IfNotPresent"]
    environment = {**os.environ, "KUBECONFIG": str(book.data / "kubeconfig")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.stdout.endswith('replicationcontroller "frontend" rolling updated\n'), done.stdout + done.stderr
    assert done.stdout.count("Scaling frontend") == 6  # each of three pods up and down
    until(lambda: book.get("rc", "frontend")["status"].get("readyReplicas") == 3, "the new ones are the controller's")
    until(lambda: len(book.get("pods", "-l", "name=frontend")["items"]) == 3, "the old ones are gone")
    after = {pod["metadata"]["uid"] for pod in book.get("pods", "-l", "name=frontend")["items"]}
    assert not before & after and "<title>Guestbook</title>" in page(book)


def test_a_killed_container_is_restarted_with_back_off(book: Cluster) -> None:
    crasher = {"name": "c", "image": "kubeguide/redis-master", "command": ["sh", "-c", "exit 7"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "crasher"}, "spec": {"containers": [crasher]}}
    book.k("create", "-f", "-", stdin=json.dumps(pod))

    def backs_off() -> bool:
        status = book.get("pod", "crasher")["status"].get("containerStatuses", [{}])[0]
        waiting = status.get("state", {}).get("waiting", {}).get("reason")
        ended = status.get("lastState", {}).get("terminated", {}).get("exitCode")
        return waiting == "CrashLoopBackOff" and ended == 7 and status["restartCount"] >= 1

    until(backs_off, "it waits before it is started again")
    book.k("delete", "pod", "crasher")
    frontend = book.get("pods", "-l", "name=frontend")["items"][0]["metadata"]["name"]
    book.run("exec", frontend, "--", "sh", "-c", "kill -9 1")
    subprocess.run(["pkill", "-9", "-f", "^lighttpd -D -f /etc/lighttpd.conf"], check=True)
    until(lambda: book.get("pod", frontend)["status"]["containerStatuses"][0]["restartCount"] == 1, "it was restarted")
    until(lambda: book.get("rc", "frontend")["status"].get("readyReplicas") == 3, "all frontends are ready again")


def test_a_config_map_reaches_the_pod_that_waits_and_the_pod_that_runs(book: Cluster) -> None:
    container = {
        "name": "c",
        "image": "kubeguide/redis-master",
        "command": ["sleep", "4713"],
        "volumeMounts": [{"name": "v", "mountPath": "/settings"}],
    }
    spec = {"containers": [container], "volumes": [{"name": "v", "configMap": {"name": "settings"}}]}
    book.k(
        "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "set"}, "spec": spec})
    )
    message = 'MountVolume.SetUp failed for volume "v" : configmap "settings" not found'
    until(lambda: message in book.k("describe", "pod", "set"), "people are told what it waits for")
    book.k("create", "configmap", "settings", "--from-literal=color=red")
    book.k("wait", "--for=condition=Ready", "pod/set", "--timeout=30s")
    shown = lambda: book.k("exec", "set", "--", "sh", "-c", "read c < /settings/color; echo $c").strip()  # noqa: E731
    book.k("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"color":"red\\n"}}')
    until(lambda: shown() == "red", "it shows what the config map holds")
    book.k("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"color":"blue\\n"}}')
    until(lambda: shown() == "blue", "it shows what it holds now")
    book.k("delete", "pod", "set", "--grace-period=30", "--wait=false")
    book.k("delete", "pod", "set", "--grace-period=1")
    book.k("delete", "configmap", "settings")


def test_kubectl_reads_the_past(book: Cluster) -> None:
    book.k("create", "configmap", "fleeting", "--from-literal=a=b")
    version = book.get("configmap", "fleeting")["metadata"]["resourceVersion"]
    book.k("delete", "configmap", "fleeting")
    server = book.daemon["server"]
    assert "fleeting" in book.k("--server", f"{server}/at/rev/{version}", "get", "configmaps")
    assert "fleeting" not in book.k("get", "configmaps")
    refused = book.k("--server", f"{server}/at/rev/{version}", "delete", "configmap", "fleeting", check=False)
    assert "read-only" in refused
    told = book.shipslog("history", "configmap/fleeting").stdout
    assert "created" in told and "deleted" in told


def test_deleting_everything_cascades_or_orphans(book: Cluster) -> None:
    book.k("delete", "rc", "frontend", "--cascade=false", kubectl=kubectls()[0])
    assert len(book.get("pods", "-l", "name=frontend")["items"]) == 3
    book.k("delete", "pods", "-l", "name=frontend", "--grace-period=1")
    book.k("delete", "rc,svc", "-l", "name in (redis-master, redis-slave)")
    until(lambda: not book.get("pods")["items"], "all pods are gone", 60)
    assert not list((book.data / "node" / "pods").iterdir())


MANY = 30


def test_kill_9_while_30_pods_start_loses_nothing_and_restarts_nothing(book: Cluster) -> None:
    container = {"name": "c", "image": "kubeguide/redis-master", "command": ["sleep", "4711"]}
    rc = guestbook.controller("many", MANY, "kubeguide/redis-master", 6379)
    rc["spec"]["template"]["spec"] = {"containers": [container], "terminationGracePeriodSeconds": 1}
    acknowledged = []
    book.k("create", "-f", "-", stdin=json.dumps(rc))
    for i in range(5):
        book.k("create", "configmap", f"kept-{i}", "--from-literal=a=b")
        acknowledged.append(f"kept-{i}")
    os.kill(book.daemon["pid"], signal.SIGKILL)
    assert "ready" in book.up()
    names = {c["metadata"]["name"] for c in book.get("configmaps")["items"]}
    assert set(acknowledged) <= names
    until(lambda: book.get("rc", "many")["status"].get("readyReplicas") == MANY, "all pods run")
    pods = book.get("pods", "-l", "name=many")["items"]
    assert [p["status"]["containerStatuses"][0]["restartCount"] for p in pods] == [0] * MANY
    running = subprocess.run(["pgrep", "-fc", "sleep 4711"], capture_output=True, text=True, check=False).stdout
    assert int(running) == MANY, "one process a pod, none twice"
    os.kill(book.daemon["pid"], signal.SIGKILL)
    book.up()
    pods = book.get("pods", "-l", "name=many")["items"]
    assert [p["status"]["containerStatuses"][0]["restartCount"] for p in pods] == [0] * MANY, "what runs goes on"
    book.k("delete", "rc", "many")
    until(lambda: not book.get("pods", "-l", "name=many")["items"], "all are gone")


def test_pods_that_lost_their_namespaces_begin_anew(book: Cluster) -> None:
    holder = book.data / "node" / "holder.json"
    container = {"name": "c", "image": "kubeguide/redis-master", "command": ["sleep", "4712"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "again"}, "spec": {"containers": [container]}}
    pod["spec"]["terminationGracePeriodSeconds"] = 1  # type: ignore[index]
    book.k("create", "-f", "-", stdin=json.dumps(pod))
    book.k("wait", "--for=condition=Ready", "pod/again", "--timeout=30s")
    if holder.exists():  # without root everything hangs on this process
        os.kill(book.daemon["pid"], signal.SIGKILL)
        os.kill(json.loads(holder.read_text())["pid"], signal.SIGKILL)
        book.up()
    else:
        uid = book.get("pod", "again")["metadata"]["uid"]
        sandbox = json.loads((book.data / "node" / "pods" / uid / "sandbox.json").read_text())
        os.kill(sandbox["pause"]["pid"], signal.SIGKILL)
    until(lambda: book.get("pod", "again")["status"]["containerStatuses"][0]["restartCount"] == 1, "it was started again")
    until(lambda: book.run("exec", "again", "--", "sh", "-c", ":").returncode == 0, "and it can be entered")
    running = subprocess.run(["pgrep", "-fc", "sleep 4712"], capture_output=True, text=True, check=False).stdout
    assert int(running) == 1
    book.k("delete", "pod", "again")
