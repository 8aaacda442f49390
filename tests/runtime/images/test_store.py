"""The image store: built, imported, pulled from a real registry on loopback, removed."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipslog.runtime.images import recipes
from shipslog.runtime.images.store import ImageStore, PullFailed

REGISTRY = shutil.which("docker-registry")
SKOPEO = shutil.which("skopeo") or "skopeo"


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    made = ImageStore(tmp_path / "images", skopeo_path=SKOPEO)
    made.open()
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "bin").mkdir(parents=True)
    (made / "bin/tool").write_text("#!/bin/sh\necho hi\n")
    (made / "bin/tool").chmod(0o755)
    return made


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """host:port of a registry that holds nothing yet."""
    if os.geteuid() != 0:
        pytest.skip("layers are unpacked with their owners: needs root")
    assert REGISTRY is not None, "docker-registry is not installed"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n"
    )
    process = subprocess.Popen([REGISTRY, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def push(store: ImageStore, name: str, target: str) -> None:
    image = store.get(name)
    assert image is not None
    layout = store.directory.parent / "push"
    layout.mkdir()
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    shutil.copytree(store.directory / "blobs", layout / "blobs")
    manifest = (store.directory / "blobs/sha256" / image.digest.removeprefix("sha256:")).stat().st_size
    entry = (
        '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        f'"digest":"{image.digest}","size":{manifest}}}]}}'
    )
    (layout / "index.json").write_text(entry)
    command = [SKOPEO, "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", f"docker://{target}"]
    subprocess.run(command, check=True)


def test_a_directory_becomes_an_image(store: ImageStore, root: Path) -> None:
    made = store.add("example/tool:1", root, {"Cmd": ["/bin/tool"]})
    assert (made.name, made.config.cmd, made.local) == ("docker.io/example/tool:1", ("/bin/tool",), True)
    assert store.get("example/tool:1") == made == store.get(made.image_id)
    assert store.get("example/other") is None
    (layer,) = store.lower_directories(made)
    assert (store.layers.directory / layer / "bin/tool").read_text().endswith("echo hi\n")
    assert store.add("example/tool:1", root, {"Cmd": ["/bin/tool"]}).image_id == made.image_id, "the same again"
    assert store.remove("example/tool:1") and not store.remove("example/tool:1")
    assert not list((store.directory / "blobs/sha256").iterdir())


@pytest.mark.root
def test_a_pull_from_a_registry(store: ImageStore, root: Path, registry: str, tmp_path: Path) -> None:
    store.add("example/tool:1", root, {"Cmd": ["/bin/tool"]})
    name = f"{registry}/example/tool:1"
    push(store, "example/tool:1", name)
    other = ImageStore(tmp_path / "other", skopeo_path=SKOPEO)
    other.open()
    image, here = other.pull(name, "IfNotPresent")
    assert (image.name, here, image.local, image.config.cmd) == (name, False, False, ("/bin/tool",))
    assert other.pull(name, "IfNotPresent") == (image, True)
    assert other.pull(name, "Always")[0].image_id == image.image_id
    with pytest.raises(PullFailed, match="example/nothing") as failure:
        other.pull(f"{registry}/example/nothing:1", "Always")
    assert failure.value.reason == "ErrImagePull"
    with pytest.raises(PullFailed) as never:
        other.pull(f"{registry}/example/nothing:1", "Never")
    assert never.value.reason == "ErrImageNeverPull"
    with pytest.raises(PullFailed) as invalid:
        other.pull("Not A Name", "Always")
    assert invalid.value.reason == "InvalidImageName"


@pytest.mark.root
def test_an_archive_is_imported(store: ImageStore, root: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("layers are unpacked with their owners: needs root")
    made = store.add("example/tool:1", root, {"Cmd": ["/bin/tool"]})
    archive = tmp_path / "tool.tar"
    layout = tmp_path / "layout"
    layout.mkdir()
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    shutil.copytree(store.directory / "blobs", layout / "blobs")
    shutil.copy(store.directory / "index.json", layout / "index.json")
    subprocess.run(["tar", "-cf", str(archive), "-C", str(layout), "."], check=True)
    other = ImageStore(tmp_path / "other", skopeo_path=SKOPEO)
    other.open()
    imported = other.import_archive(archive, "renamed:2")
    assert (imported.name, imported.image_id) == ("docker.io/library/renamed:2", made.image_id)
    with pytest.raises(PullFailed, match="neither a docker-archive nor an oci-archive"):
        broken = tmp_path / "broken.tar"
        broken.write_bytes(b"nothing")
        other.import_archive(broken)


@pytest.mark.root
def test_what_containers_use_stays_without_a_name(tmp_path: Path, root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("files of the image belong to root")
    used: set[str] = set()
    store = ImageStore(tmp_path / "images", skopeo_path=SKOPEO, used=lambda: used)
    store.open()
    first = store.add("tool:1", root, {})
    (lower,) = store.lower_directories(first)
    used.add(first.image_id)
    (root / "bin/tool").write_text("#!/bin/sh\necho another\n")
    second = store.add("tool:1", root, {})  # the name is of another image now
    assert store.remove("tool:1") and store.list() == ()
    assert (store.layers.directory / lower / "bin/tool").read_text() == "#!/bin/sh\necho hi\n"
    assert not (store.layers.directory / store.layers.name(second.layers[0][0])).exists()
    used.clear()
    store.collect()
    assert not (store.layers.directory / lower).exists()


@pytest.mark.root
def test_the_guestbook_is_built_the_same_each_time(store: ImageStore) -> None:
    if os.geteuid() != 0:
        pytest.skip("files of the image belong to root")
    said: list[str] = []
    first = recipes.build("guestbook", store, said.append)
    assert [i.name.split("/", 1)[1] for i in first] == [
        "kubeguide/redis-master:latest",
        "kubeguide/guestbook-redis-slave:latest",
        "kubeguide/guestbook-php-frontend:latest",
    ]
    assert len(said) == 3
    for image in first:  # lighttpd warns of its start where there is none
        upper = store.layers.directory / store.lower_directories(image)[0]
        assert (upper / "var/tmp").stat().st_mode & 0o7777 == 0o1777
    again = recipes.build("guestbook", store, said.append)
    assert [i.image_id for i in again] == [i.image_id for i in first]
