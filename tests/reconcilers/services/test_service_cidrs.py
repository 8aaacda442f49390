"""Ranges of service addresses, as tables: what is there, and what is to be done."""

from typing import Any

import pytest

from shipslog.reconcilers.services import service_cidrs
from shipslog.store.commands import Create, Update
from shipslog.store.objects.types.meta_v1 import Condition, ObjectMeta
from shipslog.store.objects.types.networking_v1 import ServiceCIDR, ServiceCIDRSpec, ServiceCIDRStatus
from shipslog.store.objects.values.times import api_time
from tests.reconcilers.views import NOW, view_of, woken_by_end

from .test_addresses import held


def cidr(name: str = "more", text: str = "10.97.0.0/24", *, ready: bool = True, gone_s: float | None = None) -> ServiceCIDR:
    ending = "" if gone_s is None else api_time(NOW - int(gone_s * 10**9))
    meta = ObjectMeta(name=name, uid=name, finalizers=(service_cidrs.FINALIZER,), deletion_timestamp=ending)
    message = "Kubernetes Service CIDR is ready"
    conditions = (Condition(type="Ready", status="True", message=message, last_transition_time=api_time(NOW)),) if ready else ()
    return ServiceCIDR(metadata=meta, spec=ServiceCIDRSpec(cidrs=(text,)), status=ServiceCIDRStatus(conditions=conditions))


def test_every_cluster_has_one() -> None:
    (command,) = service_cidrs.decide(view_of(), "kubernetes", now=NOW).commands
    assert isinstance(command, Create) and command.object.spec.cidrs == ("10.96.0.0/16",)
    assert not service_cidrs.decide(view_of(), "other", now=NOW).commands


def test_a_new_one_is_held_and_then_ready() -> None:
    new = ServiceCIDR(metadata=ObjectMeta(name="more", uid="more"), spec=ServiceCIDRSpec(cidrs=("10.97.0.0/24",)))
    (first,) = service_cidrs.decide(view_of(new), "more", now=NOW).commands
    assert isinstance(first, Update) and first.object.metadata.finalizers == (service_cidrs.FINALIZER,)
    (second,) = service_cidrs.decide(view_of(cidr(ready=False)), "more", now=NOW).commands
    assert isinstance(second, Update) and second.subresource == "status"
    (condition,) = second.object.status.conditions
    assert (condition.type, condition.status, condition.last_transition_time) == ("Ready", "True", api_time(NOW))
    assert not service_cidrs.decide(view_of(cidr()), "more", now=NOW).commands


INSIDE = held(name="10.97.0.7")


@pytest.mark.parametrize(
    ("objects", "wanted"),
    [
        ((cidr(gone_s=20), INSIDE), "Terminating"),
        ((cidr(gone_s=20), INSIDE, cidr("wide", "10.96.0.0/15")), "free"),
        ((cidr(gone_s=20), held(name="10.97.0.7", labels={})), "free"),
        ((cidr(gone_s=20), held()), "free"),
        ((cidr(gone_s=4),), "later"),
    ],
)
def test_one_that_goes_waits_for_its_addresses(objects: tuple[Any, ...], wanted: str) -> None:
    decision = service_cidrs.decide(view_of(*objects), "more", now=NOW)
    if wanted == "later":
        assert not decision.commands and decision.requeue_after == pytest.approx(6.0)
        return
    (command,) = decision.commands
    assert isinstance(command, Update)
    if wanted == "free":
        assert command.object.metadata.finalizers == ()
    else:
        assert command.object.status.conditions[-1].reason == "Terminating" and command.subresource == "status"


def test_an_address_that_is_given_back_wakes_those_that_go() -> None:
    view = view_of(cidr(gone_s=20), cidr("stays"), INSIDE)
    assert woken_by_end(service_cidrs.WAKES, view, INSIDE) == ["more"]
