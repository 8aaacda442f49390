"""Service account tokens: signed JSON web tokens (RFC 7519, ES256) that name an account and what they are bound to.

Tests: tests/engine/auth/test_authentication.py
"""

import base64
import hashlib
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from shipslog.store.objects.wire import json_text

ISSUER = "https://kubernetes.default.svc.cluster.local"
LONGEST = 16 * 1024  # characters of a token; ours have a thousand
LEEWAY_S = 60.0  # by which clocks may differ, as in Kubernetes
REMEMBERED = 1024  # tokens whose signature need not be verified again


class InvalidToken(Exception):
    """The token is not ours, is damaged, or has run out; the message says which."""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid token says."""

    namespace: str
    account: str
    account_uid: str
    audiences: tuple[str, ...]
    expires_at: int
    id: str = ""
    bound_kind: str = ""  # pod, secret, node
    bound_name: str = ""
    bound_uid: str = ""
    not_before: int = 0


class AccountTokens:
    """Signs and checks with one key."""

    def __init__(self, key_file: Path, *, issuer: str = ISSUER) -> None:
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey), f"{key_file}: neither a P-256 nor an RSA key"
        self._key, self._public, self.issuer = key, key.public_key(), issuer
        self.algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        der = self._public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.key_id = _b64(hashlib.sha256(der).digest())
        self._seen: OrderedDict[str, Claims] = OrderedDict()

    def issue(self, claims: Claims, *, issued_at: int) -> str:
        """The token that says `claims`."""
        bound: dict[str, Any] = {
            "namespace": claims.namespace,
            "serviceaccount": {"name": claims.account, "uid": claims.account_uid},
        }
        if claims.bound_kind:
            bound[claims.bound_kind] = {"name": claims.bound_name, "uid": claims.bound_uid}
        payload = {
            "aud": list(claims.audiences),
            "exp": claims.expires_at,
            "iat": issued_at,
            "iss": self.issuer,
            "jti": claims.id,
            "kubernetes.io": bound,
            "nbf": issued_at,
            "sub": f"system:serviceaccount:{claims.namespace}:{claims.account}",
        }
        head = {"alg": self.algorithm, "kid": self.key_id}
        signed = f"{_b64(msgspec.json.encode(head))}.{_b64(msgspec.json.encode(payload))}"
        return f"{signed}.{_b64(self._sign(signed.encode()))}"

    def check(self, token: str, *, now: float | None = None) -> Claims:
        """What the token says. Errors: InvalidToken."""
        if len(token) > LONGEST:
            raise InvalidToken(f"a token has at most {LONGEST} characters")
        claims = self._seen.get(token)
        if claims is None:
            claims = self._verify(token)
            self._seen[token] = claims
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        now = time.time() if now is None else now
        if claims.expires_at <= now:
            raise InvalidToken("the token has expired")
        if claims.not_before > now + LEEWAY_S:
            raise InvalidToken("the token does not hold yet")
        return claims

    def _verify(self, token: str) -> Claims:
        try:
            head64, payload64, signature64 = token.split(".")
            head, payload, signature = (
                json_text.parse(_unb64(head64)),
                json_text.parse(_unb64(payload64)),
                _unb64(signature64),
            )
            assert head["alg"] == self.algorithm and payload["iss"] == self.issuer
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise InvalidToken("not a token of this cluster") from error
        self._check_signature(f"{head64}.{payload64}".encode(), signature)
        try:
            bound = payload["kubernetes.io"]
            kind = next((k for k in ("pod", "secret", "node") if k in bound), "")
            to = bound[kind] if kind else {"name": "", "uid": ""}
            return Claims(
                namespace=bound["namespace"],
                account=bound["serviceaccount"]["name"],
                account_uid=bound["serviceaccount"]["uid"],
                audiences=tuple(payload["aud"]),
                expires_at=_moment(payload["exp"]),
                id=payload.get("jti", ""),
                bound_kind=kind,
                bound_name=to["name"],
                bound_uid=to.get("uid", ""),
                not_before=_moment(payload.get("nbf", 0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidToken("the token's claims are not those of a service account") from error

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _check_signature(self, data: bytes, signature: bytes) -> None:
        try:
            if isinstance(self._public, rsa.RSAPublicKey):
                self._public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
                return
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            self._public.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError) as error:
            raise InvalidToken("the token's signature is not that of this cluster") from error

    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON web key set."""
        common = {"use": "sig", "kid": self.key_id, "alg": self.algorithm}
        if isinstance(self._public, rsa.RSAPublicKey):
            n = self._public.public_numbers()
            return {"keys": [{**common, "kty": "RSA", "n": _b64(_bytes(n.n)), "e": _b64(_bytes(n.e))}]}
        p = self._public.public_numbers()
        return {
            "keys": [
                {**common, "kty": "EC", "crv": "P-256", "x": _b64(p.x.to_bytes(32, "big")), "y": _b64(p.y.to_bytes(32, "big"))}
            ]
        }


def _moment(value: object) -> int:
    """Seconds of a claim. Errors: ValueError for what is no time that anybody could mean."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 63:
        raise ValueError(f"{str(value)[:64]} is no time")
    return int(value)


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
