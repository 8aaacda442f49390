"""Stock kubectl on every kind in every version: the newest explains them, and Debian's finds nothing wrong in what is right."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.fields.shapes import Shape, fields_of
from shipslog.store.objects.scheme import Kind
from tests.engine.kinds.test_contract import SCALARS

NEWEST, DEBIAN = (Path(sys.prefix) / "kubectl" / f"kubectl-{version}" for version in ("1.37", "debian"))
KINDS = [kind for kind in BUILTIN.served() if "create" in kind.verbs and "list" in kind.verbs]
AT_ONCE = 4
pytestmark = pytest.mark.kubectl


def run(kubectl: Path, kubeconfig: Path, cache: Path, *arguments: str, text: str | None = None) -> tuple[int, str]:
    command = [str(kubectl), "--kubeconfig", str(kubeconfig), "--cache-dir", str(cache), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=120)
    return done.returncode, done.stdout + done.stderr


def paths_of(text: str) -> set[tuple[str, ...]]:
    """The fields that explain shows, each below that which it is a part of."""
    found: set[tuple[str, ...]] = set()
    above: list[str] = []
    for line in text.partition("FIELDS:")[2].splitlines():
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        if "\t<" in line:
            above = [*above[:depth], line.split()[0]]
            found.add(tuple(above))
    return found


def paths_in(struct: type[Any], within: tuple[type[Any], ...] = ()) -> Iterator[tuple[str, ...]]:
    """The fields of a type at every depth; of one within itself there is the name, as in explain."""
    within = (*within, struct)
    for name, field in fields_of(struct).items():
        yield (name,)
        shape = field.shape
        while shape.item is not None:
            shape = shape.item
        if shape.struct is not None and shape.struct not in within:
            yield from ((name, *path) for path in paths_in(shape.struct, within))


def test_every_kind_is_explained(kubeconfig: Path, tmp_path: Path) -> None:
    if not NEWEST.exists():
        pytest.skip("this kubectl is not here: see .ci/kubectl")

    def explained(kind: Kind) -> str:
        """ "" or what is wrong."""
        asked = ("explain", kind.plural, f"--api-version={kind.api_version}", "--recursive")
        code, text = run(NEWEST, kubeconfig, tmp_path, *asked)
        told, wanted = paths_of(text), set(paths_in(kind.type)) - {("apiVersion",), ("kind",)}
        head = f"KIND:       {kind.kind}\n" in text and f"VERSION:    {kind.version}\n" in text
        left_out = wanted - told
        return "" if code == 0 and head and not left_out else f"{kind.api_version} {kind.plural}: {left_out or text[:300]}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [problem for problem in pool.map(explained, KINDS) if problem]
    assert not wrong, "\n".join(wrong)


def filled(struct: type[Any], depth: int = 6) -> dict[str, Any]:
    """JSON of a type with a value in every field down to a depth, and below it in those that are required."""
    fields = [field for field in fields_of(struct).values() if depth > 0 or field.required]
    return {field.name: value for field in fields if (value := _value(field.shape, depth - 1)) is not None}


def _value(shape: Shape, depth: int) -> Any:
    if shape.form == "struct":
        assert shape.struct is not None
        return filled(shape.struct, depth)
    if shape.form in ("list", "map"):
        assert shape.item is not None
        item = _value(shape.item, depth)
        return None if item is None else [item] if shape.form == "list" else {"k": item}
    return SCALARS.get(shape.form)  # a schema, or what stands for one, is left out


def document(kind: Kind, **more: Any) -> str:
    """An object with all its fields filled in."""
    value = {**filled(kind.type), "apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}}
    return json.dumps({**value, **more})


def test_the_client_itself_finds_right_what_is_right(kubeconfig: Path, tmp_path: Path) -> None:
    if not DEBIAN.exists():
        pytest.skip("this kubectl is not here: see .ci/kubectl")
    create = ("create", "--dry-run=client", "--validate=true", "-o", "name", "-f", "-")
    text = "\n".join(document(kind) for kind in KINDS)
    code, answer = run(DEBIAN, kubeconfig, tmp_path, *create, text=text)
    assert code == 0, answer[-3000:]
    assert len(answer.split()) == len(KINDS), answer
    for api_version, name in (("v1", "Pod"), ("extensions/v1beta1", "Deployment"), ("policy/v1beta1", "PodDisruptionBudget")):
        kind = BUILTIN.by_gvk(api_version, name)
        assert kind is not None
        code, answer = run(DEBIAN, kubeconfig, tmp_path, *create, text=document(kind, mast=1))
        assert code == 1 and f'ValidationError({name}): unknown field "mast"' in answer, answer
