"""Who is let in, and who may what."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from shipslog.engine.api.connection.server import ApiServer
from shipslog.engine.auth import certificates
from shipslog.engine.auth.account_tokens import AccountTokens, Claims, InvalidToken, _b64, _unb64
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


async def test_without_credentials_there_is_little_to_see(api: Api) -> None:
    nobody = api.client()
    for path in ("/healthz", "/readyz", "/livez", "/livez/ping", "/version"):
        assert (await nobody.call("GET", path))[0] == 200, path
    for path in ("/api", "/apis", CONFIG_MAPS, "/openapi/v2"):
        code, status = await nobody.call("GET", path)
        assert (code, status["reason"]) == (401, "Unauthorized"), path


async def test_the_administrators_token(api: Api) -> None:
    token = (api.data / "token").read_text().strip()
    assert (api.data / "token").stat().st_mode & 0o777 == 0o600
    assert (await api.client(token=token).call("GET", CONFIG_MAPS))[0] == 200
    assert (await api.client(token="wrong").call("GET", CONFIG_MAPS))[0] == 401


async def test_a_bootstrap_token(api: Api, admin: Client) -> None:
    """It is let in for as long as its Secret says so, as a machine that is not known yet."""
    secrets, words = "/api/v1/namespaces/kube-system/secrets", "abcdef.0123456789abcdef"
    data = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "auth-extra-groups": "system:bootstrappers:workers"}
    body = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    machine = api.client(token=words)
    assert (await machine.call("POST", path, review))[0] == 401, "there is no such token"
    assert (await admin.call("POST", secrets, body))[0] == 201
    assert (await machine.call("POST", path, review))[0] == 401, "it is not for this"
    usage = {"stringData": {"usage-bootstrap-authentication": "true"}}
    name = f"{secrets}/bootstrap-token-abcdef"
    merge = {"Content-Type": "application/merge-patch+json"}
    assert (await admin.call("PATCH", name, usage, headers=merge))[0] == 200
    code, answer = await machine.call("POST", path, review)
    info = answer["status"]["userInfo"]
    assert code == 201 and info["username"] == "system:bootstrap:abcdef"
    assert set(info["groups"]) == {"system:bootstrappers", "system:bootstrappers:workers", "system:authenticated"}
    assert (await api.client(token="abcdef.0123456789abcdeX").call("POST", path, review))[0] == 401
    assert (await api.client(token="abcdef.1123456789abcdef").call("POST", path, review))[0] == 401
    past = {"stringData": {"expiration": "2020-01-01T00:00:00Z"}}
    await admin.call("PATCH", name, past, headers=merge)
    assert (await machine.call("POST", path, review))[0] == 401


async def account_token(admin: Client, **spec: object) -> str:
    assert (await admin.call("POST", ACCOUNTS, {"metadata": {"name": "sa"}}))[0] == 201
    code, issued = await admin.call("POST", f"{ACCOUNTS}/sa/token", {"spec": spec})
    assert code == 201, issued
    token: str = issued["status"]["token"]
    return token


async def test_a_service_account_is_known_and_may_nothing(api: Api, admin: Client) -> None:
    token = await account_token(admin, expirationSeconds=3600)
    account = api.client(token=token)
    code, status = await account.call("GET", CONFIG_MAPS)
    assert (code, status["reason"], status["details"]) == (403, "Forbidden", {"kind": "configmaps"})
    user = "system:serviceaccount:default:sa"
    expected = (
        f'configmaps is forbidden: User "{user}" cannot list resource "configmaps" in API group "" in the namespace "default"'
    )
    assert status["message"] == expected
    for path, named, scope in (
        ("s", "", "at the cluster scope"),
        ("s/kube-system", ' "kube-system"', 'in the namespace "kube-system"'),
    ):
        code, status = await account.call("GET", f"/api/v1/namespace{path}")
        verb = "get" if named else "list"
        said = f'namespaces{named} is forbidden: User "{user}" cannot {verb} resource "namespaces" in API group "" {scope}'
        assert (code, status["message"]) == (403, said)
    review = {"spec": {"resourceAttributes": {"namespace": "default", "verb": "get", "resource": "configmaps"}}}
    code, answer = await account.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    assert (code, answer["status"]["allowed"]) == (201, False)
    code, answer = await account.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert (code, answer["status"]["userInfo"]["username"]) == (201, user)


async def test_a_token_dies_with_its_account(api: Api, admin: Client) -> None:
    account = api.client(token=await account_token(admin))
    assert (await account.call("GET", CONFIG_MAPS))[0] == 403
    await admin.call("DELETE", f"{ACCOUNTS}/sa")
    assert (await account.call("GET", CONFIG_MAPS))[0] == 401


async def test_token_reviews(admin: Client) -> None:
    token = await account_token(admin)
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    code, review = await admin.call("POST", path, {"spec": {"token": token}})
    assert (code, review["status"]["authenticated"]) == (201, True)
    groups = ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]
    assert review["status"]["user"]["groups"] == groups
    code, review = await admin.call("POST", path, {"spec": {"token": "nonsense"}})
    assert (code, review["status"].get("authenticated", False)) == (201, False)


async def test_token_requests_that_are_refused(admin: Client) -> None:
    await account_token(admin)
    code, status = await admin.call("POST", f"{ACCOUNTS}/sa/token", {"spec": {"expirationSeconds": 10}})
    assert (code, status["details"]["causes"][0]["field"]) == (422, "spec.expirationSeconds")
    code, status = await admin.call("POST", f"{ACCOUNTS}/none/token", {"spec": {}})
    assert (code, status["details"]) == (404, {"name": "none", "kind": "serviceaccounts"})


async def test_impersonation(admin: Client) -> None:
    code, status = await admin.call("GET", CONFIG_MAPS, headers={"Impersonate-User": "alice"})
    assert (code, status["reason"]) == (403, "Forbidden")
    assert 'User "alice"' in status["message"]


async def test_access_reviews_of_others(admin: Client) -> None:
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    wanted = {"verb": "get", "resource": "configmaps"}
    for spec, allowed in (
        ({"user": "alice", "resourceAttributes": wanted}, False),
        ({"user": "alice", "groups": ["system:masters"], "resourceAttributes": wanted}, True),
        ({"user": "system:node:n", "groups": ["system:nodes"], "resourceAttributes": wanted}, False),
    ):
        code, review = await admin.call("POST", path, {"spec": spec})
        assert (code, review["status"]["allowed"]) == (201, allowed), spec
    code, status = await admin.call("POST", path, {"spec": {"user": "alice"}})
    assert (code, status["reason"]) == (422, "Invalid")


@pytest.mark.parametrize(
    ("review", "wrong"),
    [
        ({"spec": {}}, {"spec.resourceAttributes", "spec.user"}),
        (
            {"spec": {"user": "a", "resourceAttributes": {}, "nonResourceAttributes": {}}, "metadata": {"name": "x"}},
            {"spec.nonResourceAttributes", "metadata"},
        ),
    ],
)
async def test_what_a_review_may_not_ask(admin: Client, review: dict[str, Any], wrong: set[str]) -> None:
    code, status = await admin.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert code == 422 and {c["field"] for c in status["details"]["causes"]} == wrong
    local = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews"
    asked = {"spec": {"user": "a", "resourceAttributes": {"namespace": "other"}, "nonResourceAttributes": {"path": "/"}}}
    code, status = await admin.call("POST", local, asked)
    assert code == 422 and [c["field"] for c in status["details"]["causes"]] == [
        "spec.nonResourceAttributes",
        "spec.resourceAttributes.namespace",
        "spec.nonResourceAttributes",
    ]


def test_tokens_are_signed_and_run_out(tmp_path: Path) -> None:
    tokens = AccountTokens(certificates.ensure(tmp_path / "one").account_key)
    claims = Claims(namespace="ns", account="sa", account_uid="u", audiences=(tokens.issuer,), expires_at=1000)
    token = tokens.issue(claims, issued_at=0)
    assert tokens.check(token, now=999) == claims
    with pytest.raises(InvalidToken, match="expired"):
        tokens.check(token, now=time.time())
    others = AccountTokens(certificates.ensure(tmp_path / "two").account_key)
    with pytest.raises(InvalidToken, match="signature"):
        others.check(token, now=0)
    with pytest.raises(InvalidToken):
        tokens.check("a.b", now=0)


def test_certificates_are_kept_and_private(tmp_path: Path) -> None:
    pki = certificates.ensure(tmp_path / "pki", ("10.1.2.3",))
    before = {p.name: p.read_bytes() for p in pki.directory.iterdir()}
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in pki.directory.iterdir())
    certificates.ensure(tmp_path / "pki", ("10.1.2.3",))
    assert {p.name: p.read_bytes() for p in pki.directory.iterdir()} == before
    certificates.ensure(tmp_path / "pki", ("10.9.9.9",))
    after = {p.name: p.read_bytes() for p in pki.directory.iterdir()}
    assert {n for n in after if after[n] != before[n]} == {"server.crt", "server.key"}


async def test_a_port_in_use_is_said(api: Api, tmp_path: Path) -> None:
    other = ApiServer(api.cluster, pki=api.pki, data=tmp_path, port=api.server.port)
    with pytest.raises(OSError, match=f"127.0.0.1:{api.server.port} is in use"):
        await other.start()


async def test_a_head_that_cannot_be_read_leaves_nothing_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    code, _ = await api.client().call("GET", "/version", headers={f"X-{i}": "a" for i in range(10_000)})
    assert code == 400
    assert not caplog.records


@pytest.mark.parametrize("exp", [10**400, 1 << 63, -1, True, "9999999999", float("1e300")])
def test_a_time_that_nobody_means_is_no_expiry(tmp_path: Path, exp: object) -> None:
    tokens = AccountTokens(certificates.ensure(tmp_path).account_key)
    claims = Claims(namespace="n", account="a", account_uid="u", audiences=("x",), expires_at=1)
    head, payload, _ = tokens.issue(claims, issued_at=0).split(".")
    told = {**json.loads(_unb64(payload)), "exp": exp}
    signed = f"{head}.{_b64(json.dumps(told).encode())}"
    with pytest.raises(InvalidToken, match="claims"):
        tokens.check(f"{signed}.{_b64(tokens._sign(signed.encode()))}", now=0.0)


async def test_a_token_that_does_not_hold_yet(api: Api) -> None:
    tokens = AccountTokens(api.pki.account_key)
    claims = Claims(namespace="n", account="a", account_uid="u", audiences=("x",), expires_at=9999)
    token = tokens.issue(claims, issued_at=5000)
    with pytest.raises(InvalidToken, match="not hold yet"):
        tokens.check(token, now=4000.0)
    assert tokens.check(token, now=4950.0).account == "a"


async def test_an_answer_that_is_no_object_has_no_table(admin: Client) -> None:
    """As conformance asks it: 406 for what does not implement tables."""
    path, table = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "application/json;as=Table;v=v1;g=meta.k8s.io"
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    code, status = await admin.call("POST", path, body, headers={"Accept": table})
    assert (code, status["reason"]) == (406, "NotAcceptable")
    code, review = await admin.call("POST", path, body, headers={"Accept": f"{table},application/json"})
    assert (code, review["kind"], review["status"]["allowed"]) == (201, "SelfSubjectAccessReview", True)
