"""What the client wants back (Accept) and what it sends (Content-Type).

Tests: tests/engine/api/request/test_routes.py, tests/engine/api/verbs/test_reads.py
"""

from msgspec import Struct

from shipslog.store.objects.memo import remembered
from shipslog.store.refusals import NotAcceptable, UnsupportedMediaType

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
META_VERSIONS = ("v1", "v1beta1")


class Format(Struct, frozen=True):
    """How to answer. `shape` is "" (the object itself), "Table", "PartialObjectMetadata" or "PartialObjectMetadataList"."""

    shape: str = ""
    version: str = ""  # of meta.k8s.io, for shapes
    yaml: bool = False
    protobuf: bool = False

    @property
    def plain(self) -> bool:
        return not self.shape and not self.yaml and not self.protobuf


PLAIN = Format()
PROTOBUF_STATUS = Format(protobuf=True)


@remembered(entries=512)
def accepted(header: str, messages: bool = True, tables: bool = True) -> Format:
    """The first of the accepted types that can be given; without `messages` whole objects are not given in protobuf, without
    `tables` there are none. Errors: NotAcceptable."""
    if not header:
        return PLAIN
    for clause in header.split(","):
        media, *options = (p.strip() for p in clause.split(";"))
        values = dict(o.split("=", 1) for o in options if "=" in o)
        if media not in (JSON, YAML, PROTOBUF, "application/*", "*/*"):
            continue
        yaml, protobuf = media == YAML, media == PROTOBUF
        if protobuf and not messages and "as" not in values:
            continue
        if "as" not in values:
            return Format(yaml=yaml, protobuf=protobuf)
        if values["as"] == "Table" and (protobuf or not tables):
            continue  # cells may be anything: there is no message for them
        known = values["as"] in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
        if known and values.get("g") == "meta.k8s.io" and values.get("v") in META_VERSIONS:
            return Format(values["as"], values["v"], yaml, protobuf)
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {YAML}, {PROTOBUF}")


def of_errors(header: str) -> Format:
    """How to say what went wrong: in protobuf to those who would rather have it, else in JSON."""
    return PROTOBUF_STATUS if header.startswith(PROTOBUF) else PLAIN


@remembered(entries=64)
def body_type(header: str) -> str:
    """The media type of a request body; JSON when nothing is said. Errors: UnsupportedMediaType."""
    media = header.split(";", 1)[0].strip().lower()
    if media in ("", JSON, "application/octet-stream", "*/*"):
        return JSON
    if media in (YAML, "application/x-yaml", "text/yaml"):
        return YAML
    if media == PROTOBUF:
        return PROTOBUF
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {JSON}, {YAML}, {PROTOBUF}"
    )
