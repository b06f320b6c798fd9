"""What an admin sends to have tokens revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import ValidationError, validates_schema

from feedsvc.core.revocation import Revocation
from feedsvc.schema.fields import MAX_ID, Closed, Instant, Text, load


class _RevocationSchema(Closed):
    jti = Text(MAX_ID)
    sub = Text(MAX_ID)
    issued_before = Instant()
    expires = Instant()

    @validates_schema
    def _one_kind(self, data: dict[str, Any], **_: Any) -> None:
        if ("jti" in data) == ("sub" in data):
            raise ValidationError("must be given, or sub in its place", "jti")
        if "jti" in data and "issued_before" in data:
            raise ValidationError("belongs to sub", "issued_before")


def parse_revocation(data: object, now: datetime) -> Revocation:
    """Return what is to be revoked; raise ``BadMessage``, which names the field.

    Of a subject, without an instant, all tokens issued up to ``now``.
    """
    found = load(_RevocationSchema(), data)
    subject = found.get("sub")
    before = None if subject is None else found.get("issued_before", now)
    return Revocation(found.get("jti"), subject, before, found.get("expires"))
