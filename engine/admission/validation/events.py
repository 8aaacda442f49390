"""API events: they live in the namespace of what they tell of."""

from shipslog.store.objects.core_v1 import Event

from .. import names
from ..fields import Faults

LENGTHS = (("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024))


def check_event(faults: Faults, event: Event) -> None:
    """Of the core group: lenient where no eventTime is set, as old clients write them."""
    namespace, involved = event.metadata.namespace, event.involved_object.namespace
    if not event.event_time:
        if namespace != (involved or "default"):
            faults.invalid("involvedObject.namespace", involved, "does not match event.namespace")
        return
    if not involved and namespace not in ("default", "kube-system"):
        faults.invalid("involvedObject.namespace", involved, "does not match event.namespace")
    controller = event.reporting_component
    if not controller:
        faults.required("reportingController")
    faults.invalid_each("reportingController", controller, names.qualified(controller))
    values = (event.reporting_instance, event.action, event.reason, event.message)
    for (field, limit), value in zip(LENGTHS, values, strict=True):
        if not value and field != "message":
            faults.required(field)
        if len(value) > limit:
            faults.invalid(field, "", f"can have at most {limit} characters")
