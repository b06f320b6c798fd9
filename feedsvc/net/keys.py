"""The keys that check tokens: a token's header may choose among them, nothing more."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from feedsvc.errors import Unauthorized

log = logging.getLogger("feedsvc.tokens")

HS256, RS256, EDDSA = "HS256", "RS256", "EdDSA"
# Shorter ones have been broken, or will be.
LEAST_RSA_BITS = 2_048
# A provider has two or three; a file of megabytes is another file.
MAX_KEYS = 100
MAX_FILE = 1_000_000

Key: TypeAlias = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key, the one algorithm that it is good for, and its name, if it has one."""

    key: Key
    algorithm: str
    name: str | None = None


class KeyFile:
    """The public keys of a JWKS file, read again when it has changed.

    So an issuer changes its keys without a restart: a new key is known as soon as the
    file has it, and an old one forgotten.
    """

    def __init__(self, path: Path) -> None:
        """Raise ``OSError`` or ``ValueError`` if the file can't be used."""
        self._path = path
        self._stamp = _stamp(path)
        self.keys = _read(path)

    def refresh(self) -> bool:
        """Read the file if it is another one than before; True if the keys are new.

        One that can't be used leaves the keys as they are: better those than none.
        """
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.keys = _read(self._path)
        except (OSError, ValueError) as error:
            log.warning("auth.jwks not read again file=%s cause=%s", self._path, error)
            return False
        log.info("auth.jwks read again file=%s keys=%d", self._path, len(self.keys))
        return True


class Keys:
    """All keys: the secret, the public key without a name, and those of the file."""

    def __init__(
        self,
        secret: str,
        public_key: PublicKey | None = None,
        file: KeyFile | None = None,
    ) -> None:
        self.secret = secret
        self._public_key = public_key
        self._file = file

    def refresh(self) -> bool:
        """True if the keys are others than before: what they checked is open again."""
        return self._file is not None and self._file.refresh()

    def choose(self, header: Mapping[str, Any]) -> tuple[str, Any]:
        """Return the algorithm and the key that a token with this header is due.

        Each key has one algorithm, so that no public key is ever taken for a secret.
        Raise ``Unauthorized`` if there is none.
        """
        algorithm, name = header.get("alg"), header.get("kid")
        if algorithm == HS256:
            return HS256, self.secret
        usable = [one for one in self._public() if one.algorithm == algorithm]
        if not usable:
            raise Unauthorized("token: its algorithm is not accepted")
        found = [one for one in usable if one.name == name] or [
            one for one in usable if name is None or one.name is None
        ]
        if not found:
            raise Unauthorized("token: its key (kid) is not known")
        if len(found) > 1:
            raise Unauthorized("token: must name its key (kid), there are several")
        return found[0].algorithm, found[0].key

    def _public(self) -> list[PublicKey]:
        own = [self._public_key] if self._public_key is not None else []
        return [*own, *(self._file.keys if self._file is not None else ())]


def parse_pem(text: str) -> PublicKey:
    """Return the public key; raise ``ValueError`` if it is none that is of use."""
    return _public_key(load_pem_public_key(text.encode()), None)


def parse_jwks(text: str) -> tuple[PublicKey, ...]:
    """Return the keys of a JSON Web Key Set that check RS256 and EdDSA tokens.

    Keys for something else are passed over.  Raise ``ValueError``, which names the
    rule, if none is left or one should not be there.
    """
    data = json.loads(text)
    entries = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError(f"must be an object with up to {MAX_KEYS} keys")
    found = tuple(
        _public_key(jwt.PyJWK(entry, _algorithm(entry)).key, entry.get("kid"))
        for entry in entries
        if isinstance(entry, dict) and _is_for_us(entry)
    )
    if not found:
        raise ValueError("has no key for RS256 or EdDSA")
    names = [(one.name, one.algorithm) for one in found]
    if len(set(names)) < len(names):
        raise ValueError("has several keys of one kid")
    return found


def _is_for_us(entry: Mapping[str, Any]) -> bool:
    if "d" in entry or entry.get("kty") == "oct":
        raise ValueError(f"kid {entry.get('kid')!r} is secret: keep it at the issuer")
    algorithm = _algorithm(entry)
    return (
        algorithm is not None
        and entry.get("alg", algorithm) == algorithm
        and entry.get("use", "sig") == "sig"
    )


def _algorithm(entry: Mapping[str, Any]) -> str | None:
    if entry.get("kty") == "RSA":
        return RS256
    is_ed25519 = entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519"
    return EDDSA if is_ed25519 else None


def _public_key(key: Any, name: Any) -> PublicKey:
    if name is not None and not isinstance(name, str):
        raise ValueError("kid must be a text")
    if isinstance(key, Ed25519PublicKey):
        return PublicKey(key, EDDSA, name)
    if not isinstance(key, RSAPublicKey):
        raise ValueError("a key must be RSA or Ed25519")  # noqa: TRY004 not its type
    if key.key_size < LEAST_RSA_BITS:
        raise ValueError(f"an RSA key must have at least {LEAST_RSA_BITS} bits")
    return PublicKey(key, RS256, name)


def _read(path: Path) -> tuple[PublicKey, ...]:
    with path.open(encoding="utf-8") as file:
        text = file.read(MAX_FILE + 1)
    if len(text) > MAX_FILE:
        raise ValueError(f"must have at most {MAX_FILE} characters")
    try:
        return parse_jwks(text)
    except (jwt.PyJWTError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when the file does, also when it is replaced or goes."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
