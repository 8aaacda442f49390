"""The registry: every way to a kind leads to the same one."""

import subprocess
import sys

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


def test_a_start_loads_no_more_than_it_needs() -> None:
    """A cluster that has no object of a group holds none of its types, but for those that a rule keeps. In a process of its
    own, as others load them all."""
    code = (
        "import asyncio, sys\n"
        "from shipslog.engine.api.connection.server import ApiServer\n"
        "from shipslog.engine.cluster import Cluster\n"
        "async def start():\n"
        "    async with Cluster.open(None, runtime='none'):\n"
        "        pass\n"
        "asyncio.run(start())\n"
        "print(*sorted(m.rpartition('.')[2] for m in sys.modules if m.startswith('shipslog.store.objects.') and '_v' in m))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    groups = {kind.place.partition(":")[0] for kind in BUILTIN.kinds()}
    assert set(found) >= {"core_v1", "meta_v1"}
    kept_by_none = {"admissionregistration_v1", "node_v1", "coordination_v1beta1", "storagemigration_v1"}
    assert kept_by_none <= groups and not kept_by_none & set(found)
    assert not {"extensions_v1beta1", "apps_v1beta1", "autoscaling_v2beta1", "resource_v1beta1"} & set(found)
