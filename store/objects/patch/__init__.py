"""The three patches, by their media types: JSON patch (`json_patch`, RFC 6902), merge patch (`merge`, RFC 7386) and Kubernetes'
strategic merge patch (`strategic`). What is applied on the server's side is merged elsewhere: `structured`."""

from typing import Any, Final, Literal, get_args

import msgspec

from shipslog.store.objects.wire import json_text, repeats
from shipslog.store.refusals import BadRequest, Cause, Invalid

from . import json_patch, merge, strategic
from .json_patch import unprocessable

PatchType = Literal["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"]
PATCH_TYPES: Final[tuple[PatchType, ...]] = get_args(PatchType)
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"


def unreadable(target: Any, why: str) -> Invalid:
    """422 for what a patch has made of an object, if it is none any more."""
    message = f"Invalid value: {msgspec.json.encode(target).decode()}: {why}"
    return Invalid(f' "" is invalid: patch: {message}', causes=(Cause("FieldValueInvalid", message, "patch"),))


def told(body: bytes, media_type: str, validation: str) -> list[str]:
    """What is wrong with the fields of a patch itself: keys that stand twice, parts of operations that nobody knows."""
    return [] if validation == "Ignore" else repeats.of_patch(body, operations=media_type == JSON_PATCH)


def apply(struct: type[Any], current: bytes, body: bytes, media_type: str) -> dict[str, Any]:
    """What the patch makes of an object's JSON. Errors: BadRequest, Invalid, TooLarge."""
    try:
        patch = json_text.parse(body)
    except json_text.NotJson as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    document: dict[str, Any] = msgspec.json.decode(current)  # named_order alone: it is changed in place
    if media_type == JSON_PATCH:
        patched = json_patch.apply(document, patch)
    elif not isinstance(patch, dict):
        raise BadRequest(f"error decoding patch: a {media_type} body is a JSON object")
    elif media_type == MERGE_PATCH:
        patched = merge.merge(document, patch)
    else:
        patched = strategic.merge(struct, document, patch)
    try:
        json_text.check_depth(patched)
    except json_text.NotJson as error:
        raise unprocessable(f"what the patch makes is {error}") from error
    return patched
