"""What an expression may cost at most, before it is run: Kubernetes' units, as cel-go's `checker/cost.go` estimates them.

`1 << 64` minus one stands for what has no bound. Sizes come from what the types of variables declare (`Type.most`).

Tests: tests/engine/cel/test_program.py
"""

import math
from collections.abc import Callable, Mapping

from msgspec import Struct

from .checker import Checked
from .functions import Overload
from .syntax import ACCUMULATOR, Call, Const, Fold, Ident, ListOf, MapOf, Message, Node, Select
from .types import ANY, SCALARS, Type, unwrapped

UNBOUNDED = (1 << 64) - 1
CREATED = {"list": 10, "map": 30, "struct": 40}


class Span(Struct, frozen=True):
    """At least and at most."""

    least: int = 0
    most: int = 0

    def __add__(self, other: "Span") -> "Span":
        return Span(_capped(self.least + other.least), _capped(self.most + other.most))

    def __mul__(self, other: "Span") -> "Span":
        return Span(_capped(self.least * other.least), _capped(self.most * other.most))

    def times(self, factor: float) -> "Span":
        return Span(_scaled(self.least, factor), _scaled(self.most, factor))

    def union(self, other: "Span") -> "Span":
        return Span(min(self.least, other.least), max(self.most, other.most))


def _capped(value: int) -> int:
    return min(value, UNBOUNDED)


def _scaled(value: int, factor: float) -> int:
    made = float(value) * factor
    return UNBOUNDED if made >= 2.0**64 else math.ceil(made)


def fixed(value: int) -> Span:
    return Span(value, value)


UNKNOWN = Span(0, UNBOUNDED)
ONE = fixed(1)


class _Variable(Struct):
    path: tuple[str, ...]
    size: Span | None = None
    entry: tuple[Span, Span] | None = None  # of what it holds: keys and values


def estimate(checked: Checked, variables: Mapping[str, Type]) -> Span:
    """The least and the most that an evaluation costs."""
    return _Coster(checked, variables).cost(checked.root)


class _Coster:
    def __init__(self, checked: Checked, variables: Mapping[str, Type]) -> None:
        self.checked, self.variables = checked, variables
        self.paths: dict[int, tuple[str, ...]] = {}
        self.sizes: dict[int, Span] = {}
        self.entries: dict[int, tuple[Span, Span]] = {}
        self.local: dict[str, list[_Variable]] = {}

    # --- what is known of a node ---

    def _local(self, name: str) -> _Variable | None:
        held = self.local.get(name)
        return held[-1] if held else None

    def _path(self, node: Node) -> tuple[str, ...]:
        if isinstance(node, Ident) and (found := self._local(node.name)) is not None:
            return found.path
        return self.paths.get(node.id, ())

    def _declared(self, path: tuple[str, ...]) -> Span | None:
        """The size that is declared along a path."""
        if not path or path[0] == ACCUMULATOR:
            return None
        type_ = self.variables.get(path[0])
        if type_ is None:
            return Span()  # the name of a type
        for name in path[1:]:
            if type_ is None:
                return None
            type_, _ = unwrapped(type_)
            if name in ("@items", "@values"):
                type_ = type_.params[-1] if type_.kind in ("list", "map") else None
            elif name == "@keys":
                type_ = type_.params[0] if type_.kind == "map" else None
            elif type_.kind == "map" and type_.params[1] == ANY:
                type_ = type_.params[1]  # whatever the key is called
            else:
                type_ = (type_.fields or {}).get(name)
        if type_ is None or (type_.kind == "dyn" and type_.most is None):
            return None
        return Span(0, type_.most or 0)

    def size(self, node: Node) -> Span | None:
        if (found := self.sizes.get(node.id)) is not None:
            return found
        match node:
            case Const(value=str() | bytes() as value):
                return fixed(len(value))
            case Const():
                return ONE
            case ListOf():
                return fixed(len(node.elements))
            case MapOf():
                return fixed(len(node.entries))
        if (found := self._declared(self._path(node))) is not None:
            self.sizes[node.id] = found
            return found
        type_ = unwrapped(self.checked.types[node.id])[0]
        if type_.kind in SCALARS:
            return ONE
        if isinstance(node, Ident) and (variable := self._local(node.name)) is not None:
            return variable.size
        return None

    def known(self, node: Node) -> Span:
        found = self.size(node)
        return found if found is not None else UNKNOWN

    def entry(self, node: Node) -> tuple[Span, Span] | None:
        if (found := self.entries.get(node.id)) is not None:
            return found
        if isinstance(node, Ident) and (variable := self._local(node.name)) is not None:
            return variable.entry
        return None

    def item(self, node: Node) -> Span | None:
        """The size of a list's items; None where it is no list."""
        type_ = self.checked.types[node.id]
        if not type_.params:
            return None
        found = self._declared((*path, "@items")) if (path := self._path(node)) else None
        return found if found is not None else UNKNOWN

    # --- what it costs ---

    def cost(self, node: Node) -> Span:
        match node:
            case Ident():
                self.paths[node.id] = found.path if (found := self._local(node.name)) is not None else (node.name,)
                return ONE
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node)
            case Message():
                return sum((self.cost(e.value) for e in node.entries), fixed(CREATED["struct"]))
            case Fold():
                return self._fold(node)
        return Span()

    def _select(self, node: Select) -> Span:
        if node.id in self.checked.named:  # the name of a type
            return ONE
        total = self.cost(node.operand)
        if node.test:
            return total
        if self.checked.types[node.operand.id].kind in ("map", "object", "param"):
            total += ONE
        if path := self._path(node.operand):
            self.paths[node.id] = (*path, node.field)
        return total

    def _list(self, node: ListOf) -> Span:
        total, item = fixed(CREATED["list"]), None
        for element in node.elements:
            total += self.cost(element)
            held = self.known(element)
            item = held if item is None else item.union(held)
        self.entries[node.id] = (ONE, item if item is not None else Span())
        return total

    def _map(self, node: MapOf) -> Span:
        total = fixed(CREATED["map"])
        keys = held = None
        for entry in node.entries:
            assert isinstance(entry.key, Node)
            total = total + self.cost(entry.key) + self.cost(entry.value)
            key, value = self.known(entry.key), self.known(entry.value)
            keys, held = key if keys is None else keys.union(key), value if held is None else held.union(value)
        self.entries[node.id] = (keys or Span(), held or Span())
        return total

    def _fold(self, node: Fold) -> Span:
        if is_binding(node):
            total = self.cost(node.range) + self.cost(node.init)
            self._push(node.accu_var, _Variable(self._path(node.init), self.size(node.init), self.entry(node.init)))
            total += self.cost(node.result)
            self._pop(node.accu_var)
            self._take(node, node.result)
            return total
        total = self.cost(node.range) + self.cost(node.init)
        self._push(node.accu_var, _Variable(self._path(node.init), self.size(node.init), self.entry(node.init)))
        self._push_loop(node)
        each = self.cost(node.condition) + self.cost(node.step)
        self._pop(node.iter_var)
        if node.iter_var2:
            self._pop(node.iter_var2)
        total += self.cost(node.result)
        self._pop(node.accu_var)
        count = self.known(node.range)
        if isinstance(node.init, Const):
            self.sizes[node.id] = self.known(node.init)
        elif isinstance(node.init, ListOf | MapOf):
            self.sizes[node.id] = count
            if (entry := self.entry(node.step)) is not None:
                self.entries[node.id] = entry
        return total + count * each

    def _push_loop(self, node: Fold) -> None:
        path, entry = self._path(node.range), self.entry(node.range)
        keys, held = entry if entry is not None else (None, None)
        is_list = self.checked.types[node.range.id].kind == "list"
        first, second = ("@indices", "@items") if is_list else ("@keys", "@values")
        if node.iter_var2:
            self._push(node.iter_var, _Variable((*path, first) if path else (), keys))
            self._push(node.iter_var2, _Variable((*path, second) if path else (), held))
        else:
            name, size = ("@items", held) if is_list else ("@keys", keys)
            self._push(node.iter_var, _Variable((*path, name) if path else (), size))

    def _push(self, name: str, variable: _Variable) -> None:
        self.local.setdefault(name, []).append(variable)

    def _pop(self, name: str) -> None:
        self.local[name].pop()

    def _take(self, node: Node, other: Node) -> None:
        if (size := self.size(other)) is not None:
            self.sizes[node.id] = size
        if (entry := self.entry(other)) is not None:
            self.entries[node.id] = entry

    # --- calls ---

    def _call(self, node: Call) -> Span:
        if node.function == "_?._":
            total = self.cost(node.args[0]) + ONE
            if path := self._path(node.args[0]):
                self.paths[node.id] = (*path, str(getattr(node.args[1], "value", "")))
            return total
        costs = [self.cost(arg) for arg in node.args]
        total = Span()
        if node.target is not None:
            total = self.cost(node.target)
        if node.function == "dyn":
            self._take(node, node.args[0])
            return ONE + costs[0]
        found: Span | None = None
        size: Span | None = None
        for overload in self.checked.calls.get(node.id, ()):
            cost, made = self._overload(node, overload, costs)
            found = cost if found is None else found.union(cost)
            if made is not None:
                size = made if size is None else size.union(made)
            if overload.id in ("index_list", "index_map"):
                entry = self.entry(node.args[0])
                size = entry[1] if entry is not None else size
                if path := self._path(node.args[0]):
                    self.paths[node.id] = (*path, "@items" if overload.id == "index_list" else "@values")
        if size is not None:
            self.sizes[node.id] = size
        return total + (found if found is not None else Span())

    def _overload(self, node: Call, overload: Overload, costs: list[Span]) -> tuple[Span, Span | None]:
        """What one overload costs, and the size of what it makes."""
        args = sum(costs, Span())
        match overload.id:
            case "logical_and" | "logical_or":
                return Span(costs[0].least, args.most), None
            case "conditional":
                size = self.known(node.args[1]).union(self.known(node.args[2]))
                one, other = self.entry(node.args[1]), self.entry(node.args[2])
                if one is not None and other is not None:
                    self.entries[node.id] = (one[0].union(other[0]), one[1].union(other[1]))
                return costs[0] + costs[1].union(costs[2]), size
        rule = BY_OVERLOAD.get(overload.id) or BY_FUNCTION.get(node.function)
        if rule is None:
            return ONE + args, None
        sizes = [self.known(n) for n in ((node.target,) if node.target is not None else ()) + tuple(node.args)]
        cost, made = rule(self, node, sizes)
        return cost + args, made


Rule = Callable[[_Coster, Call, list[Span]], tuple[Span, Span | None]]
TENTH = 0.1


def is_binding(node: Fold) -> bool:
    """Whether a fold only gives a value a name (`optMap`)."""
    return isinstance(node.range, ListOf) and not node.range.elements and node.accu_var != ACCUMULATOR


def _over(at: int, factor: float = TENTH) -> Rule:
    """Once over an argument."""
    return lambda coster, node, sizes: (sizes[at].times(factor), None)


def _same_size(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    return sizes[0].times(TENTH), sizes[0]


def _shorter(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    most = min(sizes[0].most, sizes[1].most)
    return Span(1 if most else 0, most).times(TENTH), None


def _pattern(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    made = Span(0, sizes[0].most) if node.function in ("find", "findAll") else None
    return (sizes[0] + ONE).times(TENTH) * sizes[1].times(0.25), made


def _contains(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    return sizes[0].times(TENTH) * sizes[1].times(TENTH), None


def _both(factor: float) -> Rule:
    """Both are copied; lists are not."""

    def rule(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
        size = sizes[0] + sizes[1]
        one, other = coster.entry(node.args[0]), coster.entry(node.args[1])
        if one is not None and other is not None:
            coster.entries[node.id] = (one[0].union(other[0]), one[1].union(other[1]))
        return (size.times(factor) if factor else ONE), size

    return rule


def _format(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    return sizes[0].times(TENTH), sizes[0] + sizes[1]


def _each(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    """One for each item, and what going over it costs where it is text; a text itself is gone over."""
    assert node.target is not None
    held = coster.item(node.target)
    if held is None:
        return sizes[0].times(TENTH), None
    each = ONE
    if coster.checked.types[node.target.id].params[0].kind in ("string", "bytes"):
        each = each + held.times(TENTH)
    return sizes[0] * each, None


def _replace(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    text, old, new = sizes[:3]
    most_times = least_times = most_kept = least_kept = 0
    if not old.least:
        most_times, most_kept = _capped(text.most + 1), text.most
    elif new.most <= old.least:
        most_kept = text.most
    else:
        most_times = math.ceil(text.most / old.least)
    if not old.most:
        least_times, least_kept = _capped(text.least + 1), text.least
    elif old.most <= new.least:
        least_kept = text.least
    else:
        least_times = math.ceil(text.least / old.most)
    made = Span(least_times, most_times) * new + Span(least_kept, most_kept)
    return text.times(2 * TENTH), made


def _split(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    most = sizes[0].most
    if len(node.args) > 1 and isinstance(limit := node.args[1], Const) and isinstance(limit.value, int) and limit.value >= 0:
        most = limit.value
    return sizes[0].times(2 * TENTH), Span(0, most)


def _join(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
    assert node.target is not None
    item = coster.item(node.target)
    size = sizes[0] * item if item is not None else Span()
    if node.args:
        size = size + sizes[1] * Span(max(sizes[0].least - 1, 0), max(sizes[0].most - 1, 0))
    return size.times(TENTH), size


def _product(factor: int) -> Rule:
    return lambda coster, node, sizes: (ONE + sizes[0] * sizes[1] * fixed(factor), None)


def _address(extra: Span | None) -> Rule:
    def rule(coster: _Coster, node: Call, sizes: list[Span]) -> tuple[Span, Span | None]:
        size = Span(4, 16)
        cost = (size + size).times(TENTH)
        if extra is not None:
            cost = cost + size.times(TENTH) + extra
        if coster.checked.types[node.args[0].id].kind == "string":
            cost = cost + sizes[1].times(TENTH)
        return cost, None

    return rule


BY_OVERLOAD: dict[str, Rule] = {
    "string_to_bytes": lambda c, n, s: (s[0].times(TENTH), Span(s[0].least, _capped(s[0].most * 4))),
    "bytes_to_string": lambda c, n, s: (s[0].times(TENTH), Span(s[0].least // 4, s[0].most)),
    "strings_quote": lambda c, n, s: (s[0].times(TENTH), Span(s[0].least + 2, _capped(s[0].most * 2 + 2))),
    "starts_with_string": _over(1),
    "ends_with_string": _over(1),
    "in_list": _over(1, 1),
    "matches": _pattern,
    "matches_string": _pattern,
    "contains_string": _contains,
    "add_string": _both(TENTH),
    "add_bytes": _both(TENTH),
    "add_list": _both(0),
    "equals": _shorter,
    "not_equals": _shorter,
    "cidr_ip": lambda c, n, s: (ONE, None),
}
BY_OVERLOAD |= {
    f"{word}_{kind}": _shorter for word in ("less", "less_equals", "greater", "greater_equals") for kind in ("string", "bytes")
}
BY_FUNCTION: dict[str, Rule] = {
    "check": lambda c, n, s: (fixed(350_000), None),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _each),
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim"), _same_size),
    "format": _format,
    "url": _over(0),
    "replace": _replace,
    "split": _split,
    "join": _join,
    "find": _pattern,
    "findAll": _pattern,
    "sets.contains": _product(1),
    "sets.intersects": _product(1),
    "sets.equivalent": _product(2),
    "containsIP": _address(None),
    "containsCIDR": _address(ONE),
    **dict.fromkeys(("ip", "cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _over(0)),
    "ip.isCanonical": _over(0, 2 * TENTH),
}
