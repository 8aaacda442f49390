"""Groups that belong to Kubernetes' own community: who defines a kind there says who approved it.

Source: apiextensions-apiserver's api approval (KEP-1111).

Tests: tests/reconcilers/cluster/test_custom_resource_definition.py
"""

from urllib.parse import urlsplit

from shipslog.store.objects.types.apiextensions_v1 import CustomResourceDefinition

ANNOTATION = "api-approved.kubernetes.io"
PROTECTED = ("k8s.io", "kubernetes.io")
MISSING, INVALID, APPROVED, UNAPPROVED = "Missing", "Invalid", "Approved", "Unapproved"
WITH = 'with either a URL or a reason starting with "unapproved"'
MUST = f'protected groups must have approval annotation "{ANNOTATION}"'
SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


def approval_of(crd: CustomResourceDefinition) -> tuple[str, str]:
    """(what its annotation comes to, in words); two empty texts where its group needs none."""
    if not any(crd.spec.group == group or crd.spec.group.endswith(f".{group}") for group in PROTECTED):
        return "", ""
    given = crd.metadata.annotations.get(ANNOTATION, "")
    if not given:
        return MISSING, f"{MUST}, {SEE}"
    if given.startswith("unapproved"):
        return UNAPPROVED, f'not approved: "{given}"'
    return (APPROVED, f"approved in {given}") if _is_url(given) else (INVALID, f"{MUST} {WITH}, {SEE}")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.hostname)
