"""What a client sends to apply: read, and looked at before anything is merged.

Tests: tests/engine/api/test_apply.py
"""

from typing import Any

import msgspec

from shipslog.store.commands import Apply
from shipslog.store.objects.fields import structured
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import BadRequest, Unexpected


def configuration(kind: Kind, command: Apply) -> dict[str, Any]:
    """The configuration of an apply, in place. Errors: BadRequest; Unexpected, a 500, where Kubernetes answers so."""
    config: dict[str, Any] = msgspec.json.decode(command.body)
    if (config.get("apiVersion") or "", config.get("kind") or "") != (kind.api_version, kind.kind):
        named = f"{config.get('apiVersion') or ''}, Kind={config.get('kind') or ''}"
        raise Unexpected(f"invalid object type: {named}: the URL is that of {kind.api_version}, Kind={kind.kind}")
    metadata = config.get("metadata")
    if metadata is None:
        metadata = config["metadata"] = {}
    if not isinstance(metadata, dict):
        raise BadRequest("the configuration's metadata is no object")
    for key, wanted in (("name", command.name), ("namespace", command.namespace)):
        given = metadata.get(key)
        if given not in (None, "", wanted):
            what = "object" if key == "name" else "provided object"
            raise BadRequest(f"the {key} of the {what} ({given}) does not match the {key} on the URL ({wanted})")
        if wanted:
            metadata[key] = wanted
    where = f"{command.namespace}/{command.name}" if command.namespace else command.name
    structured.check(structured.root_of(kind), config, f"{where}; {kind.api_version}, Kind={kind.kind}")
    return config
