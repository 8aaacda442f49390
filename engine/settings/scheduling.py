"""How the scheduler is to decide, by the options: a file of today, a policy of old, or the name of a provider."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipslog.engine.options import flag

if TYPE_CHECKING:
    from .resolved import Settings

LIMIT = 1 << 20  # bytes of a file
OPTIONS = ("scheduler_config", "policy_config_file", "algorithm_provider")
STRATEGY = {"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "MostAllocated"}}}
PROVIDERS: dict[str, Any] = {
    "DefaultProvider": None,
    "ClusterAutoscalerProvider": {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"pluginConfig": [STRATEGY]}],
    },
}


def configuration(settings: "Settings") -> str:
    """JSON for the log; "" for the default. Errors: ValueError, naming the option and what to do."""
    given = [name for name in OPTIONS if getattr(settings, name)]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(map(flag, given))}: give one of them, each says how pods are placed")
    if not given:
        return ""
    if given == ["algorithm_provider"]:
        name = settings.algorithm_provider
        if name not in PROVIDERS:
            raise ValueError(f"--algorithm-provider {name!r}: there are {', '.join(PROVIDERS)}")
        return _text(PROVIDERS[name])
    path = Path(getattr(settings, given[0]))
    document = _read(path, flag(given[0]))
    if given == ["policy_config_file"] and isinstance(document, dict):
        document = {"kind": "Policy", "apiVersion": "v1"} | document
    from shipslog.reconcilers.scheduler.configuration import ConfigurationError, read

    try:
        read(document)
    except ConfigurationError as error:
        raise ValueError(f"{flag(given[0])} {path}: {error}") from error
    return _text(document)


def _text(document: Any) -> str:
    return msgspec.json.encode(document).decode() if document is not None else ""


def _read(path: Path, option: str) -> Any:
    """YAML, and so JSON."""
    import yaml  # most daemons have no such file

    try:
        with open(path, "rb") as file:
            text = file.read(LIMIT + 1)
        if len(text) > LIMIT:
            raise ValueError(f"{option} {path}: it is longer than {LIMIT} bytes; is it a configuration of the scheduler?")
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise ValueError(f"{option} {path}: it cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{option} {path}: it is no YAML: {' '.join(str(error).split())}") from error
