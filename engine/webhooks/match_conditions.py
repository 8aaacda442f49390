"""What a webhook's conditions say of a request. Source: k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions.

Tests: tests/engine/webhooks/test_admission.py
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shipslog.engine.admission.matching import Asked
from shipslog.engine.commit.outside import Asking
from shipslog.engine.commit.preparation import Readings
from shipslog.engine.kinds.admissionregistration.match_conditions import LIMIT, Wrong, program
from shipslog.engine.kinds.faults import forbidden
from shipslog.engine.time.long_work import SHORT_BYTES, LongWork
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.admissionregistration_v1 import MatchCondition, MutatingWebhook, ValidatingWebhook

from . import reviews

if TYPE_CHECKING:
    from shipslog.engine.kinds.admissionregistration.expressions import Question, Who

PER_CALL_LIMIT = 1_000_000  # units of one condition
SHORT_UNITS = 10_000  # a few milliseconds
WORK = LongWork("shipslog-conditions")
Authorize = Callable[["Who", "Question", Any], tuple[bool, str]]  # the last is the view
Decide = Callable[["Who", "Question"], tuple[bool, str]]


async def hold(
    webhook: MutatingWebhook | ValidatingWebhook,
    asked: Asked,
    kind: Kind,
    variables: dict[str, Any],
    asking: Asking,
    authorize: Authorize,
) -> bool:
    """Whether all of them hold; one that does not settles it, whatever is wrong with others. `variables`: the objects and the
    request. Errors: Forbidden where one of them cannot be told and the webhook must be asked."""
    if any(_is_long(condition.expression) for condition in webhook.match_conditions):
        readings = Readings(asking.view)
        known = variables | authorizers(asked, asking, lambda who, question: authorize(who, question, readings))
        try:
            met = await WORK.run(SHORT_BYTES + 1, _evaluated, webhook.match_conditions, known)
        finally:
            readings.end()
    else:
        known = variables | authorizers(asked, asking, lambda who, question: authorize(who, question, asking.view))
        met = _evaluated(webhook.match_conditions, known)
    if isinstance(met, bool):
        return met
    if webhook.failure_policy != "Ignore":
        raise forbidden(kind, asked.name, _aggregate(met))
    return False


def _is_long(text: str) -> bool:
    """Whether an evaluation may take as long as others should not wait."""
    try:
        return program(text).cost.most > SHORT_UNITS
    except Wrong:
        return False


def _evaluated(conditions: Sequence[MatchCondition], variables: dict[str, Any]) -> bool | list[str]:
    """Whether all hold; or what is wrong with some, where none says no."""
    failed, left = list[str](), LIMIT
    for condition in conditions:
        try:
            outcome = program(condition.expression).run(variables, max(min(left, PER_CALL_LIMIT), 0))
        except Wrong as wrong:
            failed.append(f"{condition.name}: {wrong}")
            continue
        left -= outcome.cost
        if outcome.error is not None:
            failed.append(f"expression '{condition.expression}' resulted in error: {outcome.error}")
        elif outcome.value is False:
            return False
        elif outcome.value is not True:
            failed.append(f"expression '{condition.expression}' did not evaluate to bool")
    return failed or True


def _aggregate(failed: Sequence[str]) -> str:
    """As Go prints several errors."""
    return failed[0] if len(failed) == 1 else f"[{', '.join(failed)}]"


def variables_of(asked: Asked, place: Any, asking: Asking, new: bytes, old: bytes) -> dict[str, Any]:
    """The values of what conditions may name. `new`, `old`: the objects' JSON as the webhook would be shown them."""
    request = reviews.request_of(asked, place, asking)
    return {"object": reviews.plain(new), "oldObject": reviews.plain(old), "request": request, "namespaceObject": None}


def authorizers(asked: Asked, asking: Asking, decide: Decide) -> dict[str, Any]:
    """Who may do what: whatever is asked, and what the request itself is about."""
    from shipslog.engine.cel.values import Opaque  # with the first condition
    from shipslog.engine.kinds.admissionregistration.expressions import AUTHORIZER, RESOURCE, Question, Who

    who = Who(asking.actor, asking.groups, asking.request_info.uid)
    about = Question(
        decide, who, group=asked.place.group, resource=asked.place.resource, subresource=asked.subresource,
        namespace=asked.namespace, name=asked.name,
    )  # fmt: skip
    return {
        "authorizer": Opaque(AUTHORIZER.name, Question(decide, who)),
        "authorizer.requestResource": Opaque(RESOURCE.name, about),
    }
