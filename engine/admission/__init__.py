"""What makes an object acceptable: defaults, what a request may set, allocation, validation. In that order, all synchronous.

Here belongs the order of the steps and what holds across kinds. What each step does for a kind is the kind's own (`kinds/`);
where objects come from (preconditions, names, finalizers, deletion) is `commit.transitions`'.
Every refusal is the one that Kubernetes 1.32 gives: same code, reason and causes.
"""

from shipslog.engine.kinds.context import Admission

from .chain import admit_create, admit_update, asked_create, asked_update

__all__ = ["Admission", "admit_create", "admit_update", "asked_create", "asked_update"]
