"""Fields that stand twice or that nobody knows, as Kubernetes tells of them."""

import pytest

from shipslog.store.objects.patch import JSON_PATCH, MERGE_PATCH, told
from shipslog.store.objects.types.apps_v1 import Deployment
from shipslog.store.objects.wire import codec, repeats, yaml_text
from shipslog.store.refusals import BadRequest

JSON = (
    b'{"apiVersion":"apps/v1","kind":"Deployment","spec":{"unknown1":"a","unknownDupe":"a","unknownDupe":"b",'
    b'"paused":true,"paused":false,"template":{"spec":{"containers":[{"name":"n","unknownNested":{"a":1,"a":2},'
    b'"imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}'
)
NESTED = "spec.template.spec.containers[0]"
YAML = """apiVersion: apps/v1
kind: Deployment
spec:
  unknown1: a
  unknownDupe: a
  unknownDupe: b
  paused: true
  paused: false
  template:
    spec:
      containers:
      - name: web
        unknownNested: a
        imagePullPolicy: Always
        imagePullPolicy: Never
"""


def test_json_is_told_of_in_the_order_of_its_text() -> None:
    _, warnings = codec.decode(Deployment, JSON, validation="Warn")
    assert warnings == (
        'unknown field "spec.unknown1"',
        'unknown field "spec.unknownDupe"',
        'duplicate field "spec.paused"',
        f'unknown field "{NESTED}.unknownNested"',
        f'duplicate field "{NESTED}.imagePullPolicy"',
    )
    with pytest.raises(BadRequest, match="strict decoding error: " + ", ".join(warnings).replace("[0]", r"\[0\]")):
        codec.decode(Deployment, JSON, validation="Strict")
    assert codec.decode(Deployment, JSON, validation="Ignore")[1] == ()


def test_yaml_is_told_of_by_lines_and_then_by_names() -> None:
    (document,) = yaml_text.parse(YAML)
    lines = (
        'line 6: key "unknownDupe" already set in map',
        'line 8: key "paused" already set in map',
        'line 15: key "imagePullPolicy" already set in map',
    )
    assert document.repeated == lines
    unknown = tuple(f'unknown field "{f}"' for f in (f"{NESTED}.unknownNested", "spec.unknown1", "spec.unknownDupe"))
    _, warnings = codec.from_builtins(Deployment, document.value, validation="Warn", before=document.repeated)
    assert warnings == (*lines, *unknown)
    with pytest.raises(BadRequest) as caught:
        codec.from_builtins(Deployment, document.value, validation="Strict", before=document.repeated)
    assert caught.value.message.partition("strict decoding error: ")[2] == (
        "yaml: unmarshal errors:\n  " + "\n  ".join(lines) + ", " + ", ".join(unknown)
    )


def test_a_mapping_that_is_set_again_is_named_by_the_line_where_it_begins() -> None:
    (document,) = yaml_text.parse("a: 1\na:\n  b: 1\n  b: 2\n")
    assert document.repeated == ('line 4: key "b" already set in map', 'line 3: key "a" already set in map')


def test_a_patch_is_told_of_its_own_fields() -> None:
    assert told(b'{"spec":{"paused":true,"paused":false}}', MERGE_PATCH, "Warn") == ['duplicate field "spec.paused"']
    operations = b'[{"op":"add","path":"/a","value":1,"foo":"x"},{"op":"add","path":"/b","path":"/c","value":1}]'
    assert told(operations, JSON_PATCH, "Strict") == [
        'json patch unknown field "[0].foo"',
        'json patch duplicate field "[1].path"',
    ]
    assert told(operations, JSON_PATCH, "Ignore") == []


def test_no_more_are_told_of_than_kubernetes_tells() -> None:
    text = b"{" + b",".join(b'"k%d":1,"k%d":2' % (i, i) for i in range(150)) + b"}"
    assert len(repeats.told(text, set())) == 100
