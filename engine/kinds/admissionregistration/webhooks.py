"""Webhooks that are asked before something is done: what both kinds of them mean and may say.

Tests: tests/engine/kinds/admissionregistration/test_webhooks.py
"""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.admissionregistration_v1 import (
    MatchCondition,
    MutatingWebhook,
    NamedRuleWithOperations,
    RuleWithOperations,
    ValidatingWebhook,
)
from shipslog.store.objects.types.meta_v1 import LabelSelector

from .match_conditions import Wrong, program

AnyWebhook = TypeVar("AnyWebhook", MutatingWebhook, ValidatingWebhook)
OPERATIONS = ("*", "CREATE", "UPDATE", "DELETE", "CONNECT")
SCOPES, FAILURES, MATCHES = ("*", "Cluster", "Namespaced"), ("Fail", "Ignore"), ("Equivalent", "Exact")
SIDE_EFFECTS, REVIEWS = ("None", "NoneOnDryRun"), ("v1", "v1beta1")
TIMEOUT_S, LONGEST_S, PORT, MOST_CONDITIONS = 10, 30, 443, 64
LONGEST_CONDITIONS = 64 * 1024  # characters of all of a configuration: each is compiled
URL_FORM = "desired format: https://host[/path]"
ALL_ALONE = "if '*' is present, must not specify other {}"


class WebhookConfigurationRules(WithSpec):
    """What both kinds of configurations keep: they have webhooks, and no spec."""

    unconditional_update = False
    columns = (NAME, Column("Webhooks", "How many webhooks it has.", "integer"), AGE)

    def cells(self, obj: Any, now_ns: int) -> list[Any]:
        return [obj.metadata.name, len(obj.webhooks), age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: Any) -> Any:
        return replace(obj, webhooks=tuple(_default_webhook(hook) for hook in obj.webhooks))

    def is_changed(self, old: Any, new: Any) -> bool:
        return bool(old.webhooks != new.webhooks)

    def check(self, faults: Faults, obj: Any) -> None:
        _check_webhooks(faults, obj.webhooks)


def _default_webhook(hook: AnyWebhook) -> AnyWebhook:
    """Asked of everything that its rules name, in every namespace; and nothing is done when it does not answer."""
    service = hook.client_config.service
    client = hook.client_config
    if service is not None and service.port is None:
        client = replace(client, service=replace(service, port=PORT))
    if isinstance(hook, MutatingWebhook):
        hook = replace(hook, reinvocation_policy=hook.reinvocation_policy or "Never")
    return replace(
        hook,
        client_config=client,
        failure_policy=hook.failure_policy or "Fail",
        match_policy=hook.match_policy or "Equivalent",
        namespace_selector=hook.namespace_selector or LabelSelector(),
        object_selector=hook.object_selector or LabelSelector(),
        timeout_seconds=TIMEOUT_S if hook.timeout_seconds is None else hook.timeout_seconds,
        rules=tuple(replace(rule, scope=rule.scope or "*") for rule in hook.rules),
    )


def _check_webhooks(faults: Faults, hooks: Sequence[MutatingWebhook | ValidatingWebhook]) -> None:
    length = sum(len(condition.expression) for hook in hooks for condition in hook.match_conditions)
    if length > LONGEST_CONDITIONS:
        words = f"the expressions of its conditions have {length} characters together, and may have {LONGEST_CONDITIONS}"
        faults.forbidden("webhooks", words)
        return
    seen: set[str] = set()
    for i, hook in enumerate(hooks):
        path = f"webhooks[{i}]"
        _check_webhook(faults, hook, path)
        if hook.name in seen:
            faults.duplicate(f"{path}.name", hook.name)
        seen.add(hook.name)


def _check_webhook(faults: Faults, hook: MutatingWebhook | ValidatingWebhook, path: str) -> None:
    faults.invalid_each(f"{path}.name", hook.name, names.three_segments(hook.name))
    _check_versions(faults, hook.admission_review_versions, f"{path}.admissionReviewVersions")
    for i, rule in enumerate(hook.rules):
        check_rule(faults, rule, f"{path}.rules[{i}]")
    for field, value, known in (
        ("failurePolicy", hook.failure_policy, FAILURES),
        ("matchPolicy", hook.match_policy, MATCHES),
    ):
        if value is not None and value not in known:
            faults.not_supported(f"{path}.{field}", value, known)
    if hook.side_effects is None:
        faults.required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun")
    elif hook.side_effects not in SIDE_EFFECTS:
        faults.not_supported(f"{path}.sideEffects", hook.side_effects, SIDE_EFFECTS)
    if hook.timeout_seconds is not None and not 1 <= hook.timeout_seconds <= LONGEST_S:
        words = f"the timeout value must be between 1 and {LONGEST_S} seconds"
        faults.invalid(f"{path}.timeoutSeconds", hook.timeout_seconds, words)
    check_label_selector(faults, hook.namespace_selector, f"{path}.namespaceSelector")
    check_label_selector(faults, hook.object_selector, f"{path}.objectSelector")
    check_client(faults, hook.client_config, f"{path}.clientConfig")
    check_conditions(faults, hook.match_conditions, f"{path}.matchConditions")
    if isinstance(hook, MutatingWebhook) and hook.reinvocation_policy not in ("Never", "IfNeeded"):
        faults.not_supported(f"{path}.reinvocationPolicy", hook.reinvocation_policy or "", ("IfNeeded", "Never"))


def _check_versions(faults: Faults, versions: Sequence[str], path: str) -> None:
    if not versions:
        faults.required(path, "must specify one of v1, v1beta1")
        return
    for i, version in enumerate(versions):
        if version in versions[:i]:
            faults.invalid(f"{path}[{i}]", version, "duplicate version")
            continue
        faults.invalid_each(f"{path}[{i}]", version, names.dns_1035(version))
    if not set(versions) & set(REVIEWS):
        faults.invalid(path, versions, "must include at least one of v1, v1beta1")


def check_rule(faults: Faults, rule: RuleWithOperations | NamedRuleWithOperations, path: str) -> None:
    """Which requests are meant."""
    for field, values in (("operations", rule.operations), ("apiGroups", rule.api_groups), ("apiVersions", rule.api_versions)):
        if not values:
            faults.required(f"{path}.{field}")
        if len(values) > 1 and "*" in values:
            faults.invalid(f"{path}.{field}", values, ALL_ALONE.format(field if field == "operations" else "values"))
    for i, operation in enumerate(rule.operations):
        if operation not in OPERATIONS:
            faults.not_supported(f"{path}.operations[{i}]", operation, OPERATIONS)
    for i, version in enumerate(rule.api_versions):
        if not version:
            faults.required(f"{path}.apiVersions[{i}]")
    _check_resources(faults, rule.resources, f"{path}.resources")
    if rule.scope is not None and rule.scope not in SCOPES:
        faults.not_supported(f"{path}.scope", rule.scope, SCOPES)


def _check_resources(faults: Faults, resources: Sequence[str], path: str) -> None:
    if not resources:
        faults.required(path)
    whole, parts = set[str](), set[str]()
    for i, name in enumerate(resources):
        if not name:
            faults.required(f"{path}[{i}]")
        if name == "*/*" and len(resources) > 1:
            faults.invalid(path, resources, "if '*/*' is present, must not specify other resources")
        kind, slash, part = name.partition("/")
        if slash and kind in whole and part == "*":
            faults.invalid(f"{path}[{i}]", name, f"if '{kind}/*' is present, must not specify {name}")
        if kind == "*" and slash:
            parts.add(part)
        elif slash and part in parts:
            faults.invalid(f"{path}[{i}]", name, f"if '*/{part}' is present, must not specify {name}")
        if part == "*":
            whole.add(kind)
    if len(resources) > 1 and "*" in resources and any("/" not in name and name != "*" for name in resources):
        faults.invalid(path, resources, "if '*' is present, must not specify other resources without subresources")


def check_conditions(faults: Faults, conditions: Sequence[MatchCondition], path: str, *, compiled: bool = True) -> None:
    """Conditions by which requests are passed over. `compiled`: not those of policies, which may name more (`compiling`)."""
    if len(conditions) > MOST_CONDITIONS:
        faults.too_many(path, len(conditions), MOST_CONDITIONS)
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        at = f"{path}[{i}]"
        if not condition.name:
            faults.required(f"{at}.name")
        else:
            faults.invalid_each(f"{at}.name", condition.name, names.qualified(condition.name))
        if condition.name in seen:
            faults.duplicate(f"{at}.name", condition.name)
        seen.add(condition.name)
        if not condition.expression.strip():
            faults.required(f"{at}.expression")
            continue
        try:
            if compiled:
                program(condition.expression)
        except Wrong as wrong:
            faults.invalid(f"{at}.expression", condition.expression, str(wrong))


def check_client(faults: Faults, client: Any, path: str) -> None:
    """Where a webhook is: at a URL, or behind a Service."""
    if (client.url is None) == (client.service is None):
        faults.required(path, "exactly one of url or service is required")
    elif client.url is not None:
        _check_url(faults, client.url, f"{path}.url")
    elif client.service is not None:
        _check_service(faults, client.service, f"{path}.service")


def _check_url(faults: Faults, text: str, path: str) -> None:
    try:
        url = urlsplit(text)
        host = url.hostname
    except ValueError as error:
        faults.required(path, f"url must be a valid URL: {error}; {URL_FORM}")
        return
    if url.scheme != "https":
        faults.invalid(path, url.scheme, f"'https' is the only allowed URL scheme; {URL_FORM}")
    if not host:
        faults.invalid(path, url.netloc, f"host must be specified; {URL_FORM}")
    if url.username is not None:
        faults.invalid(path, url.username, "user information is not permitted in the URL")
    if url.fragment:
        faults.invalid(path, url.fragment, "fragments are not permitted in the URL")
    if url.query:
        faults.invalid(path, url.query, "query parameters are not permitted in the URL")


def _check_service(faults: Faults, service: Any, path: str) -> None:
    if not service.name:
        faults.required(f"{path}.name", "service name is required")
    if not service.namespace:
        faults.required(f"{path}.namespace", "service namespace is required")
    if service.port is not None and names.port(service.port):
        faults.invalid(f"{path}.port", service.port, f"port is not valid: {names.PORT_RANGE}")
    where = service.path
    if where is None or where == "/":
        return
    if not where.startswith("/"):
        faults.invalid(f"{path}.path", where, "must start with a '/'")
    for i, step in enumerate(where.removeprefix("/").removesuffix("/").split("/")):
        if not step:
            faults.invalid(f"{path}.path", where, f"segment[{i}] may not be empty")
        for message in names.subdomain(step) if step else ():
            faults.invalid(f"{path}.path", where, f"segment[{i}]: {message}")
