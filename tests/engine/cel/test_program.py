"""What expressions come to, what is wrong with them, and what they cost. Source: cel-go's and Kubernetes' documentation."""

from collections.abc import Callable
from typing import Any

import pytest

from shipslog.engine.cel import cutting, syntax, values
from shipslog.engine.cel.program import CompileError, Environment, compile_
from shipslog.engine.cel.types import DYN, INT, STRING, list_of, object_of

SELF = object_of("Self", {"a": INT, "b": list_of(STRING, 10), "__if__": STRING}, wire={"__if__": "if"})
ENVIRONMENT = Environment({"self": DYN, "s": STRING, "l": list_of(INT), "n": INT, "o": SELF})
DATA: dict[str, Any] = {
    "self": {"replicas": 1, "max": 3, "items": ["a", "b"], "d": 1.0, "m": {"x": 1}},
    "s": "hello",
    "l": [3, 1, 2],
    "n": 5,
    "o": {"a": 1, "b": ["x"], "if": "q"},
}

COMES_TO: list[tuple[str, Any]] = [
    # what either side of && and || decides
    ("true || self.nope > 1", True),
    ("self.nope > 1 || true", True),
    ("self.nope > 1 && false", False),
    ("l.exists(i, 10 / (i - 3) == -5)", True),
    ("l.all(i, 10 / (i - 3) == 0)", False),
    # presence and optionals
    ("has(self.nope)", False),
    ("has(self.m.x)", True),
    ("self.?nope.orValue(3)", 3),
    ("self.?m.?x.orValue(3)", 1),
    ("[?self.?nope, ?self.?max]", [3]),
    ("{?'a': self.?max, ?'b': self.?nope}", {"a": 3}),
    ("optional.of(1).optMap(x, x + 1).value()", 2),
    ("optional.of(1).optFlatMap(x, optional.none()).hasValue()", False),
    ("'optMap' + optional.of('optMap').optMap(y, y).value()", "optMapoptMap"),
    ("optional.ofNonZeroValue('').hasValue()", False),
    ("self.items[?7].hasValue()", False),
    # numbers
    ("1 < 1.5", True),
    ("dyn(1) == 1.0", True),
    ("dyn(true) == 1", False),
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("-7 % 2", -1),
    ("string(1000000.0)", "1e+06"),
    ("string(0.1)", "0.1"),
    ("string(-3.0)", "-3"),
    ("int('12') + int(3.7)", 15),
    ("double('NaN') == double('NaN')", False),
    ("type(n) == int && type(self.d) == double", True),
    # texts
    ("size('😀')", 1),
    ("'%s and %d, %.3f %x %e'.format(['a', 3, 1.5, 255, 1234.5])", "a and 3, 1.500 ff 1.234500e+03"),
    ("'%s'.format([[1, 2]])", "[1, 2]"),
    ("'a,b'.split(',').join('-')", "a-b"),
    ("s.substring(1, 3).upperAscii()", "EL"),
    ("s.replace('l', 'L', 1)", "heLlo"),
    ("'hello mellow'.lastIndexOf('ello')", 7),
    ("' x '.trim().charAt(0)", "x"),
    ('strings.quote("a\\"b")', '"a\\"b"'),
    ("'abc 123 45'.findAll('[0-9]+')", ["123", "45"]),
    ("s.matches('^h.*o$')", True),
    # lists, sets, maps
    ("l.sum() + l.max() - l.min()", 8),
    ("l.isSorted() || [1, 2].isSorted()", True),
    ("l.indexOf(1) + [1, 2, 1].lastIndexOf(1)", 3),
    ("l.filter(i, i > 1).map(i, i * 2)", [6, 4]),
    ("l.map(i, i > 1, i * 2)", [6, 4]),
    ("self.items.exists_one(i, i == 'b')", True),
    ("l.all(i, v, v >= i || i == 2 || i == 1)", True),
    ("l.transformList(i, v, i + v)", [3, 2, 4]),
    ("l.transformMap(i, v, v > 1, v)", {0: 3, 2: 2}),
    ("{'a': 1}.transformMapEntry(k, v, {k + 'b': v})", {"ab": 1}),
    ("sets.contains([1, 2], [2]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])", True),
    ("([1] + [2] + l)[4]", 2),
    ("[1] + [2] == [1, 2]", True),
    ("n in l", False),
    ("'x' in self.m", True),
    ("[[1], [2]].map(x, x.map(y, y))", [[1], [2]]),
    # times
    ("duration('1h30m') > duration('89m')", True),
    ("timestamp('2024-02-29T12:00:00Z').getDayOfYear()", 59),
    ("timestamp('2024-01-01T00:00:00Z').getHours('+02:00')", 2),
    ("string(timestamp('2024-01-01T00:00:00.5Z') + duration('1s'))", "2024-01-01T00:00:01.5Z"),
    ("duration('3723s').getMinutes()", 62),
    # Kubernetes' own
    ("cidr('10.0.0.0/8').containsIP('10.1.2.3') && ip('::1').isLoopback()", True),
    ("string(cidr('10.1.2.3/8').masked())", "10.0.0.0/8"),
    ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True),
    ("isIP('1.2.3') || isCIDR('1.2.3.4/33')", False),
    ("quantity('1Gi').isGreaterThan(quantity('500Mi')) && quantity('1').add(2).asInteger() == 3", True),
    ("url('https://a.b:80/x?y=1').getHostname() + url('https://a.b:80/x?y=1').getPort()", "a.b80"),
    ("url('https://a.b/x?y=1').getQuery()", {"y": ["1"]}),
    ("isURL('nothing')", False),
    ("semver('1.2.3-rc.1').isLessThan(semver('1.2.3')) && isSemver('v1.0', true) && !isSemver('v1.0')", True),
    ("o.__if__", "q"),
]


@pytest.mark.parametrize(("text", "wanted"), COMES_TO, ids=[text for text, _ in COMES_TO])
def test_what_it_comes_to(text: str, wanted: Any) -> None:
    outcome = compile_(text, ENVIRONMENT).run(DATA)
    assert outcome.error is None
    assert outcome.value == wanted and type(outcome.value) is type(wanted)


FAILS = [
    ("self.nope > 1 || false", "no such key: nope"),
    ("9223372036854775807 + n", "integer overflow"),
    ("1u - 2u == 0u", "unsigned integer overflow"),
    ("n / 0", "division by zero"),
    ("l[7]", "index out of bounds: 7"),
    ("self.d.size() > 1", "no such overload"),
    ("int(self.items[0])", "type conversion error from 'string' to 'int'"),
    ("self.?nope.value()", "optional.none() dereference"),
    ("{s: 1, s: 2}", "Failed with repeated key: hello"),
    ("timestamp(self.items[0])", 'parsing time "a" as "2006-01-02T15:04:05Z07:00": cannot parse'),
    ("'%d'.format(['a'])", "error during formatting: decimal clause can only be used on integers, was given string"),
    ("'%.9999f'.format([1.0])", "could not parse formatting clause: precision 9999 exceeds the limit of 1000"),
]


@pytest.mark.parametrize(("text", "words"), FAILS, ids=[text for text, _ in FAILS])
def test_what_it_fails_with(text: str, words: str) -> None:
    outcome = compile_(text, ENVIRONMENT).run(DATA)
    assert (outcome.value, outcome.error, outcome.exceeded) == (None, words, False)


WRONG = [
    ("x + 1", "ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x + 1\n | ^"),
    ("1 + 'a'", "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^"),
    ("o.nope", "ERROR: <input>:1:2: undefined field 'nope'\n | o.nope\n | .^"),
    ("s.foo", "ERROR: <input>:1:2: type 'string' does not support field selection\n | s.foo\n | .^"),
    ("n.size()", "ERROR: <input>:1:7: found no matching overload for 'size' applied to 'int.()'\n | n.size()\n | ......^"),
    (
        "s == null",
        "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(string, null)'\n | s == null\n | ..^",
    ),
    ("[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"),
    ("s.matches('[')", "ERROR: <input>:1:11: invalid matches argument\n | s.matches('[')\n | ..........^"),
    ("duration('x') == duration('1s')", "ERROR: <input>:1:10: invalid duration argument\n | duration('x') == d"),
    ("true &&\n  nope", "ERROR: <input>:2:3: undeclared reference to 'nope' (in container '')\n |   nope\n | ..^"),
    ("n.all(x, true)", "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"),
    ("1 +", "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>'"),
    ("'" + "x" * 100_000 + "'", "ERROR: <input>:-1:-1: expression code point size exceeds limit: size: 100002, limit 100000"),
    ("'\ud800'", "it is no text in UTF-8"),
]


@pytest.mark.parametrize(("text", "words"), WRONG, ids=[text[:30].encode("ascii", "replace").decode() for text, _ in WRONG])
def test_what_is_wrong_with_it(text: str, words: str) -> None:
    with pytest.raises(CompileError) as caught:
        compile_(text, ENVIRONMENT)
    assert words in str(caught.value)


# By what is declared, and by the data: the same expression may cost less than its estimate, never more.
COSTS = [
    ("o.a > 1", (3, 3), 3),
    ("o.b.all(x, x.size() < 5)", (3, 63), 9),
    ("o.b.all(x, o.b.exists(y, x == y))", (3, 663), 19),
    ("has(o.a)", (1, 1), 1),
    ("[1, 2, 3].map(x, x * 2)", (63, 63), 63),
    ("o.a == 1 ? 'x' : 'y'", (2, 2), 3),
]


@pytest.mark.parametrize(("text", "estimate", "cost"), COSTS, ids=[text for text, *_ in COSTS])
def test_what_it_costs(text: str, estimate: tuple[int, int], cost: int) -> None:
    program = compile_(text, ENVIRONMENT)
    assert (program.cost.least, program.cost.most) == estimate
    assert program.run(DATA).cost == cost


# Small texts that would take hours or gigabytes. Each ends for its cost, at its definition or before it is done.
BIG: dict[str, Any] = {"self": {"items": list(range(3000))}, "l": list(range(20_000)), "s": "a" * 100_000}
HOSTILE = [
    "self.items.all(x, self.items.all(y, x >= 0))",
    "l.map(x, l.map(y, l.map(z, z))).size() > 0",
    "l.map(x, l + l).map(x, x + x).size() > 0",
    "l.map(x, s + s).size() > 0",
    "l.map(x, s.replace('', s)).size() > 0",
    "l.map(x, s.split('')).size() > 0",
    "l.map(x, [s, s].join(s)).size() > 0",
    "l.map(x, '%.1000f'.format([1.0]) + s).size() > 0",
    "l.all(x, l.indexOf(-1) < 0)",
    "l.all(x, sets.contains(l, l))",
    "l.map(x, l == l.map(i, i)).size() > 0",
    "optional.of(l)" + ".optMap(x, x + x)" * 14 + ".optMap(x, x == x).value()",
    "optional.of(dyn(l))" + ".optMap(x, dyn([x, x]))" * 14 + ".optMap(x, x == x).value()",
    "optional.of(dyn(l))" + ".optMap(x, dyn([x, x]))" * 14 + ".optMap(x, '%s'.format([x])).value()",
    "s.matches('" + "(a?){100}" * 200 + "')",
    "s.matches('(a|b)*a(a|b){900}c')",
    "s.find('(a|b)*a(a|b){900}c') == ''",
    "s.findAll('a*b|a').size() > 0",
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:40] for text in HOSTILE])
def test_what_costs_too_much_is_ended(text: str) -> None:
    outcome = compile_(text, ENVIRONMENT).run(BIG, limit=100_000)
    assert outcome.exceeded and outcome.error == "operation cancelled: actual cost limit exceeded"


NESTED: list[tuple[Callable[[int], str], Any]] = [
    (lambda n: "(" * n + "n" + ")" * n, 5),
    (lambda n: "+".join(["n"] * n), None),
    (lambda n: " + ".join(["'a}\\''", "s", 'r"\\d"', '"""q"""'] * (n // 4)) + " != ''", True),
    (lambda n: "n == 1 ? 0 : " * n + "7", 7),
    (lambda n: "!(" * (n // 2 * 2) + "true" + ")" * (n // 2 * 2), True),
    (lambda n: "l" + ".map(x, x + 1)" * n + "[0] > 3", True),
    (lambda n: "size(" + "[" * 40 + "n" + "]" * 40 + ")", 1),
    (lambda n: "[1].all(x, " * (n // 4) + "has(self.m.x) && x == 1" + ")" * (n // 4), True),
    (lambda n: "{'a':" * 30 + "n" + "}" * 30 + " != {}", None),
    (lambda n: "dyn(self" + ".?m" * n + ").hasValue()", False),
    (lambda n: "s" + ".replace('h', 'h')\n // (not [counted\n" * n, "hello"),
    (lambda n: "n < 3 || " * 300 + "(" * n + "l.exists(y, y == n - 2)" + ")" * n, True),
]


@pytest.mark.parametrize(("made", "value"), NESTED, ids=[made(8)[:24] for made, _ in NESTED])
def test_what_is_nested_deeper_than_the_library_parses_is_put_together_of_pieces(
    made: Callable[[int], str], value: Any
) -> None:
    for levels in (8, 28, 33, 64, 200):
        outcome = compile_(made(levels), ENVIRONMENT).run(DATA)
        wanted = 5 * levels if value is None and made(2) == "n+n" else value
        assert outcome.value == wanted or value is None, (levels, outcome)
        assert outcome.error is None, (levels, outcome)


def test_a_tree_of_pieces_is_the_tree_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut as small as can be, every expression above comes to the same, with the same words about what is wrong in it."""
    monkeypatch.setattr(cutting, "HIGHEST", 3)
    monkeypatch.setattr(cutting, "LOWEST", 1)
    real = syntax._in_pieces

    def always(text: str, plain: Any, pieces: Any, binds: bool) -> Any:
        return real(text, plain, cutting.pieces(pieces[0].text), binds)

    whole = {text: compile_(text, ENVIRONMENT) for text, _ in COMES_TO}
    monkeypatch.setattr(syntax, "_in_pieces", always)
    cut = 0
    for text, program in whole.items():
        again = compile_(text, ENVIRONMENT)
        assert again.run(DATA) == program.run(DATA), text
        assert again.cost == program.cost and str(again.type) == str(program.type), text
        cut += len(cutting.pieces(text)) > 1
    assert cut > 10
    with pytest.raises(CompileError, match=r"<input>:2:5: undeclared reference to 'nope'") as told:
        compile_("((((((((((1 + 1))))))))))\n == nope", ENVIRONMENT)
    assert "| == nope" in str(told.value).replace(" |  ==", "| ==")


def test_more_levels_than_kubernetes_takes_are_refused_in_its_words() -> None:
    for text in ("(" * 251 + "1" + ")" * 251, "+".join(["1"] * 252), "1" + "+1" * 9_000):
        with pytest.raises(CompileError, match="expression recursion limit exceeded: 250"):
            compile_(text, ENVIRONMENT)
    assert compile_("+".join(["1"] * 249), ENVIRONMENT).run({}).value == 249


@pytest.mark.parametrize(
    "text", ["(" * 9_000, "!" * 9_000 + "true", "-" * 9_000 + "1", "[" * 300 + "]" * 300, "1" + "+1" * 9_000]
)
def test_what_is_nested_too_deep_is_no_expression(text: str) -> None:
    try:
        compile_(text, ENVIRONMENT).run(DATA)
    except CompileError as error:
        assert "recursion" in str(error) or "Syntax error" in str(error)


def test_a_type_that_doubles_with_each_step_is_refused() -> None:
    with pytest.raises(CompileError, match="made of more than"):
        compile_("optional.of(1)" + ".optMap(x, {x: x})" * 14 + ".hasValue()", ENVIRONMENT)


def test_lists_of_type_set_and_map_are_compared_and_joined_as_those() -> None:
    ours, theirs = values.MapList([{"k": 1, "v": 1}, {"k": 2, "v": 2}]), values.MapList([{"k": 2, "v": 2}, {"k": 1, "v": 1}])
    ours.keys = theirs.keys = ("k",)
    data = {"self": {"a": values.SetList(["x", "y"]), "b": values.SetList(["y", "x"]), "c": ours, "d": theirs}}
    for text in ("self.a == self.b", "size(self.a + ['x', 'z']) == 3", "self.c == self.d", "size(self.c + self.d) == 2"):
        assert compile_(text, ENVIRONMENT).run(data).value is True, text


def test_a_program_says_which_variables_it_names() -> None:
    program = compile_("self.a > 1 && l.all(s, s > n)", ENVIRONMENT)
    assert program.uses == {"self", "l", "n"} and str(program.type) == "bool"
