"""The options that say how pods are placed: what they come to on the log, and what they say of what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest

from shipslog.engine.settings import Settings
from shipslog.engine.settings.scheduling import configuration
from shipslog.reconcilers.scheduler.configuration import profiles_of

CONFIG = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packs
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
"""
POLICY = {
    "predicates": [
        {"name": "PodFitsPorts"},
        {"name": "rack", "argument": {"serviceAffinity": {"labels": ["rack"]}}},
    ],
    "priorities": [{"name": "LeastRequestedPriority", "weight": 2}],
}


def settings(tmp_path: Path, **given: Any) -> Settings:
    return Settings(data=tmp_path, **given)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scheduler.yaml"
    path.write_text(text)
    return path


def test_nothing_said_is_nothing_on_the_log(tmp_path: Path) -> None:
    assert configuration(settings(tmp_path)) == configuration(settings(tmp_path, algorithm_provider="DefaultProvider")) == ""


def test_a_configuration_of_today(tmp_path: Path) -> None:
    profiles = profiles_of(configuration(settings(tmp_path, scheduler_config=written(tmp_path, CONFIG))))
    assert {name: profile.strategy for name, profile in profiles.items()} == {
        "default-scheduler": "LeastAllocated",
        "packs": "MostAllocated",
    }


def test_a_policy_of_old_may_leave_out_what_it_is(tmp_path: Path) -> None:
    text = configuration(settings(tmp_path, policy_config_file=written(tmp_path, json.dumps(POLICY))))
    (profile,) = profiles_of(text).values()
    assert profile.service_affinity == ("rack",) and profile.scores == (("NodeResourcesFit", 2),)
    assert "NodeResourcesFit" not in profile.filters


def test_a_provider_by_name(tmp_path: Path) -> None:
    (profile,) = profiles_of(configuration(settings(tmp_path, algorithm_provider="ClusterAutoscalerProvider"))).values()
    assert profile.strategy == "MostAllocated"


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("scheduler_config", "a: [", "it is no YAML: "),
        ("scheduler_config", "kind: Pod", "give a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1, or a Policy"),
        ("policy_config_file", '{"predicates": [{"name": "Weather"}]}', "no predicate is called 'Weather'"),
        ("policy_config_file", "x" * (1 << 20) + "y", "it is longer than 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be(tmp_path: Path, option: str, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=f"--{option.replace('_', '-')} {path}") as error:
        configuration(settings(tmp_path, **{option: path}))
    assert said in str(error.value)


def test_what_cannot_be_together_or_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--scheduler-config and --algorithm-provider: give one of them"):
        configuration(settings(tmp_path, scheduler_config=tmp_path, algorithm_provider="DefaultProvider"))
    with pytest.raises(ValueError, match="--algorithm-provider 'Best': there are DefaultProvider, ClusterAutoscalerProvider"):
        configuration(settings(tmp_path, algorithm_provider="Best"))
    with pytest.raises(ValueError, match="it cannot be read: No such file or directory"):
        configuration(settings(tmp_path, policy_config_file=tmp_path / "none"))
