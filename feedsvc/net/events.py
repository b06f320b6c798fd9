"""The live feed as server-sent events, for readers without SockJS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from feedsvc.audience import Member
from feedsvc.core.messages import Delivery, RequestId, Subscribe, error
from feedsvc.core.position import Cursor
from feedsvc.core.session import Session
from feedsvc.errors import FeedError, NotFound, RateLimited, Refused, Unavailable
from feedsvc.net.handler import Handler

KEEP_ALIVE_S = 20.0
RETRY_S = 5.0


class EventsHandler(Handler):
    """``/api/channels/{channel}/events``: one subscription, for as long as it lasts.

    First ``event: subscribed``, then ``event: item``; the event id is the cursor, so
    a browser that reconnects resumes by itself.
    """

    is_timed = False
    door = "events"
    state: Session[Member]

    async def get(self, channel: str) -> None:
        """Stream until the client leaves, is too slow, or its token expires."""
        request = Subscribe(
            None,
            self.pattern(channel),
            self.limit("backlog"),
            self.types(),
            self._since(),
        )
        service, rights = self.service, self.rights()
        service.relay.require_open()
        limits, caller = service.settings.limits, self.caller()
        if len(service.streams) >= limits.sessions:
            raise Unavailable("too many streams", RETRY_S)
        if caller and service.streams_of[caller] >= limits.sessions_per_address:
            raise RateLimited("streams of one address", RETRY_S)
        self._outbox: list[bytes] = []
        self._outbox_bytes = 0
        self._due = asyncio.Event()
        self._ended = False
        self.state = Session(service.relay.hub, self, rights)
        service.streams.add(self)
        service.streams_of[caller] += 1
        try:
            subscription, answer = self.state.subscribe(request, service.rules, 1)
            if answer is not None:
                self.send(answer)
            else:
                service.relay.load(self, subscription)
            await self._pump()
        except Refused as error:
            raise NotFound(f"no such channel: {request.channel}") from error
        except StreamClosedError:
            pass
        finally:
            service.streams.discard(self)
            service.streams_of[caller] -= 1
            if not service.streams_of[caller]:
                del service.streams_of[caller]
            self.state.close()

    def send(self, message: str) -> None:
        """Send a message as an event of its own kind."""
        kind = message.split('"', 4)[3]
        # Quotes inside of values are escaped, so this is the message's own cursor.
        cursor = message.rpartition('"cursor":"')[2].partition('"')[0]
        self._append([_event(kind, message, cursor if kind == "subscribed" else "")])
        if kind == "error":
            # The subscription is over, and with it all that this stream was for.
            self.end()

    def refuse(self, asked_id: RequestId, cause: FeedError) -> None:
        """Send an error, which is the end of the stream, and count it."""
        self.service.refusals[self.door, cause.code] += 1
        self.send(error(asked_id, cause))

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send live messages; those of one tick leave in one write."""
        self._append(
            [_event("item", one.message, str(one.cursor)) for one in deliveries]
        )

    def on_connection_close(self) -> None:
        self.end()

    def _since(self) -> Cursor | None:
        asked = self.cursor("since")
        last = self.request.headers.get("Last-Event-ID")
        # It is newer: a browser that reconnects repeats the address of its first time.
        return Cursor.parse(last, "Last-Event-ID") if last else asked

    def _append(self, events: list[bytes]) -> None:
        waiting, size = self._outbox_bytes, sum(map(len, events))
        limit = self.service.settings.limits.queued_bytes
        # What comes at once is never too much, else a long backlog could not come in.
        if waiting and waiting + size > limit:
            # Too slow; it comes back with its last event id and misses nothing.
            self._cut()
            return
        self._outbox += events
        self._outbox_bytes += size
        self._due.set()

    async def _pump(self) -> None:
        """Write what is due; now and then a comment, which finds who has gone."""
        self.set_header("Content-Type", "text/event-stream; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        # nginx would hold events back until its buffer is full.
        self.set_header("X-Accel-Buffering", "no")
        self.write("retry: 3000\n\n")
        await self.flush()
        while True:
            try:
                async with asyncio.timeout(self._pause_s()):
                    await self._due.wait()
            except TimeoutError:
                self._outbox.append(b": still here\n\n")
            self._due.clear()
            due, self._outbox, self._outbox_bytes = self._outbox, [], 0
            self.write(b"".join(due))
            await self.flush()
            if self._ended or self._pause_s() <= 0:
                return

    def _pause_s(self) -> float:
        """Return how long to wait at most: until a sign of life, or the expiry."""
        expires_at = self.state.rights.expires_at
        if expires_at is None:
            return KEEP_ALIVE_S
        return min(KEEP_ALIVE_S, (expires_at - datetime.now(UTC)).total_seconds())

    def end(self) -> None:
        """End when what is due has been written."""
        self._ended = True
        if hasattr(self, "_due"):
            self._due.set()

    def _cut(self) -> None:
        """Drop the connection, as the write under way may never end."""
        if not self._ended:
            self.service.traffic.slow_streams += 1
        self.end()
        cast("HTTP1Connection", self.request.connection).stream.close()


def _event(kind: str, data: str, cursor: str) -> bytes:
    line = f"id: {cursor}\n" if cursor else ""
    return f"event: {kind}\n{line}data: {data}\n\n".encode()
