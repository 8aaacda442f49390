"""Cuts what is nested deeper than the library's parser goes (32 levels) into pieces that it parses, each by itself.

Kubernetes' own limit is 250. A piece leaves a name of its own in its place, as long as it was, so that all else stands where
it stood; the piece's tree is put there again. What is no expression is left to the library, whose words it then has.

Tests: tests/engine/cel/test_program.py
"""

import re
from collections.abc import Iterator

from msgspec import Struct

LEVELS = 250  # as cel-go
HIGHEST, LOWEST = 18, 8  # levels of a piece; of what is worth being one
BINARY = {
    "||": 0,
    "&&": 1,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), 2),
    "+": 3,
    "-": 3,
    "*": 4,
    "/": 4,
    "%": 4,
}
TOGETHER = 2  # operators below this are put together as one level, however many there are in a row
CLOSING = {"(": ")", "[": "]", "{": "}"}
FOLLOWING = frozenset(".[{")
Token = tuple[str, int, int, str]  # what stands there (of texts and numbers only that they are some), from, to, sort

_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* )
    | (?P<text>
        (?: [rR][bB]? | [bB][rR] )
            (?: \"\"\"(?:(?!\"\"\").)*\"\"\" | '''(?:(?!''').)*''' | "[^"\n]*" | '[^'\n]*' )
        | [bB]? (?: \"\"\"(?:\\.|(?!\"\"\")[^\\])*\"\"\" | '''(?:\\.|(?!''')[^\\])*'''
            | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' ) )
    | (?P<number> 0x[0-9a-fA-F]+[uU]? | [0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)? | [0-9]+[eE][+-]?[0-9]+ | [0-9]+[uU]? )
    | (?P<name> [A-Za-z_][A-Za-z_0-9]* | `[^`\n]+` )
    | (?P<sign> \|\| | && | [=!<>]=? | [-+*/%?:.,()\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)


class NoExpression(Exception):
    """It is not written as one."""


class TooDeep(Exception):
    """It has more levels than Kubernetes takes."""


class Piece(Struct):
    """`name` stands for `text`, which begins at `start` of the whole."""

    name: str
    start: int
    text: str


class Part(Struct):
    """From one place of the text to another: so many levels, of which `kind` (an operator put together, or nothing)."""

    start: int
    end: int
    levels: int
    kind: str = ""
    whole: int = 0  # levels, cut ones included


def pieces(text: str) -> list[Piece]:
    """The text in pieces, those within others first, all of it last. Errors: NoExpression."""
    return _Cutter(text).all()


class _Cutter:
    def __init__(self, text: str) -> None:
        self.characters, self.made = list(text), list[Piece]()
        self.prefix = next(prefix for prefix in _prefixes() if prefix not in text)
        self.tokens = list(_tokens(text))
        self.at = 0

    def all(self) -> list[Piece]:
        self._expression()
        if self._sign():
            raise NoExpression
        self.made.append(Piece("", 0, "".join(self.characters)))
        return self.made

    # --- what is there ---

    def _sign(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def _take(self, sign: str) -> int:
        """-> where it ends."""
        if self._sign() != sign:
            raise NoExpression
        self.at += 1
        return self.tokens[self.at - 1][2]

    # --- what is cut ---

    def _cut(self, part: Part) -> Part:
        name = f"{self.prefix}{len(self.made)}"
        if part.levels < LOWEST or part.end - part.start < len(name):
            return part
        held = self.characters[part.start : part.end]
        self.made.append(Piece(name, part.start, "".join(held)))
        rest = ["\n" if character == "\n" else " " for character in held[len(name) :]]
        self.characters[part.start : part.end] = [*name, *rest]
        return Part(part.start, part.end, 1, "", part.whole)

    def _over(self, start: int, end: int, parts: list[Part], kind: str = "", *, whole: bool = False) -> Part:
        """What is made of parts. `whole`: they have to stay as they are."""
        if not whole and max((part.levels for part in parts), default=0) >= HIGHEST:
            parts = [self._cut(part) for part in parts]
        all_of = 1 + max((part.whole for part in parts), default=0)
        if all_of > LEVELS:
            raise TooDeep
        return Part(start, end, 1 + max((part.levels for part in parts), default=0), kind, all_of)

    # --- the grammar ---

    def _expression(self) -> Part:
        chosen: list[Part] = []  # conditions and what follows from them, in turn
        while True:
            operands, operators = [self._operand()], list[str]()
            while (sign := self._sign()) in BINARY or operators:
                while operators and (sign not in BINARY or BINARY[operators[-1]] >= BINARY[sign]):
                    self._join(operands, operators)
                if sign not in BINARY:
                    break
                self.at += 1
                operators.append(sign)
                operands.append(self._operand())
            if len(chosen) % 2:  # what stands between `?` and `:` has been read
                self._take(":")
            elif sign != "?":
                break
            else:
                self.at += 1
            chosen.append(operands[0])
        last = operands[0]
        while chosen:
            yes, condition = chosen.pop(), chosen.pop()
            last = self._over(condition.start, last.end, [condition, yes, last])
        return last

    def _join(self, operands: list[Part], operators: list[str]) -> None:
        sign, right, left = operators.pop(), operands.pop(), operands.pop()
        if BINARY[sign] < TOGETHER and left.kind == sign:
            right = self._cut(right) if right.levels >= HIGHEST else right
            levels, whole = max(left.levels, 1 + right.levels), max(left.whole, 1 + right.whole)
            operands.append(Part(left.start, right.end, levels, sign, whole))
        else:
            operands.append(self._over(left.start, right.end, [left, right], sign if BINARY[sign] < TOGETHER else ""))

    def _operand(self) -> Part:
        if self._sign() in ("!", "-"):
            sign, start = self._sign(), self.tokens[self.at][1]
            while self._sign() == sign:
                self.at += 1
            held = self._operand()
            return Part(start, held.end, held.levels, "", held.whole)  # no level of its own
        sort, end = (self.tokens[self.at][3], self.tokens[self.at][2]) if self.at < len(self.tokens) else ("", 0)
        start = self.tokens[self.at][1] if sort else 0
        if sort in ("text", "number"):
            self.at += 1
            part = Part(start, end, 1, "", 1)
        elif self._sign() in CLOSING:
            part = self._bracketed(start, [])
        else:
            if self._sign() == ".":
                self.at += 1
            name, end = self._name()
            part = self._bracketed(start, [], whole=name == "has") if self._sign() == "(" else Part(start, end, 1, "", 1)
        return self._followed(part) if self._sign() in FOLLOWING else part

    def _followed(self, part: Part) -> Part:
        """A part with the fields, calls and indexes behind it."""
        while (sign := self._sign()) in FOLLOWING:
            if sign == ".":
                self.at += 1
                if self._sign() == "?":
                    self.at += 1
                _, end = self._name()
                part = self._bracketed(part.start, [part]) if self._sign() == "(" else self._over(part.start, end, [part])
            else:
                part = self._bracketed(part.start, [part])
        return part

    def _name(self) -> tuple[str, int]:
        """A name, and where it ends."""
        if self.at >= len(self.tokens) or self.tokens[self.at][3] != "name":
            raise NoExpression
        self.at += 1
        return self.tokens[self.at - 1][0], self.tokens[self.at - 1][2]

    def _bracketed(self, start: int, parts: list[Part], *, whole: bool = False) -> Part:
        """What stands between brackets: expressions with commas, some of them `?x`, `key: value`, `field: value`."""
        closing = CLOSING[self._sign()]
        self.at += 1
        while self._sign() != closing:
            if self._sign() == "?":
                self.at += 1
            parts.append(self._expression())
            if self._sign() == ":" and closing == "}":
                self.at += 1
                parts.append(self._expression())
            if self._sign() == ",":
                self.at += 1
            elif self._sign() != closing:
                raise NoExpression
        return self._over(start, self._take(closing), parts, whole=whole)


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NoExpression
        sort = str(found.lastgroup)
        if sort != "space":
            plain = found.group() if sort in ("name", "sign") else f"<{sort}>"
            yield plain, at, found.end(), sort
        at = found.end()


def _prefixes() -> Iterator[str]:
    at = 0
    while True:
        yield f"p{at}_"
        at += 1
