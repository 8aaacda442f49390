"""The names that a pod knows itself by."""

import pytest

from shipslog.runtime.commands import RunPodSandbox
from shipslog.runtime.containers.oci.pod_sandbox import sandbox


@pytest.mark.parametrize("hostname", ["web", "a.svc.b"])
@pytest.mark.parametrize("as_whole", [False, True])
def test_the_whole_name_and_the_short_one(hostname: str, as_whole: bool) -> None:
    whole = f"{hostname}.sub.space.svc.cluster.local"
    asked = RunPodSandbox(
        node="n", pod_uid="u", namespace="space", name="p", hostname=whole if as_whole else hostname, fqdn=whole
    )  # fmt: skip
    lines = sandbox._hosts(asked, ("10.0.0.7", "fd00::7")).splitlines()
    assert lines[-2:] == [f"10.0.0.7\t{whole}\t{hostname}", f"fd00::7\t{whole}\t{hostname}"]
