"""Under which names, addresses and ids a node makes a pod's sandbox, and that no two pods have the same.

Tests: tests/runtime/containers/oci/test_user_namespaces.py, tests/runtime/containers/test_contract.py
"""

import msgspec

from shipslog.runtime.commands import RunPodSandbox
from shipslog.runtime.containers.id_ranges import IdRanges
from shipslog.runtime.containers.oci.recovery.records import SandboxRecord
from shipslog.runtime.machine.environment import OciSettings
from shipslog.runtime.network.addresses import Addresses

from . import layout, programs
from .pod_sandbox import sandbox

NOT_ROOTLESS = (
    "hostUsers: false needs mounts with mapped ids, which only a daemon that runs as root may make; without root all pods run "
    "as users of the daemon's own user namespace already"
)


class Naming:
    """What the sandboxes of one node have of their own."""

    def __init__(self, instance: str, addresses: Addresses, settings: OciSettings) -> None:
        self._instance, self._addresses, self._settings = instance, addresses, settings
        self._ids = IdRanges(instance)

    def name(self, request: RunPodSandbox, generation: int) -> SandboxRecord:
        """A record of a sandbox that is to be made. Errors: OSError, AddressesExhausted."""
        uid = request.pod_uid
        programs.check(self._settings, request.handler or "")
        name = layout.sandbox_id(uid, generation)
        record = SandboxRecord(request=sandbox.redacted(request), sandbox_id=name, generation=generation)
        if request.own_users is True:
            if self._settings.rootless:
                raise OSError(NOT_ROOTLESS)
            record = msgspec.structs.replace(record, first_id=self._ids.take(uid))
        if request.host_network:
            return record
        try:
            ips = self._addresses.take(uid)
        except BaseException:
            self._ids.release(record.first_id, uid)
            raise
        return msgspec.structs.replace(
            record, ip=ips[0], ips=ips, netns=layout.netns_name(self._instance, name),
            link=layout.link_name(self._instance, name),
        )  # fmt: skip

    def hold(self, record: SandboxRecord) -> None:
        """A sandbox that was made before has what its record says."""
        if record.ip:
            self._addresses.hold(record.ip, record.request.pod_uid)
        if record.first_id:
            self._ids.hold(record.first_id, record.request.pod_uid)

    def release(self, record: SandboxRecord) -> None:
        """It is gone: others may have what it had."""
        self._addresses.release(record.ip, record.request.pod_uid)
        self._ids.release(record.first_id, record.request.pod_uid)
