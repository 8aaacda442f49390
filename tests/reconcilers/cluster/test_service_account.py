"""What every namespace has: an account, and the certificate by which its pods know the server."""

from shipslog.reconcilers.cluster import service_account as rule
from shipslog.store.commands import Create, Update
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import NOW, add, meta, view_of, woken

NAMESPACE = core_v1.Namespace(metadata=meta("n", namespace=""))
ACCOUNT = core_v1.ServiceAccount(metadata=meta("default", namespace="n"))


def certificate(namespace: str, text: str = "one") -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta("kube-root-ca.crt", namespace=namespace), data={"ca.crt": text})


def test_what_is_missing_is_made() -> None:
    account, copy = rule.decide(view_of(NAMESPACE, certificate("kube-system")), "n", now=NOW).commands
    assert isinstance(account, Create) and isinstance(copy, Create)
    assert (account.object.metadata.namespace, account.object.metadata.name) == ("n", "default")
    assert copy.object.metadata.namespace == "n" and copy.object.data == {"ca.crt": "one"}
    assert not rule.decide(view_of(NAMESPACE, ACCOUNT), "n", now=NOW).commands, "there is no certificate to copy yet"


def test_a_copy_follows_its_source() -> None:
    view = view_of(NAMESPACE, ACCOUNT, certificate("kube-system", "new"), certificate("n", "old"))
    (update,) = rule.decide(view, "n", now=NOW).commands
    assert isinstance(update, Update) and update.object.data == {"ca.crt": "new"}
    add(view, certificate("n", "new"))
    assert not rule.decide(view, "n", now=NOW).commands


def test_nothing_is_made_in_a_namespace_that_goes() -> None:
    going = core_v1.Namespace(metadata=meta("n", namespace="", deletion_timestamp="2027-01-15T08:00:00Z"))
    assert not rule.decide(view_of(going), "n", now=NOW).commands
    assert not rule.decide(view_of(), "n", now=NOW).commands


def test_who_is_woken() -> None:
    view = view_of(NAMESPACE, core_v1.Namespace(metadata=meta("kube-system", namespace="")))
    assert woken(rule.WAKES, view, ACCOUNT) == ["n"]
    assert woken(rule.WAKES, view, certificate("n")) == ["n"]
    assert sorted(woken(rule.WAKES, view, certificate("kube-system"))) == ["kube-system", "n"], "all copy it"
    assert woken(rule.WAKES, view, core_v1.ConfigMap(metadata=meta("other", namespace="n"))) == []
