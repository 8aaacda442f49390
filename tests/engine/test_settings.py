"""What `up` is asked for: refused before anything is made, kept, and not changed without a word."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipslog.engine.cli import up
from shipslog.engine.settings import KEPT_IN, BadSettings, keep, kept_in, resolve


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "99999"),
        ("--port", "-1"),
        ("--nodes", "0"),
        ("--nodes", "-1"),
        ("--nodes", "3"),
        ("--pod-cidr", "x"),
        ("--pod-cidr", "10.9.0.0/30"),
        ("--pod-cidr", "10.96.128.0/17"),
        ("--service-cidr", "::/64"),
        ("--service-cidr", "10.9.0.0/31"),
        ("--service-cidr", "10.9.0.1/16"),
        ("--service-cidr", "10.0.0.0/8"),
        ("--node-name", "A B"),
        ("--node-name", "../x"),
        ("--node-port-range", "9-1"),
        ("--node-port-range", "1-\N{SUPERSCRIPT TWO}"),
        ("--bind", "nowhere"),
        ("--runtime", "cri"),
    ],
)
@pytest.mark.parametrize("how", [(), ("--detach",)])
def test_what_cannot_be_is_refused_before_anything_is_made(
    arguments: tuple[str, str], how: tuple[str, ...], tmp_path: Path
) -> None:
    told = CliRunner().invoke(up.command, [*how, *arguments, "--data", str(tmp_path / "data")])
    assert told.exit_code == 2 and arguments[0] in told.output, told.output
    assert told.output.startswith("shipslog: --") and "Traceback" not in told.output
    assert not (tmp_path / "data").exists()


def test_each_wrong_option_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"(?s)--port 99999.*--pod-cidr 'x'"):
        resolve({"data": tmp_path, "port": 99999, "pod_cidr": "x", "node_name": "n"})


def begun(data: Path) -> None:
    asked = {"data": data, "node_name": "one", "runtime": "auto", "port": 7001, "pod_cidr": "10.8.0.0/16", "nodes": None}
    keep(resolve(asked), "simulated")


def test_a_cluster_stays_what_it_is(tmp_path: Path) -> None:
    begun(tmp_path)
    again = resolve({"data": tmp_path, "port": None})
    assert (again.node_name, again.runtime, again.port, again.pod_cidr) == ("one", "simulated", 7001, "10.8.0.0/16")
    assert resolve({"data": tmp_path, "port": 0, "runtime": "auto", "node_name": "one"}) == again, (
        "any will do, so what is kept"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("node_name", "two"), ("pod_cidr", "10.7.0.0/16"), ("service_cidr", "10.7.0.0/16"), ("runtime", "process")],
)
def test_what_objects_depend_on_never_changes(name: str, value: str, tmp_path: Path) -> None:
    begun(tmp_path)
    for reconfigure in (False, True):
        with pytest.raises(BadSettings, match=rf"--{name.replace('_', '-')} {value}.*{KEPT_IN}.*cannot change"):
            resolve({"data": tmp_path, name: value}, reconfigure=reconfigure)


def test_the_rest_changes_when_that_is_said(tmp_path: Path) -> None:
    begun(tmp_path)
    with pytest.raises(BadSettings, match=r"--port 7002: this cluster has 7001.*--reconfigure"):
        resolve({"data": tmp_path, "port": 7002})
    keep(resolve({"data": tmp_path, "port": 7002}, reconfigure=True), "simulated")
    kept = kept_in(tmp_path)
    assert kept is not None and (kept.port, kept.node_name) == (7002, "one")


def test_a_file_that_says_nothing_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / KEPT_IN).write_text("{")
    with pytest.raises(BadSettings, match=KEPT_IN):
        resolve({"data": tmp_path})


def test_a_host_whose_name_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "my_host")
    with pytest.raises(BadSettings, match="--node-name 'my_host'"):
        resolve({"data": tmp_path})
