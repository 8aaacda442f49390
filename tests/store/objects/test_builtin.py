"""The registry: every way to a kind leads to the same one."""

import pytest

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind


@pytest.mark.parametrize("kind", BUILTIN.kinds(), ids=lambda k: k.resource)
def test_every_way_leads_to_the_kind(kind: Kind) -> None:
    assert BUILTIN.by_resource(kind.resource) is kind
    assert BUILTIN.of(kind.type) is BUILTIN.of(kind.type()) is kind
    assert BUILTIN.find(kind.group, kind.version, kind.plural) is kind
    assert BUILTIN.by_gvk(kind.api_version, kind.kind) is kind


def test_what_is_not_there() -> None:
    assert BUILTIN.find("", "v1", "unicorns") is None
    assert BUILTIN.by_gvk("v2", "Pod") is None
    with pytest.raises(KeyError):
        BUILTIN.by_resource("unicorns")
