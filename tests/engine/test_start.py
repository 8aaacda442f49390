"""What a start may load: a module that is loaded takes its time and its memory whether or not anybody asks for what it does.

Each in a process of its own, as the other tests load everything. What is loaded too early is named with who imports it:
`python -X importtime`."""

import subprocess
import sys

import pytest

from shipslog.reconcilers.roster import ROSTER
from shipslog.reconcilers.rule.dormant import Dormant

OPENED = """
import asyncio
from shipslog import Cluster
async def main():
    async with Cluster.open(None, runtime="simulated") as cluster:
        await cluster.wait("serviceaccounts", "default")
asyncio.run(main())
"""
SERVED = """
import asyncio
from shipslog import Cluster
async def main():
    async with Cluster.open(None, runtime="simulated") as cluster, cluster.serve():
        await cluster.wait("serviceaccounts", "default")
asyncio.run(main())
"""
COMMAND = """
import shipslog.engine.cli.up
import shipslog.engine.daemon
"""
SHARED = {
    "storage.directories",  # whose words the rule of reclaiming needs
    "cluster.certificate_requests",  # and these who signs what was approved
}
ASLEEP = {rule.place.partition(":")[0] for rule in ROSTER if isinstance(rule, Dormant)} - SHARED
FLOWS = "shipslog.reconcilers.cluster.flow_schemas"  # a server brings such along
# Of ours, what nobody has asked for yet.
NOT_YET = {
    *(f"shipslog.reconcilers.{place}" for place in ASLEEP),
    *(
        f"shipslog.store.objects.types.{group}"
        for group in (
            "admissionregistration_v1",
            "apiextensions_v1",
            "apps_v1",
            "autoscaling_v2",
            "batch_v1",
            "coordination_v1beta1",
            "extensions_v1beta1",
            "rbac_v1",
            "resource_v1",
            "scheduling_v1beta1",
            "storagemigration_v1",
        )
    ),
    "shipslog.store.objects.custom",
    "shipslog.store.objects.fields.structural",
    "shipslog.engine.cel",
    "shipslog.engine.dns.serving",
    "shipslog.engine.kinds.custom.validation",
    "shipslog.engine.past.replay",
    "shipslog.engine.chronicle.questions",
    "shipslog.reconcilers.every_rule",
    "shipslog.runtime.containers.oci.node",
    "shipslog.testing",
}
NOT_YET_SERVED = {
    "shipslog.engine.api.subresource.pod_streams",
    "shipslog.engine.api.proxy",
    "shipslog.engine.api.unstored.reviews",
    "shipslog.engine.api.subresource.scale",
    "shipslog.engine.api.streams.over_spdy",
    "shipslog.engine.api.subresource.token_requests",
    "shipslog.runtime.spdy",
}
# Of others', what may be loaded; all else is for who uses it.
LIBRARIES = {"anyio", "cython_runtime", "msgspec", "typing_extensions"}  # anyio as a cluster is closed
OF_THE_SERVER = {
    "aiohappyeyeballs",
    "aiohttp",
    "aiosignal",
    "attr",
    "charset_normalizer",
    "cryptography",
    "frozenlist",
    "idna",
    "multidict",
    "propcache",
    "yarl",
}
OF_THE_DAEMON = {"aiosqlite", "click", "uvloop", "yaml"}


def loaded(code: str) -> set[str]:
    """The modules that a process has which ran this, without those that it had before."""
    code = f"import sys\nbefore = {{*sys.modules}}\n{code}\nprint(*({{*sys.modules}} - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {*done.stdout.split()}


def _others(modules: set[str]) -> set[str]:
    tops = {module.partition(".")[0] for module in modules}
    return {top for top in tops if top not in sys.stdlib_module_names and not top.startswith(("_", "shipslog"))}


def test_importing_the_package_loads_nothing_else() -> None:
    found = loaded("import shipslog")
    assert {module for module in found if module.startswith("shipslog")} <= {"shipslog", "shipslog._version"}
    assert not _others(found)
    assert not {"asyncio", "logging", "importlib.metadata"} & found


@pytest.mark.parametrize(
    ("code", "libraries", "not_yet"),
    [
        pytest.param(OPENED, LIBRARIES, NOT_YET | NOT_YET_SERVED | {"shipslog.engine.api"}, id="a cluster"),
        pytest.param(SERVED, LIBRARIES | OF_THE_SERVER, (NOT_YET | NOT_YET_SERVED) - {FLOWS}, id="a cluster that is served"),
        pytest.param(
            COMMAND,
            LIBRARIES | OF_THE_SERVER | OF_THE_DAEMON,
            (NOT_YET | NOT_YET_SERVED) - {"shipslog.engine.past.replay"},
            id="the daemon",
        ),
    ],
)
def test_a_start_loads_what_it_needs(code: str, libraries: set[str], not_yet: set[str]) -> None:
    found = loaded(code)
    assert sorted(not_yet & found) == [], "nobody has asked for that yet"
    assert sorted(_others(found) - libraries) == []
