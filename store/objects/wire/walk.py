"""A client's JSON, field by field along its type: nulls dropped, unknown fields noted, wrong types refused in Go's words.

Tests: tests/store/objects/wire/test_codec.py
"""

from typing import Any

from shipslog.store.objects.fields.shapes import Shape, fields_of

from .json_text import MAX_TOLD

_SIMPLE: dict[str, type] = {"string": str, "byte": str, "time": str, "microtime": str, "duration": str, "bool": bool}
_LIMITS = {"int32": 2**31, "int": 2**63}


class WrongType(ValueError):
    """A value is not of its field's type."""


class Walk:
    """One walk. `unknown` are the paths of the fields that the types do not have."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def object(self, struct: type[Any], value: dict[str, Any], path: str = "", names: str = "") -> dict[str, Any]:
        """The object with what its type allows. `path` has indexes, `names` (for Go's messages) has none. Errors: WrongType."""
        fields = fields_of(struct)
        out: dict[str, Any] = {}
        for key, inner in value.items():
            here = f"{path}.{key}" if path else key
            field = fields.get(key)
            if field is None:
                if len(self.unknown) < MAX_TOLD:
                    self.unknown.append(here)
            elif inner is not None:
                named = f"{names}.{key}" if names else key
                out[key] = self._value(field.shape, inner, here, f"{struct.__name__}.{named}", named)
        return out

    def _value(self, shape: Shape, value: Any, path: str, owner: str, names: str) -> Any:
        match shape.form:
            case "struct" if isinstance(value, dict):
                assert shape.struct is not None
                return self.object(shape.struct, value, path, names)
            case "list" if isinstance(value, list | tuple):
                item = _item(shape)
                return [
                    self._value(item, v, f"{path}[{i}]", owner, names) if v is not None else _zero(item)
                    for i, v in enumerate(value)
                ]
            case "map" if isinstance(value, dict):
                item = _item(shape)
                return {
                    str(k): self._value(item, v, f"{path}.{k}", owner, names) if v is not None else _zero(item)
                    for k, v in value.items()
                }
            case "any":
                return value
            case "schema-or-schemas" | "schema-or-bool" | "schema-or-strings":
                return self._schema_or(shape, value, path, owner, names)
            case "quantity" if isinstance(value, str | int | float) and not isinstance(value, bool):
                return value
            case "int-or-string" if isinstance(value, str) or _is_int(value, 2**31):
                return value
            case "int" | "int32" if _is_int(value, _LIMITS[shape.form]):
                return int(value)
            case "float" if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            case form if form in _SIMPLE and isinstance(value, _SIMPLE[form]):
                return value
        if shape.form == "quantity":
            raise WrongType("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
        if shape.form == "int-or-string":
            raise WrongType(f"json: cannot unmarshal {_described(value, shape)} into Go value of type int32")
        raise WrongType(
            f"json: cannot unmarshal {_described(value, shape)} into Go struct field {owner} of type {shape.go_name}"
        )

    def _schema_or(self, shape: Shape, value: Any, path: str, owner: str, names: str) -> Any:
        """A schema, or what stands for one."""
        assert shape.struct is not None
        if isinstance(value, dict):
            return self.object(shape.struct, value, path, names)
        if isinstance(value, bool) and shape.form == "schema-or-bool":
            return value
        if isinstance(value, list | tuple) and shape.form != "schema-or-bool":
            item = Shape("struct", struct=shape.struct) if shape.form == "schema-or-schemas" else Shape("string")
            return self._value(Shape("list", item=item), value, path, owner, names)
        what = "boolean or JSON schema" if shape.form == "schema-or-bool" else "JSON schema or an array"
        raise WrongType(f"json: cannot unmarshal {_described(value, shape)} into Go struct field {owner}: {what} expected")


def _item(shape: Shape) -> Shape:
    assert shape.item is not None
    return shape.item


def _is_int(value: Any, limit: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value == value // 1 and -limit <= value < limit


def _zero(shape: Shape) -> Any:
    """What Go makes of a null within a list or a map."""
    zeros: dict[str, Any] = {
        "struct": {},
        "list": [],
        "map": {},
        "bool": False,
        "int": 0,
        "int32": 0,
        "float": 0.0,
        "quantity": "0",
        "duration": "0s",
        "any": None,
    }
    return zeros.get(shape.form, 0 if shape.form == "int-or-string" else "")


def _described(value: Any, shape: Shape) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return f"number {value}" if shape.form in _LIMITS else "number"
    return "array" if isinstance(value, list | tuple) else "object"
