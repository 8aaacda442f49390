"""Prints the module of one API group-version, made from tables of facts about its types.

    python -m shipslog.store.objects.types.generate FOLDER apps_v1 > apps_v1.py

FOLDER holds the facts of Kubernetes 1.37 (JSON): `k8s-1.37-types.json` and `-extra-types.json` (full type name -> fields with
JSON name, type, `required`, merge keys, default, protobuf number), `-wire.json` (which fields Go writes although they are
empty, and which are pointers, so that absence and zero differ) and `roundtrip/` (samples in the order of Go's fields).
Errors: KeyError for a type that the facts refer to and do not hold. Run again after a change of the facts, then `ruff format`;
the modules are ordinary source and are read, reviewed and committed as such.

Tests: tests/store/objects/types/test_roundtrip.py
"""

import json
import keyword
import re
import sys
from pathlib import Path
from typing import Any

RELEASE = "1.37"
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
SCHEMAS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
# Types that JSON writes as a scalar, or as any value: their names in `scalars`.
SCALARS = {
    f"{META}.Time": "Time",
    f"{META}.MicroTime": "MicroTime",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "Quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "IntOrString",
    f"{META}.Duration": "Duration",
    f"{META}.FieldsV1": "RawObject",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "RawObject",
    f"{META}.Patch": "RawObject",
    f"{SCHEMAS}.JSON": "RawObject",
}
# Those that are null where Go has a zero value, not a pointer.
NULLABLE = {"Time": "NullTime", "MicroTime": "NullMicroTime", "Base64": "NullBase64"}
TIMES = ("Time", "MicroTime")
ZEROS = {
    "str": '""',
    "bool": "False",
    "Int32": "0",
    "Int64": "0",
    "float": "0.0",
    "Time": '""',
    "MicroTime": '""',
    "Base64": '""',
}
WRITTEN = {
    "str": "str",
    "bool": "bool",
    "Int32": "int",
    "Int64": "int",
    "float": "float",
    "Quantity": "zero_quantity",
    "Duration": "zero_duration",
    "IntOrString": "int",
    "RawObject": "nothing",
}
FACTORIES = ("zero_quantity", "zero_duration", "nothing")  # of `scalars`; others are builtins
# JSON that is a schema or something simpler.
SCHEMA_OR = {
    f"{SCHEMAS}.JSONSchemaPropsOrArray": ("JSONSchemaProps | tuple[JSONSchemaProps, ...]", "SCHEMA_OR_SCHEMAS"),
    f"{SCHEMAS}.JSONSchemaPropsOrBool": ("bool | JSONSchemaProps", "SCHEMA_OR_BOOL"),
    f"{SCHEMAS}.JSONSchemaPropsOrStringArray": ("JSONSchemaProps | tuple[str, ...]", "SCHEMA_OR_STRINGS"),
}
SHARED = ("LabelSelector", "ObjectMeta", "OwnerReference")
OPTIONS = ("DeleteOptions", "WatchEvent")  # of every group: they say their kind themselves


def snake(name: str) -> str:
    """`clusterIPs` -> `cluster_ips`, `podCIDR` -> `pod_cidr`, `from` -> `from_`, `x-a` -> `x_a`."""
    name = re.sub(r"(IPs|CIDRs|IDs|URLs)(?=$|[A-Z])", lambda m: m[1].capitalize(), name)
    name = name.replace("OS", "Os") if name in ("OSImage",) else name
    out = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().lstrip("$").replace("-", "_")
    return out + "_" if keyword.iskeyword(out) or out in ("bool", "dict", "float", "int", "str", "tuple") else out


def camel(name: str) -> str:
    """What msgspec's rename="camel" makes of a Python name."""
    head, *tail = name.strip("_").split("_")
    return head + "".join(t.capitalize() for t in tail)


def module_of(prefix: str) -> str:
    """io.k8s.api.apps.v1 -> apps_v1"""
    return "_".join(prefix.split(".")[-2:])


class Facts:
    """What is known of all types."""

    def __init__(self, folder: Path) -> None:
        def read(name: str) -> dict[str, Any]:
            found: dict[str, Any] = json.loads((folder / f"k8s-{RELEASE}-{name}.json").read_text())
            return found

        self.types = read("types") | read("extra-types")
        self.wire = read("wire")
        self.order: dict[str, list[str]] = {}  # of a type's fields, as Go has them
        kinds = {tuple(gvk): name for name, fact in self.types.items() for gvk in fact.get("gvk", ())}
        for path in sorted((folder / "roundtrip").glob("*.json")):
            *group, version, kind = path.stem.split(".")
            name = kinds.get(("" if group == ["core"] else ".".join(group), version, kind), f"{META}.{kind}")
            if name in self.types:
                self._learn(name, json.loads(path.read_text()))

    def _learn(self, type_: Any, value: Any) -> None:
        """The order of the fields of a type, and of those within, from a sample."""
        if isinstance(type_, list):
            for inner in value if type_[0] == "list" else value.values():
                self._learn(type_[1], inner)
        elif fields := self.types.get(type_, {}).get("fields"):
            if len(value) > len(self.order.get(type_, ())):
                self.order[type_] = list(value)
            for key, inner in value.items():
                self._learn(fields[key]["type"], inner)

    def marks(self, full: str, field: str) -> list[str]:
        found: list[str] = self.wire.get(full, {}).get(field, [])
        return found

    def ordered(self, full: str) -> list[tuple[str, dict[str, Any]]]:
        """The fields of a type: in Go's order where a sample shows it, by their numbers otherwise."""
        fields: dict[str, dict[str, Any]] = self.types[full].get("fields", {})
        known = {name: i for i, name in enumerate(self.order.get(full, ()))}

        def place(name: str) -> tuple[int, int, int, str]:
            part = {"metadata": 0, "spec": 1, "status": 3}.get(name, 2)
            number = fields[name].get("proto", 999)
            return (known.get(name, 999), 0, 0, "") if known else (0, part, number, name)

        return [(name, fields[name]) for name in sorted(fields, key=place)]


class Module:
    """One group-version's module."""

    def __init__(self, facts: Facts, here: str) -> None:
        self.facts, self.here = facts, here
        self.types = {n: f for n, f in facts.types.items() if module_of(n.rpartition(".")[0]) == here and self._is_made(n, f)}
        self.prefix = next(iter(self.types)).rpartition(".")[0]
        self.scalars, self.modules, self.typing = {"Object"}, set[str](), {"ClassVar"}
        self.embedded: dict[str, str] = {}  # kinds that are parts of others, where they need not say what they are

    @staticmethod
    def _is_made(full: str, fact: dict[str, Any]) -> bool:
        is_list = full.endswith("List") and "items" in fact.get("fields", {})
        return fact.get("type", "object") == "object" and full not in SCALARS and not is_list

    def scalar(self, name: str) -> str:
        self.scalars.add(name)
        return name

    def type_of(self, t: Any) -> str:
        """The annotation of a value that is there."""
        if isinstance(t, list):
            inner = self.type_of(t[1])
            inner = self.scalar(NULLABLE[inner]) if inner in TIMES else inner
            return f"tuple[{inner}, ...]" if t[0] == "list" else f"dict[str, {inner}]"
        if t in SCALARS:
            return self.scalar(SCALARS[t])
        if t in SCHEMA_OR:
            self.typing.add("Annotated")
            choice, form = SCHEMA_OR[t]
            return f"Annotated[{choice}, {self.scalar(form)}]"
        if t.startswith("io.k8s."):
            prefix, name = t.rsplit(".", 1)
            if prefix == self.prefix:
                return str(name)
            self.modules.add(module_of(prefix))
            if self.facts.types[t].get("gvk") and name not in OPTIONS:
                self.embedded[f"{module_of(prefix)}.{name}"] = f"Embedded{name}"
                return f"Embedded{name}"
            return f"{module_of(prefix)}.{name}"
        if t == "string:byte":
            return self.scalar("Base64")
        if t.startswith("integer"):
            return self.scalar("Int32" if t == "integer:int32" else "Int64")
        if t.startswith("object"):
            return self.scalar("RawObject")
        return {"string": "str", "boolean": "bool", "number": "float"}[t.split(":")[0]]

    def field(self, full: str, name: str, f: dict[str, Any]) -> str:
        """The line of a field. A pointer may be None; what Go writes although it is empty has a factory."""
        py, ann = snake(name), self.type_of(f["type"])
        marks = self.facts.marks(full, name)
        always, pointer = "always" in marks, "pointer" in marks
        struct = isinstance(f["type"], str) and f["type"].startswith("io.k8s.") and f["type"] not in SCALARS
        if isinstance(f["type"], list):
            ann, default = self._many(ann, f["type"][0], always)
        elif ann in NULLABLE and always:
            ann = self.scalar(NULLABLE[ann])
            default = f"default_factory={self.scalar('null_text')}"
        elif ann in ZEROS and not pointer and not always:
            default = f"default={ZEROS[ann]}"
        elif ann in NULLABLE:  # a pointer; an empty text is none
            default = 'default=""'
        elif struct and not pointer:
            default = f"default_factory={ann}"
        elif always and not pointer:
            factory = WRITTEN[ann]
            default = f"default_factory={self.scalar(factory) if factory in FACTORIES else factory}"
        else:
            ann = ann if ann == "RawObject" else f"{ann} | None"
            default = f"default_factory={self.scalar('nothing')}" if always else "default=None"
        if full == f"{META}.ObjectMeta" and name == "creationTimestamp":  # by value, and left out where it is zero
            ann = self.scalar("OwnTime")
        ann = self._merged(ann, f)
        if re.search(rf"\b{full.rpartition('.')[2]}\b", ann):
            ann = json.dumps(ann)
        args = ", ".join(x for x in (default, "" if camel(py) == name else f'name="{name}"') if x)
        plain = args == default and default.startswith("default=")
        return f"    {py}: {ann} = {default.removeprefix('default=') if plain else f'field({args})'}"

    def _many(self, ann: str, form: str, always: bool) -> tuple[str, str]:
        if form == "list" and always:
            return f"{self.scalar('Nullable')}[{ann}]", f"default_factory={self.scalar('null_list')}"
        if form == "list":
            return ann, "default=()"
        return ann, f"default_factory={self.scalar('ReadOnlyDict')}" if always else f"default={self.scalar('NO_ITEMS')}"

    def _merged(self, ann: str, f: dict[str, Any]) -> str:
        """The annotation, with what patches need to know."""
        meta = [
            f"{k.replace('-', '_')}={tuple(v) if isinstance(v, list) else v!r}"
            for k, v in sorted(f.items())
            if k.startswith(("patch", "list-map", "map-type"))
        ]
        if f.get("list-type") in ("set",):
            meta.append('list_type="set"')
        if not meta:
            return ann
        self.typing.add("Annotated")
        return f"Annotated[{ann}, {self.scalar('merge')}({', '.join(meta)})]"

    def made(self, full: str, fields: list[tuple[str, dict[str, Any]]]) -> list[str]:
        """What the `__post_init__` of a type does: its maps cannot be changed, and its zero values are those that Go has."""
        maps = {snake(n): full for n, f in fields if isinstance(f["type"], list) and f["type"][0] == "map"}
        written = sorted(snake(n) for n, f in fields if snake(n) in maps and "always" in self.facts.marks(full, n))
        free = sorted(snake(n) for n, f in fields if re.search(r"\bRawObject\b", self.type_of(f["type"])))
        assert not set(free) & maps.keys(), full
        out = []
        if maps or free:
            lists = {"fields": sorted(maps.keys() - set(written)), "written": written, "free": free}
            arguments = [f"{what}=({', '.join(map(json.dumps, names))},)" for what, names in lists.items() if names]
            out.append(f"{self.scalar('freeze_maps')}(self, {', '.join(arguments)})")
        always = [(snake(n), f["type"]) for n, f in fields if "always" in self.facts.marks(full, n)]
        nulls = {
            "lists": [n for n, t in always if isinstance(t, list) and t[0] == "list"],
            "maps": [snake(n) for n, f in fields if isinstance(f["type"], list) and self.type_of(f["type"][1]) in TIMES],
            "texts": [n for n, t in always if not isinstance(t, list) and self.type_of(t) in NULLABLE],
        }
        if any(nulls.values()):
            arguments = [f"{what}=({', '.join(map(json.dumps, names))},)" for what, names in nulls.items() if names]
            out.append(f"{self.scalar('to_nulls')}(self, {', '.join(arguments)})")
        return out

    def body(self, full: str) -> str:
        """The class of a type."""
        fact, name = self.facts.types[full], full.rpartition(".")[2]
        fields = self.facts.ordered(full)
        gvk = fact.get("gvk") if name not in OPTIONS else None
        lines = []
        if gvk and "apiVersion" in fact["fields"]:
            group, version, kind = gvk[0]
            api_version = f"{group}/{version}" if group else version
            lines += [
                f'    kind: str = field(default_factory=lambda: "{kind}")',
                f'    api_version: str = field(default_factory=lambda: "{api_version}", name="apiVersion")',
            ]
            fields = [(n, f) for n, f in fields if n not in ("apiVersion", "kind")]
        lines += [self.field(full, n, f) for n, f in fields]
        parts = [f"class {name}(Object, frozen=True, kw_only=True):", *(lines or ["    pass"])]
        if made := self.made(full, fields):
            parts += ["", "    def __post_init__(self) -> None:", *(f"        {line}" for line in made)]
        numbers = {snake(n): f["proto"] for n, f in fields if "proto" in f}
        others = {f"*{n}": p for n, p in fact.get("protoOnly", {}).items() if p not in numbers.values()}
        parts += ["", f"    __proto__: ClassVar[dict[str, int]] = {json.dumps(dict(sorted(numbers.items())) | others)}"]
        if required := tuple(sorted(n for n, f in fields if f.get("required"))):
            parts.append(f"    __required__: ClassVar[tuple[str, ...]] = {required!r}")
        if defaults := {n: f["default"] for n, f in fields if "default" in f}:
            self.typing.add("Any")
            parts.append(f"    __defaults__: ClassVar[dict[str, Any]] = {defaults!r}")
        return "\n".join(parts) + "\n"

    def render(self) -> str:
        bodies = {full.rpartition(".")[2]: self.body(full) for full in self.types}
        needs = {name: set(re.findall(r"\b[A-Z]\w+", body)) & bodies.keys() - {name} for name, body in bodies.items()}
        order, done = [], set[str]()

        def visit(n: str, path: tuple[str, ...] = ()) -> None:
            if n in done or n in path:
                return
            for m in sorted(needs[n]):
                visit(m, (*path, n))
            done.add(n)
            order.append(n)

        for n in sorted(bodies):
            visit(n)
        where = self.here.replace("_", ".")
        head = [
            f'"""The types of the API group-version {where} (Kubernetes {RELEASE}), made by generate.py from its facts."""',
            "",
            f"from typing import {', '.join(sorted(self.typing))}",
            "",
            "from msgspec import field",
            "",
        ]
        head += ["from shipslog.store.objects.values.scalars import " + ", ".join(sorted(self.scalars)), ""]
        if self.modules:
            head.append(f"from . import {', '.join(sorted(self.modules))}")
        if "meta_v1" in self.modules:  # whoever writes objects of a group needs these besides
            head.append("from .meta_v1 import " + ", ".join(f"{name} as {name}" for name in SHARED))
        embedded = [
            f"""class {name}({of}, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = field(default="", name="apiVersion")
"""
            for of, name in sorted(self.embedded.items())
        ]
        return "\n".join(head) + "\n\n\n" + "\n\n".join(embedded + [bodies[n] for n in order])


if __name__ == "__main__":
    print(Module(Facts(Path(sys.argv[1])), sys.argv[2]).render())
