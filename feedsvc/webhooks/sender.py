"""One attempt to deliver: a signed POST, bounded in time and size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from feedsvc import __version__
from feedsvc.endpoints import Endpoint
from feedsvc.webhooks.message import Message, headers
from feedsvc.webhooks.retry import Outcome

# Of the answer only the status counts.
MAX_ANSWER = 65_536
MAX_TOLD = 200


class Sender:
    """Posts messages; the address is the operator's own, so any host will do.

    Redirects are not followed: nobody but the configuration chooses where we go.
    """

    def __init__(self) -> None:
        self._client = SimpleAsyncHTTPClient(
            force_instance=True, max_body_size=MAX_ANSWER
        )

    def close(self) -> None:
        self._client.close()

    async def send(self, endpoint: Endpoint, message: Message) -> Outcome:
        """Make one attempt; whatever happens is an outcome."""
        signed = headers(message, endpoint.secrets, int(time.time()))
        request = HTTPRequest(
            endpoint.url,
            "POST",
            headers={**signed, "User-Agent": f"feedsvc/{__version__}"},
            body=message.body.encode(),
            follow_redirects=False,
            connect_timeout=endpoint.timeout_s,
            request_timeout=endpoint.timeout_s,
        )
        try:
            answer: HTTPResponse = await self._client.fetch(request, raise_error=False)
        except Exception as error:
            # Names, sockets, TLS, HTTP: to us all of it is no answer.
            return Outcome(0, f"{type(error).__name__}: {error}"[:MAX_TOLD])
        if answer.code == 599:
            return Outcome(0, str(answer.error)[:MAX_TOLD])
        told = f"{answer.code} {answer.reason}"[:MAX_TOLD]
        return Outcome(answer.code, told, retry_after_s(answer.headers))


def retry_after_s(given: Mapping[str, str]) -> float:
    """Return the seconds that a receiver asks for, as a number or as a date."""
    text = given.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
