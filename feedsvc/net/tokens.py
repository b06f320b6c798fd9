"""Tokens: JWTs that say who may read and publish what.

With ``keys.py`` the only importer of PyJWT.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.warnings import InsecureKeyLengthWarning

from feedsvc.config import Auth
from feedsvc.core.access import Rights
from feedsvc.core.channel import STAR, Channel
from feedsvc.core.revocation import Revocations
from feedsvc.errors import BadChannel, ConfigError, Expired, Unauthorized
from feedsvc.net.keys import KeyFile, Keys, parse_pem

log = logging.getLogger("feedsvc.tokens")

# We tell it ourselves, once, and with the name of the setting.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)

# Station and service may disagree this much about the time.
LEEWAY = timedelta(seconds=5)
MAX_TOKEN = 8_192
MAX_CHANNELS = 100
# Tokens that need no second look at their signature: a site has a handful.
MAX_KNOWN = 1_000
# RFC 7518: a key of HS256 has at least as many bytes as the hash.
GOOD_SECRET = 32


class Tokens:
    """Checks tokens, and makes them where the secret is at hand.

    ``revoked`` is for its keeper to replace: no token that it covers is good.
    """

    def __init__(self, keys: Keys | str, audience: str | None = None) -> None:
        """Take all keys, or the secret alone."""
        self._keys = Keys(keys) if isinstance(keys, str) else keys
        self._audience = audience
        # By digest, so that what a memory dump shows is of no use.
        self._known: OrderedDict[bytes, Rights] = OrderedDict()
        self.revoked = Revocations()

    def verify(self, token: str) -> Rights:
        """Return the rights that the token gives.

        Raise ``Expired`` if it was good once, ``Unauthorized`` if it is not good.
        """
        if len(token) > MAX_TOKEN:
            raise Unauthorized(f"token: must have at most {MAX_TOKEN} characters")
        if self._keys.refresh():
            self._known.clear()
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        rights = self._known.get(digest)
        if rights is None or _is_over(rights, datetime.now(UTC) - LEEWAY):
            rights = self._check(token)
            self._known[digest] = rights
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(digest)
        if self.revoked.cover(rights):
            raise Unauthorized("token: has been revoked")
        return rights

    def has_ended(self, rights: Rights, now: datetime) -> bool:
        """True if the token of these rights is over, or revoked since."""
        return _is_over(rights, now) or self.revoked.cover(rights)

    def _check(self, token: str) -> Rights:
        """Check the signature and all claims, which costs more than what follows."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key = self._keys.choose(header)
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
        claims["jti"] = secrets.token_urlsafe(12)
        claims |= {"read": list(read), "publish": list(publish)}
        if self._audience:
            claims["aud"] = self._audience
        if admin:
            claims["admin"] = True
        _rights({**claims, "exp": None, "iat": None})
        return jwt.encode(claims, self._keys.secret, algorithm="HS256")


def identify(token: str) -> tuple[str | None, str | None]:
    """Return what a token says of itself, unchecked: its id, and when it is over.

    Raise ``Unauthorized`` if it is no token.
    """
    try:
        rights = _rights(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.InvalidTokenError, ValueError) as error:
        raise Unauthorized(f"token: is not valid ({error})") from error
    expires = rights.expires_at
    return rights.token_id, None if expires is None else expires.isoformat()


def from_settings(auth: Auth, data_dir: Path) -> Tokens:
    """Return the tokens that the settings ask for; a missing secret is made."""
    secret = auth.secret or _kept_secret(data_dir / "secret")
    if len(secret.encode()) < GOOD_SECRET:
        log.warning(
            "auth.secret is short and may be guessed good_bytes=%d", GOOD_SECRET
        )
    return Tokens(keys_of(auth, secret), auth.audience)


def keys_of(auth: Auth, secret: str) -> Keys:
    """Return the secret with the public keys of the settings' files.

    Raise ``ConfigError`` if there is no key in one of them.
    """
    public_key, file, faults = None, None, []
    if auth.public_key is not None:
        try:
            public_key = parse_pem(Path(auth.public_key).read_text("utf-8"))
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            faults.append(
                f"auth.public_key: {auth.public_key} is not a PEM file: {error}"
            )
    if auth.jwks is not None:
        try:
            file = KeyFile(Path(auth.jwks))
        except (OSError, ValueError) as error:
            faults.append(f"auth.jwks: {auth.jwks} is not a JWKS file: {error}")
    if faults:
        raise ConfigError(faults)
    return Keys(secret, public_key, file)


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
    try:
        kept = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        fault = f"auth.secret: {path} cannot be read: {error}"
        raise ConfigError([fault]) from error
    if not kept:
        # Of a disk that was full at the first start, say.
        raise ConfigError([f"auth.secret: {path} is empty; remove it for a new one"])
    return kept


def _rights(claims: Mapping[str, Any]) -> Rights:
    token_id = claims.get("jti")
    return Rights(
        subject=str(claims.get("sub", "")),
        read=_channels(claims, "read"),
        publish=_channels(claims, "publish"),
        admin=claims.get("admin") is True,
        expires_at=_instant(claims, "exp"),
        issued_at=_instant(claims, "iat"),
        token_id=None if token_id is None else str(token_id),
    )


def _is_over(rights: Rights, now: datetime) -> bool:
    return rights.expires_at is not None and rights.expires_at <= now


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    seconds = claims.get(name)
    try:
        return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unauthorized(f"token: {name} must be seconds since 1970") from error


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
