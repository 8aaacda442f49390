"""Images that lie: each is refused with a message that says what is wrong, and leaves nothing on the machine."""

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.images.bounds import Bounds
from shipslog.runtime.images.documents import REF
from shipslog.runtime.images.store import ImageStore, PullFailed
from tests.runtime.machine.test_trees import deep_tree

from .forge import Layout, digest, header, layer, member, plain, zipped

BOUNDS = Bounds(layer_bytes=32 << 20, image_bytes=8 << 20, entries=500, header_bytes=64 << 10, layers=5)
Write = Callable[[Layout], Any]
pytestmark = pytest.mark.root


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    if os.geteuid() != 0:
        pytest.skip("layers are unpacked with their owners: needs root")
    made = ImageStore(tmp_path / "images", bounds=BOUNDS)
    made.open()
    return made


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def kept(store: ImageStore) -> list[str]:
    """Every file of the store but its locks and its marker."""
    found = [str(path.relative_to(store.directory)) for path in store.directory.rglob("*") if not path.is_dir()]
    found += [str(path.relative_to(store.directory)) for path in store.directory.glob("layers/*")]
    return sorted(name for name in found if not name.endswith(".lock") and name != "oci-layout")


def refused(store: ImageStore, path: Path) -> str:
    before, open_files = kept(store), len(os.listdir("/proc/self/fd"))
    with pytest.raises(PullFailed) as failure:
        store.import_archive(path, "evil:1")
    assert kept(store) == before, "it leaves nothing behind"
    assert len(os.listdir("/proc/self/fd")) == open_files
    assert store.get("evil:1") is None
    message = str(failure.value)
    assert len(message) < 3000 and "Traceback" not in message
    return message


def test_a_sound_image_is_taken(store: ImageStore, layout: Layout) -> None:
    data = plain()
    image = store.import_archive(layout.write([data], blobs=[zipped(data)]), "sound:1")
    (name,) = store.lower_directories(image)
    assert (store.layers.directory / name / "file").read_text() == "sound"


# --- digests that are paths ---


@pytest.mark.parametrize(
    "claim",
    [
        "/etc",
        "../../../etc",
        "sha256:/etc",
        "sha256:../../../../etc",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "a" * 65,
        "sha512:" + "a" * 128,
        "",
        ".",
        "a" * 64,
        None,
        7,
        ["x"],
    ],
)
def test_a_diff_id_is_a_digest(claim: Any, store: ImageStore, layout: Layout) -> None:
    first, second = plain("first"), plain("second")
    said = refused(store, layout.write([first, second], diff_ids=[digest(first), claim]))
    assert "config is broken" in said or "digest" in said or "unmarshal" in said


def test_nobody_gets_the_layer_that_it_only_names(store: ImageStore, layout: Layout, tmp_path: Path) -> None:
    secret = plain("secret")
    store.import_archive(layout.write([secret]), "private:1")
    thief = Layout(tmp_path / "thief")
    assert f"layer {digest(secret)} holds {digest(plain('mine'))}" in refused(
        store, thief.write([plain("mine")], diff_ids=[digest(secret)])
    )
    image = store.get("private:1")
    assert image is not None and store.lower_directories(image), "its owner has it still"
    again = store.import_archive(thief.write([secret], blobs=[zipped(secret)]), "also-has-it:1")
    assert store.lower_directories(again) == store.lower_directories(image), "who brings the content shares the layer"


def test_a_layer_that_nobody_vouches_for_is_looked_at(store: ImageStore, layout: Layout) -> None:
    """An index of before: it names an image whose layer was never compared."""
    data = plain("secret")
    image = store.import_archive(layout.write([data]), "private:1")
    (name,) = store.lower_directories(image)
    (store.layers.directory / f"{name}.json").unlink()
    assert store.lower_directories(image) == [name]
    (store.layers.directory / f"{name}.json").unlink()
    blob = store.directory / "blobs/sha256" / image.layers[0][1].removeprefix("sha256:")
    blob.write_bytes(plain("other!"))
    with pytest.raises(ValueError, match="holds sha256"):
        store.lower_directories(image)


# --- documents ---

INDEX = {"manifests": [{"digest": digest(b"x"), "size": 1}]}
DEEP = b'{"rootfs":' + b"[" * 200_000
DOCUMENTS: dict[str, tuple[Write, str]] = {
    "counts differ": (lambda made: made.write([plain()], diff_ids=[]), "has 1 layers and its config names 0"),
    "counts differ the other way": (lambda made: made.write([], diff_ids=[digest(b"")]), "has 0 layers and its config names 1"),
    "too many layers": (lambda made: made.write([plain(str(n)) for n in range(6)]), "6 layers; 5 are allowed"),
    "config is a list": (lambda made: made.write([plain()], config=b"[]"), "config"),
    "config without rootfs": (lambda made: made.write([plain()], config=b'{"config":{}}'), "config is broken.*rootfs"),
    "config of wrong types": (
        lambda made: made.write([plain()], config=json.dumps({"config": {"Cmd": 7}, "rootfs": {"diff_ids": []}}).encode()),
        ".",
    ),
    "config nested too deep": (lambda made: made.write([plain()], config=DEEP), "."),
    "config not UTF-8": (lambda made: made.write([plain()], config=b'{"config":"\xff'), "."),
    "config too large": (lambda made: made.write([plain()], config=b" " * (5 << 20)), "."),
    "manifest too large": (lambda made: made.write([plain()], manifest=b" " * (5 << 20)), "."),
    "manifest is nothing": (lambda made: made.write([plain()], manifest=b""), "."),
    "manifest names a path": (
        lambda made: made.write(manifest=b'{"config":{"digest":"sha256:../../../../etc/passwd","size":1},"layers":[]}'),
        ".",
    ),
    "manifest nested too deep": (lambda made: made.write([plain()], manifest=DEEP), "."),
    "sizes that are too large to be": (lambda made: made.write([plain()], sizes=10**400), "."),
    "index is nothing": (lambda made: made.write([plain()], index=b""), "index.json is broken"),
    "index is a number": (lambda made: made.write([plain()], index=b"7"), "index.json is broken"),
    "index of nothing": (lambda made: made.write([plain()], index=b'{"manifests":[]}'), "names 0 images"),
    "index of null": (lambda made: made.write([plain()], index=b'{"manifests":null}'), "index.json is broken"),
    "index of many": (
        lambda made: made.write(index=json.dumps({"manifests": INDEX["manifests"] * 2}).encode()),
        "names 2 images",
    ),
    "index names a path": (
        lambda made: made.write(index=b'{"manifests":[{"digest":"sha256:../../x","size":1}]}'),
        "index.json is broken.*digest",
    ),
    "index nested too deep": (lambda made: made.write(index=b'{"manifests":' + b"[" * 200_000), "index.json is broken"),
    "index too large": (lambda made: made.write(index=b" " * (5 << 20)), "larger than 4194304 bytes"),
    "index names what is not there": (lambda made: made.write(index=json.dumps(INDEX).encode()), "no such file"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_documents_are_what_they_must_be(case: str, store: ImageStore, layout: Layout) -> None:
    write, wanted = DOCUMENTS[case]
    write(layout)
    said = refused(store, layout.directory)
    assert re.search(wanted, said), said


def test_a_blob_that_is_a_link_is_not_a_file_of_the_machine(store: ImageStore, layout: Layout, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text('{"config":{"Env":["SECRET=word"]},"rootfs":{"diff_ids":[]}}')
    layout.write([])
    (blob,) = (b for b in (layout.directory / "blobs/sha256").iterdir() if b'"rootfs"' in b.read_bytes())
    blob.unlink()
    blob.symlink_to(precious)
    assert "SECRET" not in refused(store, layout.directory)


def test_the_name_in_an_archive_is_a_name(store: ImageStore, layout: Layout) -> None:
    layout.write([plain()])
    index = json.loads((layout.directory / "index.json").read_bytes())
    for name in ("../../etc", "a:b:c", "x\n", "-v", "docker://x", "A" * 300, ""):
        index["manifests"][0]["annotations"] = {REF: name}
        (layout.directory / "index.json").write_text(json.dumps(index))
        with pytest.raises(PullFailed) as failure:
            store.import_archive(layout.directory)
        assert failure.value.reason == "InvalidImageName" and not kept(store)


# --- archives ---

LAYERS: dict[str, tuple[Callable[[], tuple[bytes, bytes | None]], str]] = {
    "no tar": (lambda: (b"nothing at all" * 100, None), "not a tar"),
    "gzip that was cut off": (lambda: (plain(), zipped(plain() * 50)[:-300]), "gzip is broken"),
    "gzip of noise": (lambda: (plain(), b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 500), "gzip is broken"),
    "zstd of noise": (lambda: (plain(), b"\x28\xb5\x2f\xfd" + b"\xff" * 500), "zstd is broken"),
    "a bomb": (lambda: (data := bytes(64 << 20), zipped(data)), "larger than 33554432 bytes"),
    "a bomb behind its end": (lambda: (data := plain() + bytes(64 << 20), zipped(data)), "larger than 33554432 bytes"),
    "too many files": (lambda: (layer(*(member(str(n)) for n in range(600))), None), "more than 500 files"),
    "a name that fills memory": (lambda: (header(b"x", b"L", b"7777777777\0") + bytes(1024), None), "name and attributes take"),
    "attributes that fill memory": (lambda: (layer(member("f", pax_headers={"c": "x" * 70_000})), None), "attributes take"),
    "a negative size": (lambda: (header(b"x", b"0", b"\xff" * 12), None), "impossible size"),
    "a size that is no number": (lambda: (header(b"x", b"0", b"12x45678901\0"), None), "number that is none"),
    "a size for all": (
        lambda: (header(b"g", b"g", b"00000000014\0") + b"12 size=512\n".ljust(512, b"\0"), None),
        "all its files one size",
    ),
    "a size that is a word": (
        lambda: (header(b"x", b"x", b"00000000014\0") + b"12 size=1e3\n".ljust(512, b"\0"), None),
        "not a number",
    ),
    "broken attributes": (
        lambda: (header(b"x", b"x", b"00000000014\0") + b"99 size=512\n".ljust(512, b"\0"), None),
        "broken extended header",
    ),
    "a directory with content": (lambda: (header(b"d/", b"5", b"00000001000\0") + bytes(512), None), "with content"),
    "a wrong checksum": (lambda: (bytes(bytearray(plain()[:100]) + b"\1" + plain()[101:]), None), "checksum"),
    "an archive that was cut off": (lambda: (layer(member("f", content=b"x" * 5000))[:2048], None), "nexpected EOF"),
    "hiding nothing": (lambda: (layer(member(".wh.")), None), "hides '', which is no file"),
    "hiding itself": (lambda: (layer(member("d/.wh..")), None), "hides '.', which is no file"),
    "hiding what is above": (lambda: (layer(member("d/.wh...")), None), "hides '..', which is no file"),
    "a hard link to the machine": (lambda: (layer(member("l", tarfile.LNKTYPE, linkname="/etc/passwd")), None), "l.*link"),
    "a hard link upwards": (lambda: (layer(member("l", tarfile.LNKTYPE, linkname="../../../etc/passwd")), None), "l.*link"),
    "a top that is a link": (
        lambda: (layer(member(".", tarfile.SYMTYPE, linkname="/etc"), member("./x", content=b"x")), None),
        "Cannot",
    ),
}


@pytest.mark.parametrize("case", LAYERS)
def test_layers_are_what_they_must_be(case: str, store: ImageStore, layout: Layout) -> None:
    make, wanted = LAYERS[case]
    data, packed = make()
    said = refused(store, layout.write([data], blobs=[packed or data]))
    assert re.search(wanted, said), said


ESCAPES = {
    "absolute": [member("/{0}/canary", content=b"evil")],
    "upwards": [member("../../../{0}/canary", content=b"evil")],
    "through a link": [member("l", tarfile.SYMTYPE, linkname="/{0}"), member("l/canary", content=b"evil")],
    "through a link upwards": [member("l", tarfile.SYMTYPE, linkname="../../../.."), member("l/{0}/canary", content=b"evil")],
    "through two links": [
        member("a", tarfile.SYMTYPE, linkname="."),
        member("a/b", tarfile.SYMTYPE, linkname=".."),
        member("a/b/b/b/{0}/canary", content=b"evil"),
    ],
    "through a hard link to a link": [
        member("l", tarfile.SYMTYPE, linkname="/{0}/canary"),
        member("h", tarfile.LNKTYPE, linkname="l"),
        member("h", content=b"evil"),
    ],
    "hiding through a link": [member("l", tarfile.SYMTYPE, linkname="/{0}"), member("l/.wh.canary")],
}


@pytest.mark.parametrize("case", ESCAPES)
def test_nothing_is_written_outside(case: str, store: ImageStore, layout: Layout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "canary").write_text("well")
    where = str(outside).lstrip("/")
    members = []
    for info, content in ESCAPES[case]:
        moved, _ = member(info.name.format(where), info.type, content, linkname=info.linkname.format(where))
        members.append((moved, content))
    try:
        store.import_archive(layout.write([layer(*members)]), "evil:1")
    except PullFailed:
        assert not kept(store)
    status = (outside / "canary").stat()
    assert (outside / "canary").read_text() == "well" and status.st_nlink == 1
    assert os.listdir(outside) == ["canary"]
    assert not [path for path in tmp_path.rglob("canary") if path.parent != outside and "layers" not in str(path)]


def test_an_overlay_is_told_nothing_by_a_layer(store: ImageStore, layout: Layout) -> None:
    told = {
        f"SCHILY.xattr.{name}": "y"
        for name in ("trusted.overlay.opaque", "trusted.overlay.redirect", "user.overlay.opaque", "security.x", "user.mine")
    }
    data = layer(member("d", tarfile.DIRTYPE, mode=0o755, pax_headers=told), member("d/file", pax_headers=told))
    (name,) = store.lower_directories(store.import_archive(layout.write([data]), "evil:1"))
    for path in ("d", "d/file"):
        assert set(os.listxattr(store.layers.directory / name / path)) <= {"user.mine"}


def test_what_a_layer_hides_and_has_itself_is_there(store: ImageStore, layout: Layout) -> None:
    members = [member(".wh.f"), member("f", content=b"new"), member(".wh.d"), member("d", tarfile.DIRTYPE, mode=0o755)]
    members += [member("d/x"), member(".wh..wh.plnk/1.2"), member(".wh.gone")]
    (name,) = store.lower_directories(store.import_archive(layout.write([layer(*members)]), "odd:1"))
    top = store.layers.directory / name
    assert sorted(os.listdir(top)) == ["d", "f", "gone"] and (top / "f").read_text() == "new"
    assert os.getxattr(top / "d", "trusted.overlay.opaque") == b"y"


def test_a_layer_may_be_deep_and_is_gone_with_its_image(store: ImageStore, layout: Layout, tmp_path: Path) -> None:
    deep_tree(tmp_path / "deep", 240, name="d" * 8)
    archive = tmp_path / "deep.tar"
    subprocess.run(["tar", "-cf", str(archive), "-C", str(tmp_path / "deep"), "."], check=True)
    image = store.import_archive(layout.write([archive.read_bytes()]), "deep:1")
    assert store.lower_directories(image) and store.remove("deep:1")
    assert kept(store) == ["index.json"]


def test_what_is_said_of_a_layer_does_not_stop_it(store: ImageStore, layout: Layout) -> None:
    """A program that unpacks has more to say than a pipe holds, when nobody listens."""
    odd = [member(f"f{n}", pax_headers={f"NOBODY.knows.{'x' * 200}{n}": "y"}) for n in range(480)]
    assert store.import_archive(layout.write([layer(*odd)]), "loud:1")


def test_a_disk_that_runs_full_refuses(store: ImageStore, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = os.statvfs(store.directory)
    for field, what in ((4, "MiB must stay free"), (7, "more files only")):
        short = os.statvfs_result(tuple(1 if place == field else value for place, value in enumerate(disk)))
        with monkeypatch.context() as patched:
            patched.setattr(os, "statvfs", lambda path, short=short: short)
            assert what in refused(store, layout.write([plain()]))


@pytest.mark.parametrize("size", [1, -5, 1 << 40])
def test_a_size_that_lies_is_not_believed(size: int, store: ImageStore, layout: Layout) -> None:
    image = store.import_archive(layout.write([plain()], sizes=size), "lies:1")
    blob = store.directory / "blobs/sha256" / image.layers[0][1].removeprefix("sha256:")
    assert image.size_bytes == blob.stat().st_size


def test_what_comes_after_the_end_of_an_archive_is_left_alone(store: ImageStore, layout: Layout) -> None:
    data = plain() + b"x" * (3 << 20)
    (name,) = store.lower_directories(store.import_archive(layout.write([data]), "long:1"))
    assert os.listdir(store.layers.directory / name) == ["file"]


# --- archives of images ---


def test_archives_that_are_none(store: ImageStore, tmp_path: Path) -> None:
    cases: dict[str, tuple[bytes, str]] = {
        "empty": (b"", "neither a docker-archive nor an oci-archive"),
        "docker of nothing": (layer(member("manifest.json", content=b"[]")), "names 0 images"),
        "docker of two": (layer(member("manifest.json", content=b"[{},{}]")), "names 2 images"),
        "docker of a word": (layer(member("manifest.json", content=b'"x"')), "manifest.json is broken"),
        "docker nested": (layer(member("manifest.json", content=b"[" * 100_000)), "manifest.json is broken"),
        "docker without tags": (layer(member("manifest.json", content=b'[{"RepoTags":7}]')), "manifest.json is broken"),
        "docker too large": (layer(member("manifest.json", content=bytes(5 << 20))), "larger than 4194304 bytes"),
        "docker, a bomb": (zipped(layer(member("manifest.json", content=bytes(64 << 20)))), "larger than 4194304 bytes"),
        "oci of nothing": (layer(member("index.json", content=b"{}")), "index.json is broken"),
        "oci, a bomb": (
            zipped(layer(member("index.json", content=json.dumps(INDEX).encode()), member("b", content=bytes(64 << 20)))),
            ".",
        ),
    }
    for case, (data, wanted) in cases.items():
        (tmp_path / "evil:1.tar").write_bytes(data)
        said = refused(store, tmp_path / "evil:1.tar")
        assert wanted in said or wanted == ".", (case, said)
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a directory" in refused(store, tmp_path / "pipe")
    assert "neither a file nor a directory" in refused(store, Path("/dev/zero"))
    assert "neither a file nor a directory" in refused(store, tmp_path / "nothing")


# --- one broken image among others ---


def test_a_broken_image_is_not_here_and_the_others_are(store: ImageStore, layout: Layout) -> None:
    sound = store.import_archive(layout.write([plain()]), "sound:1")
    index = json.loads((store.directory / "index.json").read_bytes())
    entry = index["manifests"][0]
    named = {**entry["annotations"], REF: "docker.io/library/broken:1"}
    index["manifests"].append({**entry, "digest": digest(b"x"), "annotations": named})
    (store.directory / "index.json").write_text(json.dumps(index))
    assert store.list() == (sound,) and store.get("broken:1") is None
    assert "missing" in store.broken["docker.io/library/broken:1"]
    (store.directory / "index.json").write_text("nothing")
    assert store.list() == () and "broken" in store.broken["index.json"]
    assert store.import_archive(layout.directory, "sound:1") == sound == store.get("sound:1")
    assert (store.directory / "index.broken").read_text() == "nothing"
