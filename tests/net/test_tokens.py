"""Tokens: what is taken, and every way to forge one."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from feedsvc.config import Auth
from feedsvc.core.channel import Channel
from feedsvc.core.revocation import Revocation, Revocations
from feedsvc.errors import ConfigError, Expired, Unauthorized
from feedsvc.net.keys import Keys, parse_pem
from feedsvc.net.tokens import MAX_KNOWN, Tokens, from_settings

SECRET = "a secret that is long enough for HS256"
NOW = datetime.now(UTC)
LATER = int((NOW + timedelta(days=1)).timestamp())
CLAIMS = {"sub": "ada", "exp": LATER, "read": ["radio.staff"], "publish": ["radio"]}


def sign(claims: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode({**(claims or CLAIMS), **changes}, SECRET, algorithm="HS256")


def assemble(header: dict[str, Any], claims: dict[str, Any], signature: str) -> str:
    parts = [json.dumps(part).encode() for part in (header, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, signature])


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@pytest.fixture
def rsa_pem(rsa_key: rsa.RSAPrivateKey) -> str:
    public = rsa_key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_good_token_gives_the_rights_of_its_claims() -> None:
    """Each channel means its subtree."""
    rights = Tokens(SECRET).verify(sign())

    assert rights.subject == "ada"
    assert rights.read == (Channel("radio.staff"),)
    assert rights.publish == (Channel("radio"),)
    assert rights.admin is False
    assert rights.expires_at == datetime.fromtimestamp(LATER, UTC)


@pytest.mark.parametrize(
    ("claims", "admin", "expires"),
    [({}, False, False), ({"admin": True, "sub": "x"}, True, False)],
)
def test_every_claim_may_be_absent(
    claims: dict[str, Any], admin: bool, expires: bool
) -> None:
    """Absent means no right, and no end."""
    rights = Tokens(SECRET).verify(jwt.encode(claims, SECRET, algorithm="HS256"))

    assert (rights.read, rights.publish, rights.admin) == ((), (), admin)
    assert (rights.expires_at is not None) is expires


@pytest.mark.parametrize("value", ["true", 1, "yes", None, [True]])
def test_only_true_makes_an_admin(value: object) -> None:
    """Nothing that merely looks true."""
    assert Tokens(SECRET).verify(sign(admin=value)).admin is False


def test_a_token_is_taken_for_some_seconds_longer() -> None:
    """Clocks differ; after that it is expired, and told as such."""
    now = int(datetime.now(UTC).timestamp())

    rights = Tokens(SECRET).verify(sign(exp=now - 2))

    assert rights.subject == "ada"
    with pytest.raises(Expired, match="token: its time is over"):
        Tokens(SECRET).verify(sign(exp=now - 60))


def test_a_token_signed_with_another_secret_is_refused() -> None:
    """However good its claims."""
    token = jwt.encode(CLAIMS, SECRET + "x", algorithm="HS256")

    with pytest.raises(Unauthorized, match="Signature verification failed"):
        Tokens(SECRET).verify(token)


@pytest.mark.parametrize(
    "name", ["none", "None", "NONE", "nOnE", "HS384", "", "HS256 "]
)
def test_only_the_algorithms_that_were_configured_are_taken(name: str) -> None:
    """No signature at all least of all."""
    for signature in ("", sign().rpartition(".")[2]):
        token = assemble({"alg": name, "typ": "JWT"}, CLAIMS, signature)

        with pytest.raises(Unauthorized, match="algorithm is not accepted"):
            Tokens(SECRET).verify(token)


def test_a_public_key_is_never_taken_for_a_secret(rsa_pem: str) -> None:
    """Who knows the public key could otherwise sign with it."""
    signed = jwt.api_jws.PyJWS()
    signed._algorithms["HS256"].prepare_key = lambda key: key.encode()  # type: ignore[method-assign]  # the forger's own library
    token = signed.encode(json.dumps(CLAIMS).encode(), rsa_pem, algorithm="HS256")

    with pytest.raises(Unauthorized, match="Signature verification failed"):
        Tokens(Keys(SECRET, parse_pem(rsa_pem))).verify(token)


def test_a_token_of_the_public_key_is_taken_beside_those_of_the_secret(
    rsa_key: rsa.RSAPrivateKey, rsa_pem: str
) -> None:
    """RS256 by the station's own issuer, HS256 by ours."""
    private = rsa_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()
    tokens = Tokens(Keys(SECRET, parse_pem(rsa_pem)))

    assert (
        tokens.verify(jwt.encode(CLAIMS, private, algorithm="RS256")).subject == "ada"
    )
    assert tokens.verify(sign()).subject == "ada"
    with pytest.raises(Unauthorized):
        tokens.verify(jwt.encode(CLAIMS, private, algorithm="RS512"))


def test_an_ed25519_key_checks_eddsa_tokens() -> None:
    """The short kind of key."""
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )

    tokens = Tokens(Keys(SECRET, parse_pem(public.decode())))

    assert tokens.verify(jwt.encode(CLAIMS, key, algorithm="EdDSA")).subject == "ada"


def test_a_token_must_name_the_audience_if_one_is_configured() -> None:
    """Else a token for another service of the station would do."""
    tokens = Tokens(SECRET, audience="feed")

    assert tokens.verify(sign(aud="feed")).subject == "ada"
    assert tokens.verify(sign(aud=["shop", "feed"])).subject == "ada"
    for token in (sign(), sign(aud="shop")):
        with pytest.raises(Unauthorized):
            tokens.verify(token)


def test_an_audience_is_ignored_if_none_is_configured() -> None:
    """The station's tokens may have one for its other services."""
    assert Tokens(SECRET).verify(sign(aud="shop")).subject == "ada"


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "..",
        "\ud800",
        "é.é.é",
        "x" * 8_193,
        sign()[:-2],
        sign() + "x.y",
        assemble({"alg": ["HS256"]}, CLAIMS, "x"),
        assemble({"alg": None}, CLAIMS, "x"),
        assemble({}, CLAIMS, "x"),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    """Always with the same kind of error, whatever it is."""
    with pytest.raises(Unauthorized, match="token: "):
        Tokens(SECRET).verify(token)


@pytest.mark.parametrize(
    "claims",
    [
        {"read": "radio"},
        {"read": {"radio": True}},
        {"read": [5]},
        {"read": ["Radio News"]},
        {"read": ["radio.*"]},
        {"publish": ["radio"] * 101},
        {"exp": "soon"},
        {"exp": 1e300},
        {"exp": [LATER]},
        {"exp": 10**18},
        {"sub": 5},
        {"nbf": LATER},
    ],
)
def test_claims_that_make_no_sense_are_refused(claims: dict[str, Any]) -> None:
    """Also under a good signature: an issuer may err."""
    with pytest.raises(Unauthorized, match="token: "):
        Tokens(SECRET).verify(sign(**claims))


def test_issuing_makes_what_verifying_takes() -> None:
    """With the audience, if there is one."""
    tokens = Tokens(SECRET, audience="feed")

    token = tokens.issue(
        "ada",
        read=["*"],
        publish=["radio.news"],
        lifetime=timedelta(days=1),
        now=NOW,
    )

    rights = tokens.verify(token)
    assert rights.reads_everything
    assert rights.publish == (Channel("radio.news"),)


def test_a_token_for_what_is_no_channel_is_not_issued() -> None:
    """The mistake shows where it is made."""
    with pytest.raises(Unauthorized, match="publish"):
        Tokens(SECRET).issue("a", publish=["-"], lifetime=timedelta(1), now=NOW)


def test_a_missing_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    """Readable for nobody else; tokens outlive a restart."""
    token = from_settings(Auth(), tmp_path / "data").issue(
        "ada", lifetime=timedelta(days=1), now=NOW
    )

    again = from_settings(Auth(), tmp_path / "data").verify(token)

    assert again.subject == "ada"
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600


def test_a_short_secret_is_taken_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The station decides; the log says what it risks."""
    from_settings(Auth(secret="short"), tmp_path)

    assert "auth.secret is short" in caplog.text


def test_faults_of_the_keys_are_told_in_one_sentence(tmp_path: Path) -> None:
    """With the name of the setting."""
    (tmp_path / "no.pem").write_text("no key")
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    (tmp_path / "curve.pem").write_bytes(
        curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )

    for auth, text in [
        (Auth(SECRET, public_key=str(tmp_path / "absent.pem")), "auth.public_key: "),
        (Auth(SECRET, public_key=str(tmp_path / "no.pem")), "auth.public_key: "),
        (Auth(SECRET, public_key=str(tmp_path / "curve.pem")), "auth.public_key: "),
        (Auth(SECRET, jwks=str(tmp_path / "absent.json")), "auth.jwks: "),
        (Auth(SECRET, jwks=str(tmp_path / "no.pem")), "auth.jwks: "),
    ]:
        with pytest.raises(ConfigError) as refused:
            from_settings(auth, tmp_path)
        [fault] = refused.value.faults
        assert fault.startswith(text)
        assert "\n" not in fault


def test_a_known_token_is_refused_as_soon_as_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often it was taken before."""
    tokens = Tokens(SECRET)
    token = sign()
    tokens.verify(token)

    clock = Clock(datetime.fromtimestamp(LATER + 6, UTC))
    monkeypatch.setattr("feedsvc.net.tokens.datetime", clock)
    monkeypatch.setattr("jwt.api_jwt.datetime", clock)

    with pytest.raises(Expired):
        tokens.verify(token)


class Clock:
    """A ``datetime`` whose clock stands still."""

    fromtimestamp = datetime.fromtimestamp

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self, tz: Any = None) -> datetime:
        return self._at.astimezone(tz)


def test_tokens_that_are_known_do_not_fill_the_memory() -> None:
    """The oldest are checked again when they come back."""
    tokens = Tokens(SECRET)

    for number in range(MAX_KNOWN + 10):
        tokens.verify(sign(sub=str(number)))

    assert len(tokens._known) == MAX_KNOWN
    assert tokens.verify(sign(sub="0")).subject == "0"


def test_a_revoked_token_is_refused_also_if_it_is_known() -> None:
    """By its id; the subject's other tokens stay good."""
    tokens = Tokens(SECRET)
    revoked, other = (sign(jti=name, iat=NOW) for name in ("one", "two"))
    tokens.verify(revoked)

    tokens.revoked = Revocations([Revocation(token_id="one")])

    with pytest.raises(Unauthorized, match="token: has been revoked"):
        tokens.verify(revoked)
    assert tokens.verify(other).token_id == "two"


@pytest.mark.parametrize(
    ("subject", "issued_s", "is_refused"),
    [("ada", -60, True), ("ada", None, True), ("ada", 0, False), ("bob", -60, False)],
)
def test_a_subjects_tokens_are_revoked_up_to_an_instant(
    subject: str, issued_s: int | None, is_refused: bool
) -> None:
    """Those that do not tell when they were issued, too."""
    tokens = Tokens(SECRET)
    before = NOW.replace(microsecond=0)
    tokens.revoked = Revocations([Revocation(None, "ada", before)])
    claims = {"sub": subject}
    if issued_s is not None:
        claims["iat"] = before + timedelta(seconds=issued_s)  # type: ignore[assignment]
    token = jwt.encode(claims, SECRET, algorithm="HS256")

    if is_refused:
        with pytest.raises(Unauthorized, match="revoked"):
            tokens.verify(token)
    else:
        assert tokens.verify(token).subject == subject


def test_every_issued_token_can_be_told_from_the_others() -> None:
    """Each has an id of its own, to be revoked by."""
    tokens = Tokens(SECRET)

    issued = [tokens.issue("ada", lifetime=timedelta(1), now=NOW) for _ in range(2)]

    first, second = (tokens.verify(token) for token in issued)
    assert first.token_id != second.token_id
    assert first.issued_at == NOW.replace(microsecond=0)
