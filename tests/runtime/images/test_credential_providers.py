"""Programs that are asked for logins: for which images, how long an answer is kept, and what a bad one costs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from shipslog.runtime.images import credential_providers
from shipslog.runtime.images.credential_providers import BadProviders, CredentialProviders, matches
from tests.logs import capture_logs

V1 = "credentialprovider.kubelet.k8s.io/v1"
PROVIDER = {"name": "login", "matchImages": ["*.example.com"], "defaultCacheDuration": "1m", "apiVersion": V1}


class World:
    """A configuration and one program, which notes what it is told."""

    def __init__(self, place: Path) -> None:
        self.place, self.now_s = place, 0.0
        auth = {"*.example.com": {"username": "u", "password": "p"}, "other.org": {"username": "x", "password": "y"}}
        self.answer: dict[str, Any] = {"kind": "CredentialProviderResponse", "apiVersion": V1, "auth": auth}
        self.answer["cacheKeyType"] = "Registry"
        self.says('cat >> "$NOTES"; echo >> "$NOTES"; cat "$1"')

    def says(self, script: str) -> None:
        program = self.place / "login"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def providers(self, **more: Any) -> CredentialProviders:
        (self.place / "answer").write_text(json.dumps(self.answer))
        env = [{"name": "NOTES", "value": str(self.place / "notes")}]
        provider = {**PROVIDER, "args": [str(self.place / "answer")], "env": env, **more}
        config = {"apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig", "providers": [provider]}
        (self.place / "config.yaml").write_text(yaml.safe_dump(config))
        return CredentialProviders(self.place / "config.yaml", self.place, lambda: self.now_s)

    def told(self) -> list[str]:
        notes = self.place / "notes"
        return [json.loads(line)["image"] for line in notes.read_text().splitlines()] if notes.exists() else []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_is_asked_for_its_images_alone_and_its_answer_is_kept(world: World) -> None:
    providers = world.providers()
    assert providers.logins("registry.example.com/a") == (("registry.example.com", "u", "p"),)
    assert providers.logins("other.org/a") == () and providers.logins("redis") == ()
    assert providers.logins("registry.example.com/b:2") == (("registry.example.com", "u", "p"),), "of the same registry"
    assert world.told() == ["registry.example.com/a:latest"]
    providers.logins("mirror.example.com/a")
    world.now_s = 60.0
    providers.logins("registry.example.com/a")
    assert world.told()[1:] == ["mirror.example.com/a:latest", "registry.example.com/a:latest"]


@pytest.mark.parametrize(("kind", "asked"), [("Image", 2), ("Global", 1)])
def test_an_answer_says_for_what_it_holds_and_how_long(world: World, kind: str, asked: int) -> None:
    world.answer |= {"cacheKeyType": kind, "cacheDuration": "5m"}
    providers = world.providers()
    for image in ("a.example.com/x", "a.example.com/x", "b.example.com/y"):
        providers.logins(image)
    assert len(world.told()) == asked


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo no >&2; exit 3", "it ended with 3: no"),
        ("echo '{'", "truncated"),
        ("sleep 60 & sleep 60", "longer than 0.2 s"),
        ("cat /dev/zero", "more than"),
        ('echo \'{"kind": "Pod", "apiVersion": "v1", "cacheKeyType": "Image"}\'', "answered with a v1 Pod"),
    ],
    ids=["fails", "no JSON", "hangs", "without end", "odd"],
)
def test_a_bad_one_costs_the_login_alone(world: World, script: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_providers, "TIMEOUT_S", 0.2 if "sleep" in script else 10.0)
    world.says(script)
    with capture_logs() as lines:
        assert world.providers().logins("a.example.com/x") == ()
    (line,) = lines
    assert line["event"] == "credential_provider_failed" and why in line["why"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../login"},
        {"name": "gone"},
        {"apiVersion": "v1"},
        {"matchImages": []},
        {"defaultCacheDuration": "soon"},
        {"matchImages": 7},
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_is_refused(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadProviders, match="config"):
        world.providers(**wrong)


@pytest.mark.parametrize(
    ("pattern", "image", "fits"),
    [
        ("example.com", "example.com/a", True),
        ("*.example.com", "example.com/a", False),
        ("*.example.com", "a.b.example.com/a", False),
        ("*.*.example.com", "a.b.example.com/a", True),
        ("registry*.example.com", "registry7.example.com/a", True),
        ("example.com:5000", "example.com:5000/a", True),
        ("example.com", "example.com:5000/a", False),
        ("https://example.com/team", "example.com/team/a", True),
        ("example.com/team", "example.com/other/a", False),
    ],
)
def test_patterns_are_for_parts_of_a_host_its_port_and_a_path(pattern: str, image: str, fits: bool) -> None:
    assert matches(pattern, image) is fits
