"""Keys out of a JWKS file: which one checks a token, and how they change."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from feedsvc.errors import Unauthorized
from feedsvc.net.keys import KeyFile, Keys, parse_jwks
from feedsvc.net.tokens import Tokens

SECRET = "a secret that is long enough for HS256"
CLAIMS = {"sub": "ada", "exp": datetime.now(UTC) + timedelta(hours=1)}

RSA_1, RSA_2 = (rsa.generate_private_key(65_537, 2_048) for _ in range(2))
SHORT = rsa.generate_private_key(65_537, 1_024)  # noqa: S505 to be refused
ED_1, ED_2 = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def jwk(private: Any, kid: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the public key as an entry of a key set."""
    form: Any = RSAAlgorithm
    if isinstance(private, ed25519.Ed25519PrivateKey):
        form = OKPAlgorithm
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        form = ECAlgorithm
    named = {} if kid is None else {"kid": kid}
    return {**form.to_jwk(private.public_key(), as_dict=True), **named, **more}


def jwks(*entries: dict[str, Any]) -> str:
    return json.dumps({"keys": entries})


def sign(private: Private, kid: str | None = None, **header: Any) -> str:
    algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "EdDSA"
    named = {} if kid is None else {"kid": kid}
    return jwt.encode(CLAIMS, private, algorithm=algorithm, headers={**named, **header})


class Issuer:
    """A key file and the tokens that it checks."""

    def __init__(self, path: Path, *entries: dict[str, Any]) -> None:
        self.path = path
        self.publish(*entries)
        self.tokens = Tokens(Keys(SECRET, file=KeyFile(path)))

    def publish(self, *entries: dict[str, Any]) -> None:
        self.write(jwks(*entries))

    def write(self, text: str) -> None:
        """Put another file in its place, as is the way to change one in use."""
        draft = self.path.with_suffix(".new")
        draft.write_text(text)
        draft.replace(self.path)

    def takes(self, token: str) -> bool:
        try:
            return self.tokens.verify(token).subject == "ada"
        except Unauthorized:
            return False

    def refusal(self, token: str) -> str:
        with pytest.raises(Unauthorized) as refused:
            self.tokens.verify(token)
        return refused.value.text


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """Two keys of each kind."""
    return Issuer(
        tmp_path / "jwks.json",
        jwk(RSA_1, "rsa-1", use="sig", alg="RS256"),
        jwk(RSA_2, "rsa-2"),
        jwk(ED_1, "ed-1", alg="EdDSA"),
        jwk(ED_2, "ed-2"),
    )


def test_the_kid_chooses_the_key(issuer: Issuer) -> None:
    """Each checks its own tokens, and no other's."""
    own = [(RSA_1, "rsa-1"), (RSA_2, "rsa-2"), (ED_1, "ed-1"), (ED_2, "ed-2")]

    assert all(issuer.takes(sign(key, kid)) for key, kid in own)
    for key, kid in [(RSA_1, "rsa-2"), (ED_2, "ed-1")]:
        assert "Signature verification failed" in issuer.refusal(sign(key, kid))
    assert issuer.takes(jwt.encode(CLAIMS, SECRET, algorithm="HS256"))


def test_an_unknown_kid_is_refused(issuer: Issuer) -> None:
    """Also if one of the keys had signed it, and whatever stands there."""
    assert issuer.refusal(sign(RSA_1, "rsa-9")) == "token: its key (kid) is not known"
    assert not issuer.takes(sign(RSA_1, ""))


def test_a_token_without_a_kid_is_taken_if_there_is_one_key_that_it_can_mean(
    tmp_path: Path, issuer: Issuer
) -> None:
    """With several, it has to say which."""
    one = Issuer(tmp_path / "one.json", jwk(RSA_1, "rsa-1"), jwk(ED_1))

    assert one.takes(sign(RSA_1))
    assert one.takes(sign(ED_1))
    assert one.takes(sign(ED_1, "whatever")), "its key has no name to differ from"
    assert "must name its key" in issuer.refusal(sign(RSA_1))


def test_a_key_is_good_for_one_algorithm(issuer: Issuer) -> None:
    """A kid can't have it used for another, least of all as a secret."""
    modulus = jwk(RSA_1)["n"]
    crossed = [
        jwt.encode(CLAIMS, RSA_1, algorithm="RS512", headers={"kid": "rsa-1"}),
        jwt.encode(CLAIMS, RSA_1, algorithm="PS256", headers={"kid": "rsa-1"}),
        jwt.encode(CLAIMS, modulus, algorithm="HS256", headers={"kid": "rsa-1"}),
        jwt.encode(CLAIMS, "", algorithm="none", headers={"kid": "rsa-1"}),
        sign(RSA_1, "ed-1"),
        sign(ED_1, "rsa-1"),
    ]

    assert not any(map(issuer.takes, crossed))


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_no_key_is_taken_from_the_token_itself(issuer: Issuer, name: str) -> None:
    """Neither its place nor the key; nothing is fetched."""
    forger = rsa.generate_private_key(65_537, 2_048)
    value = jwk(forger) if name == "jwk" else "https://evil.example/jwks.json"

    token = sign(forger, "rsa-1", **{name: value})

    assert "Signature verification failed" in issuer.refusal(token)


def test_an_extension_that_must_be_understood_is_refused(issuer: Issuer) -> None:
    """Since none is."""
    assert not issuer.takes(sign(RSA_1, "rsa-1", crit=["sudo"], sudo=True))


def test_keys_change_with_the_file(issuer: Issuer) -> None:
    """A new one is taken at once, and an old one no longer, though it was used."""
    old, new = sign(RSA_1, "rsa-1"), sign(RSA_2, "rsa-3")
    before = issuer.takes(old), issuer.takes(new)

    issuer.publish(jwk(RSA_2, "rsa-3"))

    assert before == (True, False)
    assert (issuer.takes(old), issuer.takes(new)) == (False, True)


def test_a_file_that_is_written_over_in_place_is_read_again(issuer: Issuer) -> None:
    """As a careless script does."""
    issuer.path.write_text(jwks(jwk(ED_1, "ed-9")))
    os.utime(issuer.path, (1, 1))

    assert issuer.takes(sign(ED_1, "ed-9"))


@pytest.mark.parametrize("text", [None, "", "{", '{"keys":[]}', '{"keys":[{"kty":1}]}'])
def test_a_file_that_is_broken_or_gone_leaves_the_keys_as_they_are(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    """Told once in the log; the next good file is taken."""
    if text is None:
        issuer.path.unlink()
    else:
        issuer.write(text)

    still = [issuer.takes(sign(RSA_1, "rsa-1")) for _ in range(3)]
    issuer.publish(jwk(ED_1, "ed-9"))

    assert still == [True] * 3
    assert caplog.text.count("auth.jwks not read again") == 1
    assert issuer.takes(sign(ED_1, "ed-9"))


def test_keys_for_something_else_are_passed_over() -> None:
    """Providers keep them in the same file."""
    curve = jwk(ec.generate_private_key(ec.SECP256R1()), "ec")
    x25519 = {"kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "x"}
    others = [jwk(RSA_1, "enc", use="enc"), jwk(RSA_1, "ps", alg="PS256")]

    found = parse_jwks(jwks(curve, x25519, *others, jwk(RSA_1, "rsa-1")))

    assert [(one.name, one.algorithm) for one in found] == [("rsa-1", "RS256")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[]", "must be an object with up to 100 keys"),
        ('{"keys":{}}', "must be an object with up to 100 keys"),
        (jwks(*[jwk(ED_1)] * 101), "must be an object with up to 100 keys"),
        (jwks(), "has no key for RS256 or EdDSA"),
        (jwks({"kty": "oct", "k": "c2VjcmV0", "kid": "s"}), "kid 's' is secret"),
        (jwks({**jwk(ED_1, "p"), "d": "AAAA"}), "kid 'p' is secret"),
        (jwks(jwk(ED_1, "a"), jwk(ED_2, "a")), "has several keys of one kid"),
        (jwks(jwk(SHORT, "a")), "an RSA key must have at least 2048 bits"),
        (jwks({**jwk(ED_1), "kid": 7}), "kid must be a text"),
    ],
)
def test_a_key_set_that_is_not_safe_to_use_is_refused_with_the_rule(
    text: str, rule: str
) -> None:
    """Before anything is checked with it."""
    with pytest.raises(ValueError, match=rule.replace("(", r"\(")):
        parse_jwks(text)
