"""Tokens: JWTs that say who may read and publish what; the only importer of PyJWT."""

from __future__ import annotations

import logging
import secrets
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.warnings import InsecureKeyLengthWarning

from feedsvc.config import Auth
from feedsvc.core.access import Rights
from feedsvc.core.channel import STAR, Channel
from feedsvc.errors import BadChannel, ConfigError, Expired, Unauthorized

log = logging.getLogger("feedsvc.tokens")

# We tell it ourselves, once, and with the name of the setting.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)

# Station and service may disagree this much about the time.
LEEWAY = timedelta(seconds=5)
MAX_TOKEN = 8_192
MAX_CHANNELS = 100
# RFC 7518: a key of HS256 has at least as many bytes as the hash.
GOOD_SECRET = 32


class Tokens:
    """Checks tokens, and makes them where the secret is at hand.

    Each algorithm has a key of its own, chosen here: a token can't have a public
    key taken for a secret.
    """

    def __init__(
        self, secret: str, public_key: str | None = None, audience: str | None = None
    ) -> None:
        self._secret = secret
        self._keys: dict[str, Any] = {"HS256": secret}
        self._audience = audience
        if public_key is not None:
            key = load_pem_public_key(public_key.encode())
            is_rsa = "RSA" in type(key).__name__
            self._keys["RS256" if is_rsa else "EdDSA"] = key

    def verify(self, token: str) -> Rights:
        """Return the rights that the token gives.

        Raise ``Expired`` if it was good once, ``Unauthorized`` if it is not good.
        """
        if len(token) > MAX_TOKEN:
            raise Unauthorized(f"token: must have at most {MAX_TOKEN} characters")
        try:
            algorithm = str(jwt.get_unverified_header(token).get("alg"))
            key = self._keys.get(algorithm)
            if key is None:
                raise Unauthorized("token: its algorithm is not accepted")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                leeway=LEEWAY,
                options={"verify_aud": self._audience is not None},
            )
        except jwt.ExpiredSignatureError as error:
            raise Expired("token: its time is over") from error
        except jwt.InvalidTokenError as error:
            raise Unauthorized(f"token: is not valid ({error})") from error
        except (ValueError, OverflowError) as error:
            # Lone surrogates, and times that no clock will ever show.
            raise Unauthorized("token: is not valid") from error
        return _rights(claims)

    def issue(
        self,
        subject: str,
        *,
        read: Sequence[str] = (),
        publish: Sequence[str] = (),
        admin: bool = False,
        lifetime: timedelta,
        now: datetime,
    ) -> str:
        """Return a token signed with the secret."""
        claims: dict[str, Any] = {"sub": subject, "iat": now, "exp": now + lifetime}
        claims |= {"read": list(read), "publish": list(publish)}
        if self._audience:
            claims["aud"] = self._audience
        if admin:
            claims["admin"] = True
        _rights({**claims, "exp": (now + lifetime).timestamp()})
        return jwt.encode(claims, self._secret, algorithm="HS256")


def from_settings(auth: Auth, data_dir: Path) -> Tokens:
    """Return the tokens that the settings ask for; a missing secret is made."""
    secret = auth.secret or _kept_secret(data_dir / "secret")
    if len(secret.encode()) < GOOD_SECRET:
        log.warning(
            "auth.secret is short and may be guessed; %d bytes are good", GOOD_SECRET
        )
    public_key = None
    if auth.public_key is not None:
        try:
            public_key = Path(auth.public_key).read_text("utf-8")
            return Tokens(secret, public_key, auth.audience)
        except (OSError, ValueError) as error:
            fault = f"auth.public_key: {auth.public_key} is not a PEM file: {error}"
            raise ConfigError([fault]) from error
    return Tokens(secret, None, auth.audience)


def _kept_secret(path: Path) -> str:
    """Return the secret kept in the data directory; the first caller makes it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    except OSError as error:
        fault = f"server.data_dir: {path.parent} cannot be written: {error.strerror}"
        raise ConfigError([fault]) from error
    return path.read_text("utf-8").strip()


def _rights(claims: Mapping[str, Any]) -> Rights:
    expires = claims.get("exp")
    return Rights(
        subject=str(claims.get("sub", "")),
        read=_channels(claims, "read"),
        publish=_channels(claims, "publish"),
        admin=claims.get("admin") is True,
        expires_at=None if expires is None else _instant(expires),
    )


def _instant(expires: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(expires), UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unauthorized("token: exp must be seconds since 1970") from error


def _channels(claims: Mapping[str, Any], name: str) -> tuple[Channel, ...]:
    values = claims.get(name) or []
    if not isinstance(values, list) or len(values) > MAX_CHANNELS:
        raise Unauthorized(f"token: {name} must be a list of up to {MAX_CHANNELS}")
    try:
        return tuple(
            Channel(STAR) if value == STAR else Channel.parse(value, name)
            for value in values
        )
    except BadChannel as error:
        raise Unauthorized(f"token: {error.text}") from error
