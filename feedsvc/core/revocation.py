"""Revocations: tokens that end before their time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from feedsvc.core.access import Rights


@dataclass(frozen=True, slots=True)
class Revocation:
    """What ends: the token of an id, or a subject's that were issued before an instant.

    After ``expires_at`` it may be forgotten, as those tokens are over by themselves;
    None keeps it for good.
    """

    token_id: str | None = None
    subject: str | None = None
    issued_before: datetime | None = None
    expires_at: datetime | None = None


class Revocations:
    """All that is revoked, asked with every use of a token."""

    def __init__(self, revocations: Iterable[Revocation] = ()) -> None:
        known = list(revocations)
        self._ids = frozenset(one.token_id for one in known if one.token_id is not None)
        self._subjects = {
            one.subject: one.issued_before
            for one in known
            if one.subject is not None and one.issued_before is not None
        }

    def __len__(self) -> int:
        return len(self._ids) + len(self._subjects)

    def cover(self, rights: Rights) -> bool:
        """True if the token that gave these rights is revoked.

        One that does not say when it was issued may be older than any instant.
        """
        if rights.token_id in self._ids:
            return True
        before = self._subjects.get(rights.subject or "")
        if before is None:
            return False
        return rights.issued_at is None or rights.issued_at < before
