"""What a daemon is asked for, put together: the command line before the environment before the configuration file.

What of it is not said anywhere comes from the data directory, see `settings`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from shipslog.engine.options import BY_NAME, Option, flag

PREFIX = "SHIPSLOG_"
SHOWN = 8  # lines that are wrong
FILE_LIMIT = 1 << 20  # characters of a file of options
INTERNAL = ("SHIPSLOG_READY_FD",)
OF_A_SERVICE = re.compile("SHIPSLOG_(SERVICE_HOST$|SERVICE_PORT|PORT_[0-9])")  # as pods are told of a Service "shipslog"
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0", "")


class BadSettings(ValueError):
    """Options that cannot be; nothing was made. One line an option, each with what to do."""


class Asked(Struct, frozen=True):
    """`values` by the names of Settings; `sources` says where one stands that was not given on the command line; `notes` are
    for people."""

    values: dict[str, object]
    sources: dict[str, str] = {}
    notes: tuple[str, ...] = ()

    @property
    def reconfigure(self) -> bool:
        return bool(self.values.get("reconfigure"))


def gather(flags: Mapping[str, object], environment: Mapping[str, str]) -> Asked:
    """All that is asked for. `flags`: what stands on the command line, None or () for what does not.

    Errors: BadSettings, naming the file with its line, or the variable."""
    values = {name: value for name, value in flags.items() if value is not None and value != () and value is not False}
    sources: dict[str, str] = {}
    notes: list[str] = []
    for name, (value, source) in _of_environment(environment, notes):
        if name not in values:
            values[name], sources[name] = value, source
    config = values.pop("config", None)
    sources.pop("config", None)
    if config is not None:
        for name, (value, source) in _of_file(Path(str(config))).items():
            if name not in values:
                values[name], sources[name] = value, source
    return Asked(values, sources, tuple(notes))


def nearest(name: str, names: Collection[str], likeness: float = 0.6) -> str:
    """The one of the names that is most like it; "" if none is."""
    import difflib  # nobody needs it who makes no mistake

    return next(iter(difflib.get_close_matches(name, names, 1, likeness)), "")


# --- the environment ---


def variable(name: str) -> str:
    """`pod-cidr` -> SHIPSLOG_POD_CIDR"""
    return PREFIX + name.upper().replace("-", "_")


def _of_environment(environment: Mapping[str, str], notes: list[str]) -> Iterator[tuple[str, tuple[object, str]]]:
    known = {variable(name): option for name, option in BY_NAME.items()}
    for name in sorted(n for n in environment if n.startswith(PREFIX) and n not in INTERNAL):
        if OF_A_SERVICE.match(name) or environment[name].startswith(("tcp://", "udp://")):
            continue
        option = known.get(name)
        if option is not None:
            yield option.name, (_value(option, environment[name], name), name)
        elif near := nearest(name, known, 0.8):
            notes.append(f"{name} is in the environment and no option; did you mean {near}?")


# --- the file ---


def _of_file(path: Path) -> dict[str, tuple[object, str]]:
    """Errors: BadSettings, with every wrong line of the file."""
    import yaml  # most daemons have no file

    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(FILE_LIMIT + 1)
        if len(text) > FILE_LIMIT:
            raise BadSettings(f"--config {path}: it is longer than {FILE_LIMIT} characters; is it a file of options?")
        document = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"--config {path}: it cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except yaml.YAMLError as error:
        raise BadSettings(f"--config {path}: it is no YAML: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, yaml.MappingNode):
        raise BadSettings(f"--config {path}: give options by name, one a line, for example `port: 6443`")
    found: dict[str, tuple[object, str]] = {}
    wrong = []
    for key, node in document.value:
        where = f"{path}, line {key.start_mark.line + 1}"
        try:
            if not isinstance(key, yaml.ScalarNode):
                raise BadSettings(f"{where}: give options by name, one a line, for example `port: 6443`")
            option = _named(str(key.value), where)
            if option.name in found:
                raise BadSettings(f"{where}: {key.value}: the same stands in line {found[option.name][1].rpartition(' ')[2]}")
            found[option.name] = (_of_node(option, str(key.value), node, where), where)
        except BadSettings as error:
            wrong.append(str(error))
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise BadSettings("\n  ".join([*wrong[:SHOWN], *more]))
    return found


def _named(key: str, where: str) -> Option:
    """Errors: BadSettings for a key that is no option's."""
    option = BY_NAME.get(key)
    if option is not None and option.name != "config":
        return option
    near = nearest(key.removeprefix("--").replace("_", "-").lower(), [n for n in BY_NAME if n != "config"])
    there = f"did you mean {near}?" if near else "`shipslog up --help` lists them"
    raise BadSettings(f"{where}: {key} is no option; {there}")


def _of_node(option: Option, key: str, node: object, where: str) -> object:
    """Errors: BadSettings."""
    import yaml

    if isinstance(node, yaml.SequenceNode) and option.kind == "list":
        texts = [item.value for item in node.value if isinstance(item, yaml.ScalarNode)]
        if len(texts) == len(node.value):
            return tuple(texts)
    if not isinstance(node, yaml.ScalarNode):
        raise BadSettings(f"{where}: {key}: give {'a list of texts' if option.kind == 'list' else 'one value'}")
    return _value(option, node.value, f"{where}: {key}")


def _value(option: Option, text: str, where: str) -> object:
    """What a text means for an option. Errors: BadSettings."""
    match option.kind:
        case "number":
            try:
                return int(text)
            except ValueError:
                raise BadSettings(f"{where}: {text!r}: give a whole number") from None
        case "choice" if text not in option.choices:
            raise BadSettings(f"{where}: {text!r}: give one of {', '.join(option.choices)}")
        case "switch":
            if text.lower() not in (*TRUE, *FALSE):
                raise BadSettings(f"{where}: {text!r}: give true or false")
            return text.lower() in TRUE
        case "path" | "directory" | "place":
            return Path(text)
        case "list":
            return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def with_source(fault: str, sources: Mapping[str, str]) -> str:
    """A fault that begins with an option's name, and where its value stands if that was not on the command line."""
    word = fault.split(" ", 1)[0]
    for name, source in sources.items():
        if word == flag(name):
            return f"{source}: {fault}"
    return fault
