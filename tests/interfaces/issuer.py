"""A provider of identities on loopback: its keys, and tokens that it has signed."""

import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from tests.wire.server import Answer

AUDIENCE = "jackline"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return one of the provider's keys, or of somebody else."""
    del number  # It only tells them apart.
    return rsa.generate_private_key(65_537, bits)


@cache
def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def edwards_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def public(key: Private, kid: str, **more: Any) -> dict[str, Any]:
    """Return the public half of a key, as the provider publishes it."""
    match key:
        case rsa.RSAPrivateKey():
            told = RSAAlgorithm.to_jwk(key.public_key())
        case ec.EllipticCurvePrivateKey():
            told = ECAlgorithm.to_jwk(key.public_key())
        case Ed25519PrivateKey():
            told = OKPAlgorithm.to_jwk(key.public_key())
    return {**json.loads(told), "kid": kid, **more}


def pem(key: Private) -> bytes:
    """Return the public half as text, which an attacker has, too."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def answer(told: Any, **more: Any) -> Answer:
    """Return the answer of the provider's server."""
    return Answer([json.dumps(told).encode()], **more)


def keys(*told: Mapping[str, Any]) -> Answer:
    """Return an answer that has these keys."""
    return answer({"keys": told})


def now() -> int:
    """Return the time as tokens have it."""
    return int(time.time())  # noqa: TID251 - a token's times are the machine's


def claims(issuer: str, **more: Any) -> dict[str, Any]:
    """Return what a token says: of ann, for ten minutes. None: it does not say that."""
    said = {
        "iss": issuer,
        "aud": AUDIENCE,
        "exp": now() + 600,
        "sub": "ann",
        "tenant": "acme",
        "roles": ["user"],
        **more,
    }
    return {name: each for name, each in said.items() if each is not None}


def token(
    said: Mapping[str, Any], key: Any = None, kid: str | None = "k1", algorithm: str = "RS256"
) -> str:
    """Return a token, signed as it says."""
    headers = None if kid is None else {"kid": kid}
    return jwt.encode(dict(said), key or rsa_key(), algorithm, headers)
