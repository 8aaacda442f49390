"""The authorizer for expressions of admission, asked in their words.

Tests: tests/engine/policies/test_policies.py
"""

from typing import TYPE_CHECKING

from shipslog.engine.state.view import MemoryView

from .attributes import Attributes
from .authorization import authorize
from .users import User

if TYPE_CHECKING:
    from shipslog.engine.kinds.admissionregistration.expressions import Question, Who


def as_authorizer(who: "Who", question: "Question", view: MemoryView) -> tuple[bool, str]:
    """Whether somebody may do it, and why."""
    wanted = Attributes(
        question.verb, path=question.path, group=question.group, resource=question.resource,
        subresource=question.subresource, namespace=question.namespace, name=question.name,
    )  # fmt: skip
    verdict = authorize(User(who.name, who.groups, who.uid), wanted, view)
    return verdict.allowed, verdict.reason
