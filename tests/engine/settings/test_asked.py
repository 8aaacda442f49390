"""The command line goes before the environment, that before the file, and the file before what the data directory keeps."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from shipslog.engine.cli import up
from shipslog.engine.options import OPTIONS, Option
from shipslog.engine.settings import BadSettings, Settings, gather, keep, resolve
from shipslog.engine.settings.asked import variable

VALUES: dict[str, object] = {"number": 3, "switch": True, "list": ("a=b", "c=d")} | dict.fromkeys(
    ("path", "directory", "place"), Path("/x")
)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "shipslog.yaml"
    path.write_text(text)
    return path


def value_of(option: Option) -> object:
    return option.choices[-1] if option.kind == "choice" else VALUES.get(option.kind, "text")


def text_of(option: Option) -> str:
    value = value_of(option)
    return ",".join(value) if isinstance(value, tuple) else str(value).lower() if value is True else str(value)


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.name != "config"], ids=lambda option: option.name)
def test_each_option_stands_in_all_places_under_all_its_names(option: Option, tmp_path: Path) -> None:
    for name in option.names:
        asked = gather({"config": file(tmp_path, f"{name}: {text_of(option)}\n")}, {})
        assert asked.values == {option.name: value_of(option)}
        assert asked.sources == {option.name: f"{tmp_path / 'shipslog.yaml'}, line 1"}
        assert gather({}, {variable(name): text_of(option)}).values == {option.name: value_of(option)}
        params = {opt for param in up.command.params for opt in param.opts}
        assert f"--{name}" in params


def test_options_are_those_of_the_settings() -> None:
    assert {o.name for o in OPTIONS} - {"config", "reconfigure"} == set(Settings.__struct_fields__)


def test_known_names_of_k3s_and_kubernetes_are_taken() -> None:
    wanted = (
        "data-dir bind-address https-listen-port cluster-cidr service-cluster-ip-range service-node-port-range "
        "write-kubeconfig write-kubeconfig-mode tls-san node-ip node-label node-taint "
        "node-name cluster-dns cluster-domain service-cidr"
    ).split()
    assert set(wanted) <= {name for option in OPTIONS for name in option.names}


def test_the_order_of_places(tmp_path: Path) -> None:
    keep(resolve({"data": tmp_path, "node_name": "n", "runtime": "auto", "port": 4, "nodes": 1}), "simulated")
    config = file(tmp_path, f"data: {tmp_path}\nport: 3\nlog-level: debug\nslow-request: 3s\nnode-label: [a=b, c=d]\n")
    environment = {"SHIPSLOG_PORT": "2", "SHIPSLOG_SLOW_REQUEST": "2s", "SHIPSLOG_CONFIG": str(config), "PATH": "/bin"}
    asked = gather({"port": 1, "node_label": (), "detach": False, "nodes": None}, environment)
    assert (asked.values["port"], asked.values["slow_request"], asked.values["log_level"]) == (1, "2s", "debug")
    settings = resolve(asked.values, reconfigure=True, sources=asked.sources)
    assert (settings.port, settings.runtime, settings.node_label) == (1, "simulated", ("a=b", "c=d"))
    without = gather({}, {"SHIPSLOG_CONFIG": str(file(tmp_path, f"data: {tmp_path}\n"))})
    assert resolve(without.values).port == 4, "what is kept"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port: 1\nprot: 6443\n", "line 2: prot is no option; did you mean port?"),
        ("--port: 6443\n", "line 1: --port is no option; did you mean port?"),
        ("node_name: n\n", "line 1: node_name is no option; did you mean node-name?"),
        ("zzzzz: 1\n", "line 1: zzzzz is no option; `shipslog up --help` lists them"),
        (
            "".join(f"zzzzz{n}: 1\n" for n in range(20)),
            "line 8: zzzzz7 is no option; `shipslog up --help` lists them\n  and 12 more",
        ),
        ("config: other.yaml\n", "line 1: config is no option"),
        ("\nport: high\n", "line 2: port: 'high': give a whole number"),
        ("log-level: loud\n", "line 1: log-level: 'loud': give one of debug, info, warning, error"),
        ("reconfigure: perhaps\n", "line 1: reconfigure: 'perhaps': give true or false"),
        ("port: [1, 2]\n", "line 1: port: give one value"),
        ("node-label: {a: b}\n", "line 1: node-label: give a list of texts"),
        ("port: 1\nhttps-listen-port: 2\n", "line 2: https-listen-port: the same stands in line 1"),
        ("- port\n", "give options by name"),
        ("? [a]\n: b\n", "line 1: give options by name"),
        ("? {a: b}\n: b\n", "line 1: give options by name"),
        ("port: [\n", "it is no YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    config = file(tmp_path, text)
    told = CliRunner().invoke(up.command, ["--config", str(config), "--data", str(tmp_path / "data")])
    assert told.exit_code == 2 and said in told.output and str(config) in told.output, told.output
    assert not (tmp_path / "data").exists()


def test_every_wrong_line_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"(?s)line 1: prot .*line 2: bnid "):
        gather({"config": file(tmp_path, "prot: 1\nbnid: 2\n")}, {})


def test_a_value_that_cannot_be_is_named_with_where_it_stands(tmp_path: Path) -> None:
    asked = gather({"data": tmp_path, "config": file(tmp_path, "\nport: 99999\n")}, {"SHIPSLOG_POD_CIDR": "x"})
    with pytest.raises(BadSettings, match=r"(?s)shipslog.yaml, line 2: --port 99999.*SHIPSLOG_POD_CIDR: --pod-cidr 'x'"):
        resolve(asked.values, sources=asked.sources)


def test_a_file_that_makes_another_cluster_of_it_is_named_too(tmp_path: Path) -> None:
    keep(resolve({"data": tmp_path, "node_name": "n"}), "simulated")
    asked = gather({"data": tmp_path, "config": file(tmp_path, "node-name: other\n")}, {})
    with pytest.raises(BadSettings, match=r"shipslog.yaml, line 1: --node-name other: this cluster has 'n'"):
        resolve(asked.values, sources=asked.sources)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"--config .*none.yaml: it cannot be read: No such file"):
        gather({"config": tmp_path / "none.yaml"}, {})


def test_a_variable_that_is_nearly_an_option_is_told_and_others_are_not() -> None:
    asked = gather({}, {"SHIPSLOG_NODENAME": "n", "SHIPSLOG_SERVICE_HOST": "10.96.0.9", "SHIPSLOG_PORT": "tcp://10.96.0.9:1"})
    assert asked.values == {} and asked.notes == (
        "SHIPSLOG_NODENAME is in the environment and no option; did you mean SHIPSLOG_NODE_NAME?",
    )


def test_help_has_every_option_once_in_a_group() -> None:
    text = CliRunner().invoke(up.command, ["--help"], terminal_width=110).output
    for option in OPTIONS:
        assert text.count(f"--{option.names[0]}") >= 1 and f"{option.group}:" in text
    assert "--detach" in text and "--help" in text


def test_a_file_without_end_is_not_read_to_it(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="longer than"):
        gather({"config": Path("/dev/zero")}, {})
    with pytest.raises(BadSettings, match="longer than"):
        gather({"config": file(tmp_path, "#" * (1 << 20) + "\nport: 1\n")}, {})
