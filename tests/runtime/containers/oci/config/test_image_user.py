"""Who a container's process is, when the image's own files say odd things."""

from pathlib import Path

import pytest

from shipslog.runtime.commands import Security
from shipslog.runtime.containers.oci import container
from shipslog.runtime.containers.oci.config import image_user
from shipslog.runtime.containers.oci.config.image_user import User, UserUnknown


def resolve(root: Path, user: str, security: Security | None = None, *, passwd: str = "", group: str = "") -> User:
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(passwd)
    (root / "etc/group").write_text(group)
    return image_user.resolve(root, user, security or Security(), image="i", fs_group=None)


def test_what_the_pod_says_is_a_number_whatever_the_image_calls_by_it(tmp_path: Path) -> None:
    """An image must not make root of a pod's runAsUser."""
    found = resolve(tmp_path, "", Security(run_as_user=1000), passwd="1000:x:0:0::/root:/bin/sh\n")
    assert (found.uid, found.gid) == (1000, 0)
    known = "app:x:1000:50::/var/app:/bin/sh\n"
    assert resolve(tmp_path, "", Security(run_as_user=1000), passwd=known).home == "/var/app"


@pytest.mark.parametrize("number", ["²", "٣", "9" * 5000, "-1", "1e3", "4294967296", " 5", "0x10", ""])
def test_lines_with_numbers_that_are_none_name_nobody(number: str, tmp_path: Path) -> None:
    passwd = f"odd:x:{number}:0::/:/bin/sh\nsound:x:7:8::/:/bin/sh\n"
    assert resolve(tmp_path, "sound", passwd=passwd, group=f"g:x:{number}:sound\n").groups == ()
    with pytest.raises(UserUnknown, match="unable to find user odd"):
        resolve(tmp_path, "odd", passwd=passwd)
    if number:
        with pytest.raises(UserUnknown, match="unable to find"):
            resolve(tmp_path, number.strip() if number != " 5" else number, passwd=passwd)


def test_a_file_of_the_machine_is_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "passwd"
    outside.write_text("thief:x:0:0::/:/bin/sh\n")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").symlink_to(outside)
    with pytest.raises(UserUnknown):
        image_user.resolve(root, "thief", Security(), image="i", fs_group=None)


@pytest.mark.parametrize("name", ["²", "9" * 5000, "0", "65", "SIGNOTHING", "", "-9"])
def test_a_stop_signal_that_is_none_is_term(name: str) -> None:
    assert container._signal_number(name) == 15


@pytest.mark.parametrize(("name", "number"), [("9", 9), ("SIGQUIT", 3), ("int", 2), ("64", 64)])
def test_a_stop_signal(name: str, number: int) -> None:
    assert container._signal_number(name) == number


def test_strict_groups_are_those_of_the_pod(tmp_path: Path) -> None:
    passwd, group = "web:x:7:8::/:/bin/sh\n", "g:x:50:web\n"
    merged = resolve(tmp_path, "web", Security(supplemental_groups=(4,)), passwd=passwd, group=group)
    strict = Security(supplemental_groups=(4,), groups_strict=True)
    assert (merged.groups, resolve(tmp_path, "web", strict, passwd=passwd, group=group).groups) == ((4, 50), (4,))
