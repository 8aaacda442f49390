"""Expressions, compiled once and run often. The face of this room: `compile_`, `Program`, `Environment`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from . import costs, values
from .checker import Checked, CheckFaults, check
from .evaluation import Compiler
from .extensions.addresses import addresses, ranges
from .extensions.lists import lists, optionals, sets
from .extensions.numbers import quantities, semvers
from .extensions.texts import regex, texts, urls
from .frames import Frame
from .functions import Functions
from .standard import all_standard, pattern
from .syntax import Call, Const, Fold, ListOf, MapOf, Message, Node, Select, SyntaxFault, parse
from .types import Type
from .values import CelError, CostExceeded

PER_CALL_LIMIT = 1_000_000  # units of one evaluation; celconfig.PerCallLimit
FUNCTIONS = Functions(
    all_standard(), texts(), regex(), urls(), lists(), sets(), optionals(), addresses(), ranges(), quantities(), semvers()
)


class CompileError(Exception):
    """An expression that is not right; the words name places, as cel-go's do."""


class Environment(Struct, frozen=True):
    """What an expression may name: variables and their types, functions, and types of which it may make objects. `binds`: and
    what it gives a name itself, by `cel.bind`."""

    variables: Mapping[str, Type]
    functions: Functions = FUNCTIONS
    made: Mapping[str, Type] = {}
    binds: bool = False


class Outcome(Struct, frozen=True):
    """What an evaluation came to: a value, or why there is none; and its cost in units, also then."""

    value: Any
    cost: int
    error: str | None = None
    exceeded: bool = False


class Program:
    """A checked expression. Free of state: any thread may run it."""

    def __init__(self, text: str, checked: Checked, environment: Environment) -> None:
        self.text, self._checked, self._environment = text, checked, environment
        compiler = Compiler(checked)
        self._run = compiler.compiled(checked.root)
        self._depth = compiler.depth

    @property
    def type(self) -> Type:
        """Of what it comes to."""
        return self._checked.type

    @property
    def uses(self) -> set[str]:
        """The variables that it names."""
        return self._checked.uses

    @cached_property
    def cost(self) -> costs.Span:
        """What it costs at least and at most, by what is declared of the sizes of its variables."""
        return costs.estimate(self._checked, self._environment.variables)

    def run(self, variables: Mapping[str, Any], limit: int = PER_CALL_LIMIT) -> Outcome:
        """Evaluate. Never raises for what the expression or the data do."""
        frame = Frame(variables, self._depth, limit)
        try:
            value = self._run(frame)
            if frame.cost > limit:
                raise CostExceeded
        except CostExceeded as error:
            return Outcome(None, frame.cost, str(error), exceeded=True)
        except CelError as error:
            return Outcome(None, frame.cost, str(error))
        except (TypeError, AttributeError, ValueError, OverflowError, RecursionError, MemoryError):
            # The data are not of the types that were declared: only where a schema changed under what was stored.
            return Outcome(None, frame.cost, values.NO_OVERLOAD)
        return Outcome(value, frame.cost)


def compile_(text: str, environment: Environment) -> Program:
    """Errors: CompileError."""
    try:
        root, source = parse(text, binds=environment.binds)
        checked = check(root, source, environment.variables, environment.functions, environment.made)
    except (SyntaxFault, CheckFaults) as fault:
        raise CompileError(str(fault)) from None
    if wrong := list(_literals(root, checked)):
        raise CompileError("\n".join(wrong))
    return Program(text, checked, environment)


# --- literals that could never do ---

_READ: dict[str, Any] = {"matches": pattern, "duration": values.duration, "timestamp": values.timestamp}


def _literals(root: Node, checked: Checked) -> Any:
    """What is wrong with constant patterns, durations and moments."""
    for node in _all(root):
        if not isinstance(node, Call) or node.function not in _READ or not node.args:
            continue
        literal = node.args[-1]
        if isinstance(literal, Const) and isinstance(literal.value, str):
            try:
                _READ[node.function](literal.value)
            except CelError:
                yield checked.source.fault(literal.id, f"invalid {node.function} argument")


def _all(root: Node) -> Any:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case Select():
                waiting.append(node.operand)
            case Call():
                waiting += [*node.args, *([node.target] if node.target is not None else [])]
            case ListOf():
                waiting += node.elements
            case MapOf() | Message():
                waiting += [part for e in node.entries for part in (e.key, e.value) if isinstance(part, Node)]
            case Fold():
                waiting += [node.range, node.init, node.condition, node.step, node.result]
