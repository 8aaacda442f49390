"""From the text of an expression to its tree. The grammar, the macros and the words about wrong syntax are the library's.

What the library hands out is a `cel.expr.ParsedExpr` in protobuf; its tree is read here, and the macros that it does not know
yet (comprehensions of two variables) are expanded. Source: google/cel-spec `syntax.proto`, and cel-go's ext/comprehensions.

Tests: tests/engine/cel/test_program.py
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from struct import unpack
from typing import Any

from msgspec import Struct

from . import cutting
from .values import Uint

LONGEST = 100_000  # code points of an expression, as cel-go
FRAMES = 4_000  # of Python's stack, where an expression is nested deep: three or four a level, to check and to run it
ACCUMULATOR = "@result"


class SyntaxFault(Exception):
    """The text is no expression; the words say where, as cel-go does."""


class Node(Struct, eq=False):
    """A part of an expression. `id`: by which its place in the text is found."""

    id: int


class Const(Node):
    value: Any


class Ident(Node):
    name: str


class Select(Node):
    operand: Node
    field: str
    test: bool = False  # has(operand.field)


class Call(Node):
    function: str
    args: list[Node]
    target: Node | None = None


class ListOf(Node):
    elements: list[Node]
    optional: frozenset[int] = frozenset()  # which of them are `?x`


class Entry(Struct, eq=False):
    """Of a map or a message: its key is a node, or the name of a field."""

    id: int
    key: Node | str
    value: Node
    optional: bool = False


class MapOf(Node):
    entries: list[Entry]


class Message(Node):
    name: str
    entries: list[Entry]


class Fold(Node):
    """A comprehension: the step for each item while the condition holds, then the result."""

    iter_var: str
    iter_var2: str  # "" for those of one variable
    range: Node
    accu_var: str
    init: Node
    condition: Node
    step: Node
    result: Node


class Source(Struct):
    """Where the parts of an expression stand in its text."""

    text: str
    positions: dict[int, int]

    def place(self, id_: int) -> tuple[int, int]:
        """Line (from 1) and column (from 0) of a part."""
        offset = self.positions.get(id_, 0)
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1)

    def fault(self, id_: int, words: str) -> str:
        """What is wrong with a part, with its line and a mark under it, as cel-go prints it."""
        line, column = self.place(id_)
        shown = self.text.split("\n")[line - 1].replace("\t", " ")
        return f"ERROR: <input>:{line}:{column + 1}: {words}\n | {shown}\n | {'.' * column}^"


def parse(text: str, *, binds: bool = False) -> tuple[Node, Source]:
    """The tree of an expression. `binds`: it may give a value a name, by `cel.bind`. Errors: SyntaxFault."""
    if len(text) > LONGEST:
        raise SyntaxFault(f"ERROR: <input>:-1:-1: expression code point size exceeds limit: size: {len(text)}, limit {LONGEST}")
    plain = _Plain(text)
    try:
        text.encode()
        return _in_pieces(text, plain, [cutting.Piece("", 0, plain.text)], binds)
    except RuntimeError as error:
        words = _words(error, plain)
    except UnicodeEncodeError as error:
        raise SyntaxFault(f"ERROR: <input>:1:{error.start + 1}: Syntax error: it is no text in UTF-8") from error
    if "recursion" not in words:
        raise SyntaxFault(words)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES))
    try:
        return _in_pieces(text, plain, cutting.pieces(plain.text), binds)
    except cutting.TooDeep:
        raise SyntaxFault(f"ERROR: <input>:-1:0: expression recursion limit exceeded: {cutting.LEVELS}") from None
    except (cutting.NoExpression, RecursionError):
        raise SyntaxFault(words) from None
    except RuntimeError as error:
        raise SyntaxFault(_words(error, plain)) from error


def _words(error: RuntimeError, plain: "_Plain") -> str:
    """What the library says is wrong."""
    words = plain.back(str(error)).partition(": ")[2].rpartition(" [")[0]
    return words.replace(":4294967295:0:", ":-1:-1:") or str(error)


def _in_pieces(text: str, plain: "_Plain", pieces: Sequence[cutting.Piece], binds: bool) -> tuple[Node, Source]:
    """The tree of what its pieces come to. Errors: RuntimeError, the library's."""
    positions: dict[int, int] = {}
    known: dict[str, Node] = {}
    last, tree = 0, Node(0)
    for piece in pieces:
        parsed = _last(_environment().compile(piece.text, disable_check=True).serialize(), 2)
        first = last
        for entry in _all(_last(parsed, 3), 4):
            fields = dict(_fields(entry))
            id_ = first + fields.get(1, 0)
            positions[id_] = piece.start + fields.get(2, 0)
            last = max(last, id_)
        reader = _Reader(first, last, plain, binds, known)
        tree = known[piece.name] = reader.node(_last(parsed, 2))
        last = reader.last_id
    return tree, Source(text, positions)


class _Plain:
    """The text without two macros that the library would expand so that their target stands there twice, and twice again in
    the next: names of the same length stand for them, and are put back into what comes of it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stand_ins: dict[str, str] = {}
        for name in ("optMap", "optFlatMap"):
            if name in text:
                free = (f"opt{chr(at)}{name[4:]}" for at in (*range(97, 123), *range(65, 91)))
                stand_in = next((f for f in free if f not in text), None)
                if stand_in is None:
                    raise SyntaxFault(f"ERROR: <input>:1:1: too many names look like {name}")
                self.text = self.text.replace(name, stand_in)
                self.stand_ins[stand_in] = name

    def back(self, text: str) -> str:
        for stand_in, name in self.stand_ins.items():
            text = text.replace(stand_in, name)
        return text


@cache
def _environment() -> Any:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_optional

    return cel.NewEnv(extensions=[ext_optional.ExtOptional()])


# --- protobuf ---


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: number, and an integer, eight bytes or more."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                value, at = _varint(data, at)
                yield key >> 3, value
            case 1:
                yield key >> 3, data[at : at + 8]
                at += 8
            case _:
                size, at = _varint(data, at)
                yield key >> 3, data[at : at + size]
                at += size


def _all(data: bytes, number: int) -> Iterator[bytes]:
    return (value for found, value in _fields(data) if found == number)


def _last(data: bytes, number: int) -> bytes:
    found = b""
    for value in _all(data, number):
        found = value
    return found


def _int64(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


CONSTANTS: dict[int, Callable[[Any], Any]] = {
    1: lambda raw: None,
    2: bool,
    3: _int64,
    4: Uint,
    5: lambda raw: unpack("<d", raw)[0],
    6: lambda raw: raw.decode(),
    7: bytes,
}


class _Reader:
    """Makes nodes of messages, and of the macros of two variables what they stand for."""

    # `first`: what the ids of this piece are counted from; `known`: the trees of pieces that names stand for
    def __init__(self, first: int, last_id: int, plain: _Plain, binds: bool, known: Mapping[str, Node]) -> None:
        self._first, self.last_id, self._back, self.binds, self._known = first, last_id, plain.back, binds, known
        self._plain = not plain.stand_ins

    def node(self, data: bytes) -> Node:
        id_, kind, held = 0, 0, b""
        for number, value in _fields(data):
            if number == 2:
                id_ = self._first + _int64(value)
            else:
                kind, held = number, value
        match kind:
            case 3:
                return Const(id_, self._constant(held))
            case 4:
                name = self._text(_last(held, 1)).removeprefix(".")
                return self._known[name] if name in self._known else Ident(id_, name)
            case 5:
                part = dict(_fields(held))
                return Select(id_, self.node(part[1]), self._text(part[2]), bool(part.get(3)))
            case 6:
                return self._call(id_, held)
            case 7:
                parts = list(_fields(held))
                optional = frozenset(at for number, raw in parts if number == 2 for at in _packed(raw))
                return ListOf(id_, [self.node(raw) for number, raw in parts if number == 1], optional)
            case 8:
                return self._struct(id_, held)
            case 9:
                return self._fold(id_, held)
        raise SyntaxFault("ERROR: <input>:1:1: it has a part of an unknown sort")

    def _text(self, raw: bytes) -> str:
        return raw.decode() if self._plain else self._back(raw.decode())

    def _constant(self, data: bytes) -> Any:
        kind, raw = next(_fields(data))
        value = CONSTANTS[kind](raw)
        if self._plain:
            return value
        if isinstance(value, bytes):
            return self._back(value.decode("latin-1")).encode("latin-1")
        return self._back(value) if isinstance(value, str) else value

    def _call(self, id_: int, data: bytes) -> Node:
        target: Node | None = None
        args: list[Node] = []
        name = ""
        for number, value in _fields(data):
            match number:
                case 1:
                    target = self.node(value)
                case 2:
                    name = self._text(value)
                case 3:
                    args.append(self.node(value))
        call = Call(id_, name, args, target)
        made = MACROS.get((name, len(args))) if target is not None else None
        return made(self, call) if made is not None else call

    def _struct(self, id_: int, data: bytes) -> Node:
        name = self._text(_last(data, 1))
        entries = []
        for raw in _all(data, 2):
            fields = dict(_fields(raw))
            key: Node | str = self.node(fields[3]) if 3 in fields else self._text(fields.get(2, b""))
            entries.append(Entry(self._first + fields.get(1, 0), key, self.node(fields[4]), bool(fields.get(5))))
        return Message(id_, name.removeprefix("."), entries) if name else MapOf(id_, entries)

    def _fold(self, id_: int, data: bytes) -> Node:
        part = dict(_fields(data))
        return Fold(
            id_,
            self._text(part[1]),
            self._text(part.get(8, b"")),
            self.node(part[2]),
            self._text(part[3]),
            self.node(part[4]),
            self.node(part[5]),
            self.node(part[6]),
            self.node(part[7]),
        )

    # --- macros ---

    def new(self) -> int:
        self.last_id += 1
        return self.last_id

    def accu(self) -> Node:
        return Ident(self.new(), ACCUMULATOR)

    def call(self, function: str, *args: Node) -> Node:
        return Call(self.new(), function, list(args))

    def const(self, value: Any) -> Node:
        return Const(self.new(), value)


def _packed(raw: bytes | int) -> Iterator[int]:
    if isinstance(raw, int):
        yield raw
        return
    at = 0
    while at < len(raw):
        value, at = _varint(raw, at)
        yield value


def _two(reader: _Reader, call: Call, init: Node, condition: Node, step: Node, result: Node) -> Node:
    """A comprehension of two variables, or the call as it is where its first two arguments are no names."""
    one, two = call.args[:2]
    assert call.target is not None
    if not isinstance(one, Ident) or not isinstance(two, Ident):
        return call
    return Fold(call.id, one.name, two.name, call.target, ACCUMULATOR, init, condition, step, result)


def _all_two(r: _Reader, call: Call) -> Node:
    going = r.call("@not_strictly_false", r.accu())
    return _two(r, call, r.const(True), going, r.call("_&&_", r.accu(), call.args[2]), r.accu())


def _exists_two(r: _Reader, call: Call) -> Node:
    going = r.call("@not_strictly_false", r.call("!_", r.accu()))
    return _two(r, call, r.const(False), going, r.call("_||_", r.accu(), call.args[2]), r.accu())


def _exists_one_two(r: _Reader, call: Call) -> Node:
    step = r.call("_?_:_", call.args[2], r.call("_+_", r.accu(), r.const(1)), r.accu())
    return _two(r, call, r.const(0), r.const(True), step, r.call("_==_", r.accu(), r.const(1)))


def _transform(r: _Reader, call: Call, init: Node, step: Callable[[Node], Node]) -> Node:
    made = step(call.args[-1])
    if len(call.args) == 4:
        made = r.call("_?_:_", call.args[2], made, r.accu())
    return _two(r, call, init, r.const(True), made, r.accu())


def _transform_list(r: _Reader, call: Call) -> Node:
    return _transform(r, call, ListOf(r.new(), []), lambda value: r.call("_+_", r.accu(), ListOf(r.new(), [value])))


def _transform_map(r: _Reader, call: Call) -> Node:
    key = call.args[0]
    name = key.name if isinstance(key, Ident) else ""
    return _transform(
        r, call, MapOf(r.new(), []), lambda value: r.call("cel.@mapInsert", r.accu(), Ident(r.new(), name), value)
    )


def _transform_map_entry(r: _Reader, call: Call) -> Node:
    return _transform(r, call, MapOf(r.new(), []), lambda value: r.call("cel.@mapInsert", r.accu(), value))


TARGET = "@target"


def _bound(r: _Reader, name: str, value: Node, result: Node) -> Node:
    """A name for a value: a loop over nothing."""
    return Fold(r.new(), "#unused", "", ListOf(r.new(), []), name, value, r.const(False), Ident(r.new(), name), result)


def _bind(r: _Reader, call: Call) -> Node:
    """`cel.bind(name, value, result)`."""
    name, value, result = call.args
    if not r.binds or not isinstance(name, Ident) or not isinstance(call.target, Ident) or call.target.name != "cel":
        return call
    return _bound(r, name.name, value, result)


def _opt_map(r: _Reader, call: Call) -> Node:
    return _optional(r, call, lambda made: Call(r.new(), "of", [made], Ident(r.new(), "optional")))


def _opt_flat_map(r: _Reader, call: Call) -> Node:
    return _optional(r, call, lambda made: made)


def _optional(r: _Reader, call: Call, wrap: Callable[[Node], Node]) -> Node:
    variable, mapped = call.args
    assert call.target is not None
    if not isinstance(variable, Ident):
        return call
    value = Call(r.new(), "value", [], Ident(r.new(), TARGET))
    there = wrap(_bound(r, variable.name, value, mapped))
    none = Call(r.new(), "none", [], Ident(r.new(), "optional"))
    holds = Call(r.new(), "hasValue", [], Ident(r.new(), TARGET))
    return _bound(r, TARGET, call.target, Call(call.id, "_?_:_", [holds, there, none]))


MACROS: dict[tuple[str, int], Callable[[_Reader, Call], Node]] = {
    ("bind", 3): _bind,
    ("optMap", 2): _opt_map,
    ("optFlatMap", 2): _opt_flat_map,
    ("all", 3): _all_two,
    ("exists", 3): _exists_two,
    ("existsOne", 3): _exists_one_two,
    ("exists_one", 3): _exists_one_two,
    ("transformList", 3): _transform_list,
    ("transformList", 4): _transform_list,
    ("transformMap", 3): _transform_map,
    ("transformMap", 4): _transform_map,
    ("transformMapEntry", 3): _transform_map_entry,
    ("transformMapEntry", 4): _transform_map_entry,
}
