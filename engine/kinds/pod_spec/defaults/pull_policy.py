"""When an image is pulled, where nobody says: for containers, and for volumes that are images.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""


def pull_policy(image: str) -> str:
    """Always for the tag latest, also when it is only meant; IfNotPresent for any other tag and for a digest."""
    rest, _, digest = image.partition("@")
    name = rest.rpartition("/")[2]
    _, colon, tag = name.partition(":")
    if not image or name != name.lower():
        return "IfNotPresent"  # no image reference at all: validation or the kubelet says so
    if tag == "latest" or (not colon and not digest):
        return "Always"
    return "IfNotPresent"
