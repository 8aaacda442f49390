"""Levels of priority: how many of the server's requests may be of one, and what becomes of more.

Tests: tests/engine/kinds/flowcontrol/test_flows.py
"""

import math
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.flowcontrol_v1 import (
    ExemptPriorityLevelConfiguration,
    LimitedPriorityLevelConfiguration,
    LimitResponse,
    PriorityLevelConfiguration,
    QueuingConfiguration,
)

from .conditions import check_types
from .every_cluster import LEVELS

SHARES, HAND, QUEUES, LENGTH = 30, 8, 64, 50
MOST_QUEUES, MOST_BITS = 10_000_000, 60
TYPES, RESPONSES = ("Exempt", "Limited"), ("Queue", "Reject")
NONE = "<none>"


class PriorityLevelConfigurationRules(WithSpec):
    about = "How many of the server's requests may be of one level of priority at a time, and what becomes of more."
    first = LEVELS
    columns = (
        NAME,
        Column("Type", "Exempt or Limited."),
        Column("NominalConcurrencyShares", "Its share of the server, beside those of the others."),
        Column("Queues", "How many queues there are for what is too much."),
        Column("HandSize", "How many of them one flow may use."),
        Column("QueueLengthLimit", "How many requests a queue holds."),
        AGE,
    )

    def cells(self, obj: PriorityLevelConfiguration, now_ns: int) -> list[Any]:
        limited, exempt = obj.spec.limited, obj.spec.exempt
        shares: Any = NONE
        queues: list[Any] = [NONE, NONE, NONE]
        if limited is not None:
            shares = limited.nominal_concurrency_shares
            if (found := limited.limit_response.queuing) is not None:
                queues = [found.queues, found.hand_size, found.queue_length_limit]
        elif exempt is not None:
            shares = exempt.nominal_concurrency_shares
        return [obj.metadata.name, obj.spec.type, shares, *queues, age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: PriorityLevelConfiguration) -> PriorityLevelConfiguration:
        spec = obj.spec
        exempt = spec.exempt
        if exempt is None and obj.metadata.name == "exempt":
            exempt = ExemptPriorityLevelConfiguration()
        if exempt is not None:
            shares, lendable = exempt.nominal_concurrency_shares or 0, exempt.lendable_percent or 0
            exempt = replace(exempt, nominal_concurrency_shares=shares, lendable_percent=lendable)
        limited = None if spec.limited is None else _default_limited(spec.limited)
        return replace(obj, spec=replace(spec, exempt=exempt, limited=limited))

    def check(self, faults: Faults, obj: PriorityLevelConfiguration) -> None:
        spec, name = obj.spec, obj.metadata.name
        if (name == "exempt") != (spec.type == "Exempt"):
            faults.invalid("spec.type", spec.type, "type must be 'Exempt' if and only if name is 'exempt'")
        if spec.type == "Exempt":
            if spec.limited is not None:
                faults.forbidden("spec.limited", "must be nil if the type is not Limited")
            if spec.exempt is not None:
                _check_exempt(faults, spec.exempt, "spec.exempt")
        elif spec.type == "Limited":
            if spec.exempt is not None:
                faults.forbidden("spec.exempt", "must be nil if the type is Limited")
            if spec.limited is None:
                faults.required("spec.limited", "must not be empty when type is Limited")
            else:
                _check_limited(faults, spec.limited, "spec.limited")
        else:
            faults.not_supported("spec.type", spec.type, TYPES)
        _check_fixed(faults, obj)
        check_types(faults, obj.status.conditions, "status.conditions")

    def check_status(self, faults: Faults, old: PriorityLevelConfiguration, new: PriorityLevelConfiguration) -> None:
        check_types(faults, new.status.conditions, "status.conditions")


def _default_limited(limited: LimitedPriorityLevelConfiguration) -> LimitedPriorityLevelConfiguration:
    response, queuing = limited.limit_response, limited.limit_response.queuing
    if queuing is not None:
        queuing = replace(
            queuing,
            queues=queuing.queues or QUEUES,
            hand_size=queuing.hand_size or HAND,
            queue_length_limit=queuing.queue_length_limit or LENGTH,
        )
    shares = SHARES if limited.nominal_concurrency_shares is None else limited.nominal_concurrency_shares
    lendable = limited.lendable_percent or 0
    response = replace(response, queuing=queuing)
    return replace(limited, nominal_concurrency_shares=shares, lendable_percent=lendable, limit_response=response)


def _check_fixed(faults: Faults, obj: PriorityLevelConfiguration) -> None:
    """Two of them are what they are, but for the shares of the one that is exempt."""
    if obj.metadata.name not in ("exempt", "catch-all"):
        return
    fixed = next(level.spec for level in LEVELS if level.metadata.name == obj.metadata.name)
    if obj.metadata.name == "exempt":
        if replace(obj.spec, exempt=fixed.exempt) != fixed:
            words = "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value"
            faults.invalid("spec", obj.spec, words)
    elif obj.spec != fixed:
        faults.invalid("spec", obj.spec, "spec of 'catch-all' must equal the fixed value")


def _check_exempt(faults: Faults, exempt: ExemptPriorityLevelConfiguration, path: str) -> None:
    _check_shares(faults, exempt.nominal_concurrency_shares, exempt.lendable_percent, path)


def _check_shares(faults: Faults, shares: int | None, lendable: int | None, path: str) -> None:
    if shares is not None and shares < 0:
        faults.invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    if lendable is not None and not 0 <= lendable <= 100:
        faults.invalid(f"{path}.lendablePercent", lendable, "must be between 0 and 100, inclusive")


def _check_limited(faults: Faults, limited: LimitedPriorityLevelConfiguration, path: str) -> None:
    _check_shares(faults, limited.nominal_concurrency_shares, limited.lendable_percent, path)
    borrowing = limited.borrowing_limit_percent
    if borrowing is not None and borrowing < 0:
        faults.invalid(f"{path}.borrowingLimitPercent", borrowing, "if specified, must be a non-negative integer")
    _check_response(faults, limited.limit_response, f"{path}.limitResponse")


def _check_response(faults: Faults, response: LimitResponse, path: str) -> None:
    if response.type == "Reject":
        if response.queuing is not None:
            faults.forbidden(f"{path}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif response.type == "Queue":
        if response.queuing is None:
            faults.required(f"{path}.queuing", "must not be empty if limited.limitResponse.type is Limited")
        else:
            _check_queuing(faults, response.queuing, f"{path}.queuing")
    else:
        faults.not_supported(f"{path}.type", response.type, RESPONSES)


def _check_queuing(faults: Faults, queuing: QueuingConfiguration, path: str) -> None:
    queues, hand = queuing.queues, queuing.hand_size
    if queuing.queue_length_limit <= 0:
        faults.invalid(f"{path}.queueLengthLimit", queuing.queue_length_limit, "must be positive")
    if queues <= 0:
        faults.invalid(f"{path}.queues", queues, "must be positive")
    elif queues > MOST_QUEUES:
        faults.invalid(f"{path}.queues", queues, f"must not be greater than {MOST_QUEUES}")
    if hand <= 0:
        faults.invalid(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        faults.invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif math.ceil(math.log2(queues) * hand) > MOST_BITS:
        words = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {MOST_BITS}"
        faults.invalid(f"{path}.handSize", hand, words)


STRATEGY = PriorityLevelConfigurationRules()
