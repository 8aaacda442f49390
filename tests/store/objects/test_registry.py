"""The registry: every way to a kind leads to the same one."""

import pytest

from shipslog.store.objects import registry


@pytest.mark.parametrize("kind", registry.kinds(), ids=lambda k: k.resource)
def test_every_way_leads_to_the_kind(kind: registry.Kind) -> None:
    assert registry.by_resource(kind.resource) is kind
    assert registry.of(kind.type) is registry.of(kind.type()) is kind
    assert registry.find(kind.group, kind.version, kind.plural) is kind
    assert registry.by_gvk(kind.api_version, kind.kind) is kind


def test_what_is_not_there() -> None:
    assert registry.find("", "v1", "unicorns") is None
    assert registry.by_gvk("v2", "Pod") is None
    with pytest.raises(KeyError):
        registry.by_resource("unicorns")
