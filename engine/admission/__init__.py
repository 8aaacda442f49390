"""What makes an object acceptable: defaults, what a request may set, allocation, validation. In that order, all synchronous.

Here belong the rules of each kind. Where objects come from (preconditions, names, finalizers, deletion) is `transitions`'.
Every refusal is the one that Kubernetes 1.32 gives: same code, reason and causes.
"""

from .context import Admission
from .eviction import admit_eviction
from .strategies import admit_create, admit_delete, admit_update

__all__ = ["Admission", "admit_create", "admit_delete", "admit_eviction", "admit_update"]
