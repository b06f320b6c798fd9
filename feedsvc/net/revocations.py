"""The door to the list of revoked tokens."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from feedsvc.core.messages import encode
from feedsvc.errors import Forbidden, Unauthorized
from feedsvc.net.api import PublishHandler
from feedsvc.schema.revocation import parse_revocation

log = logging.getLogger("feedsvc.tokens")


class RevocationsHandler(PublishHandler):
    """``/api/revocations``: end tokens before their time; for admins only."""

    async def post(self) -> None:
        rights = self.rights()
        if rights.subject is None:
            raise Unauthorized("a bearer token is needed to revoke")
        if not rights.admin:
            raise Forbidden("the token is not an admin's")
        revocation = parse_revocation(self.body(), datetime.now(UTC))
        await self.service.revoking.add(revocation)
        log.info(
            "tokens revoked jti=%s sub=%s issued_before=%s by=%s",
            *(revocation.token_id, revocation.subject, revocation.issued_before),
            rights.subject,
        )
        told = {
            "jti": revocation.token_id,
            "sub": revocation.subject,
            "issued_before": revocation.issued_before,
            "expires": revocation.expires_at,
        }
        given = {name: value for name, value in told.items() if value is not None}
        self.reply(encode(given), 201)
