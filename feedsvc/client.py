"""A small client of the HTTP API, for scripts and for a site's own back end.

::

    feed = Feed("https://live.radio.example", token)
    feed.publish("radio.news", {"type": "post", "content_text": "On air!"})

Calls wait and try again when the service asks for it (429, 503), a few times.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from feedsvc.errors import FeedError

TIMEOUT_S = 30.0
# How often a call is made again when the service asks for it, and how long it waits.
RETRIES = 3
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
_TRY_AGAIN = {429, 503}


class ServiceError(FeedError):
    """The service refused, or could not be reached (``status`` 0)."""

    def __init__(
        self,
        status: int,
        error_code: str,
        told: str,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(status, error_code, told)
        self.status = status
        self.error_code = error_code
        self.told = told
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.told} ({self.error_code})"


class Event(NamedTuple):
    """A server-sent event: its kind, its data and the cursor to resume from."""

    kind: str
    data: dict[str, Any]
    cursor: str


class Feed:
    """One service at ``url``; ``token`` is needed to publish and to read privately."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: int = RETRIES,
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ServiceError(0, "bad_url", f"url: must be http or https: {url}")
        self._url = url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s
        self._retries = retries

    def publish(self, channel: str, item: Mapping[str, Any]) -> dict[str, Any]:
        """Publish one item; return ``{"id", "status", "rev"}``."""
        named = _with_id(item)
        found: dict[str, Any] = self._call("POST", _items(channel), body=named)
        return found

    def publish_many(
        self, channel: str, items: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Publish up to 1,000 items; return for each its status or its error."""
        named = [_with_id(item) for item in items]
        found = self._call("POST", _items(channel), body=named)
        results: list[dict[str, Any]] = found["results"]
        return results

    def remove(self, item_id: str) -> None:
        """Remove an item; removing it twice is removing it once."""
        self._call("DELETE", f"/api/items/{quote(item_id, safe='')}")

    def backlog(
        self,
        channel: str,
        limit: int = 20,
        *,
        before: str | None = None,
        types: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Return ``{"items", "next", "cursor"}``: a page, its newest item first."""
        query = {"limit": limit, "before": before, "types": ",".join(types) or None}
        found: dict[str, Any] = self._call("GET", _items(channel), query=query)
        return found

    def channels(self) -> list[dict[str, Any]]:
        """Return the tree of channels with the counts of their items."""
        found: list[dict[str, Any]] = self._call("GET", "/api/channels")["channels"]
        return found

    def revoke(
        self,
        *,
        jti: str | None = None,
        sub: str | None = None,
        issued_before: str | None = None,
        expires: str | None = None,
    ) -> dict[str, Any]:
        """Revoke the token of an id, or a subject's; needs an admin's token.

        ``issued_before`` (of a subject; now, if absent) and ``expires`` (when those
        tokens are over anyway) are instants in ISO 8601.
        """
        given = {"jti": jti, "sub": sub, "issued_before": issued_before}
        body = {**given, "expires": expires}
        found: dict[str, Any] = self._call("POST", "/api/revocations", body=body)
        return found

    def events(
        self, channel: str, *, backlog: int = 0, since: str | None = None
    ) -> Iterator[Event]:
        """Yield what happens in a channel and below, until the connection ends.

        The first event is ``subscribed`` with the backlog.  To go on after a break
        call again with the last event's cursor as ``since``.
        """
        path = f"/api/channels/{quote(channel, safe='')}/events"
        request = self._request("GET", path, {"backlog": backlog, "since": since})
        request.add_header("Accept", "text/event-stream")
        with self._answer(request, timeout_s=60.0) as answer:
            fields: dict[str, str] = {}
            for raw in answer:
                line = raw.decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "data" in fields:
                    data = json.loads(fields["data"])
                    yield Event(fields["event"], data, fields.get("id", ""))
                    fields = {}

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        request = self._request(method, path, query or {})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        text = self._ask(request)
        return json.loads(text) if text else None

    def _ask(self, request: Request) -> bytes:
        """Make the request, again if the service asks for that."""
        attempt = 0
        while True:
            try:
                with self._answer(request, self._timeout_s) as answer:
                    text: bytes = answer.read()
                    return text
            except ServiceError as error:
                if error.status not in _TRY_AGAIN or attempt >= self._retries:
                    raise
                wait_s = FIRST_WAIT_S * 2**attempt
                asked_s = error.retry_after_s or 0.0
            time.sleep(min(max(wait_s, asked_s), LONGEST_WAIT_S))
            attempt += 1

    def _request(self, method: str, path: str, query: Mapping[str, Any]) -> Request:
        given = {name: value for name, value in query.items() if value is not None}
        url = f"{self._url}{path}" + (f"?{urlencode(given)}" if given else "")
        request = Request(url, method=method)  # noqa: S310 - checked in __init__
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        return request

    @contextmanager
    def _answer(self, request: Request, timeout_s: float) -> Iterator[Any]:
        """Make the request; whatever breaks, then or later, is a ``ServiceError``."""
        try:
            with urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - as above
                yield answer
        except HTTPError as error:
            with error:
                after = error.headers.get("Retry-After", "")
                raise _told(error.code, error.read(), after) from error
        except (HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            text = f"no answer from {self._url}: {reason}"
            raise ServiceError(0, "unreachable", text) from error


def _items(channel: str) -> str:
    return f"/api/channels/{quote(channel, safe='')}/items"


def _with_id(item: Any) -> Any:
    """Return the item under an id: what is tried again must not be made twice."""
    if not isinstance(item, Mapping) or item.get("id") is not None:
        return item
    return {**item, "id": uuid.uuid4().hex}


def _told(status: int, body: bytes, retry_after: str) -> ServiceError:
    after_s = float(retry_after) if retry_after.isdigit() else None
    try:
        error = json.loads(body)["error"]
        code, text = str(error["code"]), str(error["text"])
    except (ValueError, KeyError, TypeError):
        code, text = "internal", f"the answer was status {status}"
    return ServiceError(status, code, text, after_s)
