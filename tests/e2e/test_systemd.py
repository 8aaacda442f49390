"""The unit of docs/examples under a real systemd, in namespaces of its own: started, restarted, killed, stopped; pods go on.

They are real containers where there is what these need, and plain processes elsewhere."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import kubectls

ROOT = Path(__file__).parents[2]
SYSTEMD = Path("/lib/systemd/systemd")
CGROUPS = Path("/sys/fs/cgroup")
NAME = "shipslog-test-systemd"

pytestmark = [pytest.mark.root, pytest.mark.kubectl, pytest.mark.slow]

# A machine of its own: this one's files under a layer that goes away, and systemd as its first process.
MACHINE = r"""
set -e
mount --make-rprivate /
B=$SCRATCH/machine; R=$B/root
mkdir -p $B; mount -t tmpfs tmpfs $B; mkdir -p $B/upper $B/work $R
mount -t overlay overlay -o lowerdir=/,upperdir=$B/upper,workdir=$B/work $R
mount -t proc proc $R/proc
mount -t tmpfs tmpfs $R/run; mount -t tmpfs tmpfs $R/tmp
mount --rbind /dev $R/dev
for path in $BOUND; do mkdir -p $R$path; mount --rbind $path $R$path; done
mkdir -p $R/var/lib/shipslog-test; mount -t tmpfs tmpfs $R/var/lib/shipslog-test  # layers of images lie on no other overlay
mount --bind /sys $R/sys
if [ -d /sys/fs/cgroup/systemd ]; then
    mount -t tmpfs tmpfs $R/sys/fs/cgroup
    mkdir $R/sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup $R/sys/fs/cgroup/systemd
else
    mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
fi
ip link set lo up
mkdir -p $R/etc/shipslog
rm -f $R/etc/systemd/system/shipslog*
cp $SCRATCH/shipslog.service $SCRATCH/test.service $SCRATCH/test.target $R/etc/systemd/system/
cp $SCRATCH/config.yaml $R/etc/shipslog/
export container=shipslog-test
mkdir $R/before
cd $R
pivot_root . before  # a chroot would be left by who enters a mount namespace again, as pods' sandboxes are made
umount -l /before
exec chroot . /lib/systemd/systemd --system --unit=test.target --log-target=console --show-status=no
"""
TARGET = "[Unit]\nDescription=a test\nRequires=basic.target test.service\nAllowIsolate=yes\n"
TEST = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh {script}\n"
CONFIG = "data: /var/lib/shipslog-test\nruntime: {runtime}\nport: 7466\nbind: 127.0.0.1\n"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: sleeper}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: sleeper, imagePullPolicy: Never, command: [/bin/sleep, "4725"]}]
"""
# What an operator does; each line of the report is `what: what came of it`.
SCRIPT = r"""
exec > $SCRATCH/report 2> $SCRATCH/errors
export KUBECONFIG=/var/lib/shipslog-test/kubeconfig
pid() { systemctl show -P MainPID shipslog; }
active() { systemctl show -P ActiveState shipslog; }
sleeper() { pgrep -fx '.*/sleep 4725' | tail -n 1; }  # those before it keep its books
ready() { $KUBECTL wait --for=condition=Ready pod/sleeper --timeout=30s; }
systemctl start shipslog; echo "start: $? $(active)"
echo "status: $(systemctl show -P StatusText shipslog)"
$SHIPSLOG status --data /var/lib/shipslog-test | grep -o 'runtime *[a-z]*'
if [ -d $SCRATCH/image ]; then $SHIPSLOG image build $SCRATCH/image -t sleeper --data /var/lib/shipslog-test > /dev/null; fi
$KUBECTL create -f $SCRATCH/pod.yaml && ready && echo "pod: ready"
one=$(pid); first=$(sleeper)
systemctl restart shipslog; echo "restart: $? $(active)"
[ "$(pid)" != $one ] && [ "$(sleeper)" = $first ] && ready && echo "pod: goes on"
two=$(pid); kill -9 $two
for i in $(seq 100); do [ "$(pid)" != $two ] && [ "$(active)" = active ] && break; sleep 0.1; done
echo "killed: $(active)"
[ "$(sleeper)" = $first ] && ready && echo "pod: goes on"
systemctl stop shipslog; echo "stop: $? $(active) $(systemctl show -P Result shipslog)"
[ "$(sleeper)" = $first ] && echo "pod: goes on"
$SHIPSLOG down --all --data /var/lib/shipslog-test; echo "down: $? $(sleeper)"
systemctl exit 0
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of this test; below it is what systemd makes."""
    if os.geteuid() != 0 or not SYSTEMD.exists() or shutil.which("unshare") is None:
        pytest.skip("needs root and an installed systemd")
    top = CGROUPS / "systemd" if (CGROUPS / "systemd").is_dir() else CGROUPS
    made = top / NAME
    try:
        made.mkdir(exist_ok=True)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield made
    for directory, _, _ in os.walk(made, topdown=False):
        os.rmdir(directory)


def test_the_unit_does_under_systemd_what_the_page_says(group: Path, tmp_path: Path) -> None:
    program = str(Path(sys.prefix) / "bin" / "shipslog")
    said = f"SCRATCH={shlex.quote(str(tmp_path))}\nKUBECTL={shlex.quote(kubectls()[-1])}\nSHIPSLOG={shlex.quote(program)}\n"
    containers = all(shutil.which(name) for name in ("crun", "conmon", "nft", "ip", "busybox"))
    if containers:
        (tmp_path / "image" / "bin").mkdir(parents=True)
        shutil.copy(str(shutil.which("busybox")), tmp_path / "image" / "bin" / "sleep")
    unit = (ROOT / "docs" / "examples" / "shipslog.service").read_text()
    for name, text in {
        "shipslog.service": unit.replace("/usr/local/bin/shipslog", program),
        "test.service": TEST.format(script=tmp_path / "script"),
        "test.target": TARGET,
        "config.yaml": CONFIG.format(runtime="oci" if containers else "process"),
        "pod.yaml": POD,
        "script": said + SCRIPT,
        "begin": MACHINE,
    }.items():
        (tmp_path / name).write_text(text)
    bound = {str(path.resolve()) for path in (ROOT, Path(sys.prefix), Path(sys.base_prefix), tmp_path)}
    inside = f"echo $$ > {group}/cgroup.procs; exec unshare -mpuinC --fork --kill-child bash {tmp_path}/begin"
    environment = {"PATH": os.environ["PATH"], "SCRATCH": str(tmp_path), "BOUND": " ".join(sorted(bound))}
    done = subprocess.run(["bash", "-c", inside], capture_output=True, text=True, timeout=120, env=environment, check=False)
    report = (tmp_path / "report").read_text() if (tmp_path / "report").exists() else ""
    assert report.splitlines() == [
        "start: 0 active",
        "status: Listening on 127.0.0.1:7466: this machine only.",
        f"runtime       {'oci' if containers else 'process'}",
        "pod/sleeper created",
        "pod/sleeper condition met",
        "pod: ready",
        "restart: 0 active",
        "pod/sleeper condition met",
        "pod: goes on",
        "killed: active",
        "pod/sleeper condition met",
        "pod: goes on",
        "stop: 0 inactive success",
        "pod: goes on",
        "No daemon runs on /var/lib/shipslog-test; what its pods had left on the machine is gone.",
        "down: 0 ",
    ], f"{report}\n{(tmp_path / 'errors').read_text() if (tmp_path / 'errors').exists() else ''}\n{done.stdout}\n{done.stderr}"
