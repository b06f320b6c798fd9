"""The realtime door: one SockJS connection around one session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from datetime import UTC, datetime
from itertools import count

from feedsvc import logs
from feedsvc.audience import Member
from feedsvc.core import messages
from feedsvc.core.access import ANYONE
from feedsvc.core.messages import (
    Auth,
    Backlog,
    Ping,
    Publish,
    Request,
    Subscribe,
    Unsubscribe,
)
from feedsvc.core.session import Session
from feedsvc.errors import Expired, FeedError, TooLarge
from feedsvc.net.rate import Bucket
from feedsvc.net.service import Service
from feedsvc.schema import parse_json, parse_request, request_id
from feedsvc.sockjs import ConnectionInfo, SockJSConnection
from feedsvc.sockjs.session import SockJSSession, utf8_size

log = logging.getLogger("feedsvc.session")

EXPIRED = (3004, "token expired")
UNEXPECTED = FeedError("an unexpected error; it has been logged")


class LiveConnection(SockJSConnection):
    """Runs what a client asks, and sends it what its session says."""

    __slots__ = ("_bucket", "_door", "number", "state")

    def __init__(self, session: SockJSSession, door: LiveDoor) -> None:
        super().__init__(session)
        self._door = door
        #: What the log calls this session; its SockJS id would let others speak for it.
        self.number = next(door.numbers)
        self._bucket = Bucket(door.messages_per_second)
        self.state: Session[Member] = Session(door.service.relay.hub, self)

    def on_open(self, info: ConnectionInfo) -> None:
        with logs.in_session(self.number):
            log.debug("session opened transport=%s", info.transport)

    def on_close(self) -> None:
        with logs.in_session(self.number):
            log.debug("session closed subscriptions=%d", len(self.state.channels))
        self.state.close()
        self._door.forget(self)

    def on_message(self, message: str) -> Awaitable[None] | None:
        """Answer one message; whatever is wrong with it, the session goes on."""
        with logs.in_session(self.number):
            return self._answer(message)

    def _answer(self, message: str) -> Awaitable[None] | None:
        asked_id = None
        try:
            # Refusals carry the id too: the client waits for an answer to it.
            data = parse_json(message)
            asked_id = request_id(data)
            self._bucket.take("messages", self._door.messages_per_second)
            self._door.require_size(message)
            return self._run(parse_request(data))
        except FeedError as error:
            self.refuse(asked_id, error)
        except Exception:
            log.exception("request failed")
            self.refuse(asked_id, UNEXPECTED)
        return None

    def refuse(self, asked_id: messages.RequestId, cause: FeedError) -> None:
        """Send an error as the answer to a request, and count it."""
        log.debug("message refused code=%s", cause.code)
        self._door.service.refusals["live", cause.code] += 1
        self.send(messages.error(asked_id, cause))

    def _run(self, request: Request) -> Awaitable[None] | None:
        match request:
            case Subscribe():
                self._subscribe(request)
            case Unsubscribe(id=asked_id, channel=channel):
                self.state.unsubscribe(channel)
                self.send(messages.unsubscribed(asked_id, channel))
            case Ping(id=asked_id):
                self.send(messages.pong(asked_id))
            case Auth():
                self._authenticate(request)
            case Backlog():
                return self._answering(request.id, self._backlog(request))
            case Publish():
                return self._answering(request.id, self._publish(request))
        return None

    def _subscribe(self, request: Subscribe) -> None:
        service = self._door.service
        service.relay.require_open()
        limit = service.settings.limits.subscriptions
        subscription, answer = self.state.subscribe(request, service.rules, limit)
        if answer is not None:
            self.send(answer)
        else:
            service.relay.load(self, subscription)

    def _authenticate(self, request: Auth) -> None:
        rights = self._door.service.tokens.verify(request.token)
        for news in self.state.authenticate(rights, self._door.service.rules):
            self.send(news)
        self._door.watch(self)
        self.send(messages.authenticated(request.id, rights.expires_at))

    async def _answering(
        self, asked_id: messages.RequestId, work: Awaitable[str]
    ) -> None:
        with logs.in_session(self.number):
            try:
                self.send(await work)
            except FeedError as error:
                self.refuse(asked_id, error)
            except Exception:
                log.exception("request failed")
                self.refuse(asked_id, UNEXPECTED)

    async def _backlog(self, request: Backlog) -> str:
        service = self._door.service
        scope = service.rules.scope(self.state.rights, request.channel, request.types)
        page = await service.page(scope, request.limit, request.before)
        items = messages.join(page.items)
        return messages.backlog(request.id, request.channel, items, page.following)

    async def _publish(self, request: Publish) -> str:
        rights = self.state.rights
        service = self._door.service
        [outcome] = await service.publish(rights, request.channel, [request.item])
        if isinstance(outcome, FeedError):
            raise outcome
        item = outcome.item
        return messages.published(request.id, item.id, outcome.status, item.rev)


class LiveDoor:
    """What all live connections share; ends the rights of tokens on time."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.messages_per_second = service.settings.limits.messages_per_second
        self.message_bytes = service.settings.limits.message_bytes
        self.numbers = count(1)
        self._with_token: set[LiveConnection] = set()

    def require_size(self, message: str) -> None:
        """Raise ``TooLarge`` if the message has more bytes than the limit."""
        limit = self.message_bytes
        # A character has at most 4 bytes: only long messages need counting.
        if len(message) * 4 > limit and utf8_size(message) > limit:
            raise TooLarge("message", f"must have at most {limit} bytes")

    def __call__(self, session: SockJSSession) -> LiveConnection:
        return LiveConnection(session, self)

    def watch(self, connection: LiveConnection) -> None:
        """Note that the connection has a token, whose end is to be its rights' end."""
        self._with_token.add(connection)

    def forget(self, connection: LiveConnection) -> None:
        """Expect nothing more of the connection."""
        self._with_token.discard(connection)

    async def run(self) -> None:
        """End rights of tokens that are over or revoked, once a second, for ever."""
        while True:
            await asyncio.sleep(1.0)
            now, has_ended = datetime.now(UTC), self.service.tokens.has_ended
            for connection in list(self._with_token):
                if has_ended(connection.state.rights, now):
                    self.forget(connection)
                    self._expire(connection)
            for stream in list(self.service.streams):
                if has_ended(stream.state.rights, now):
                    stream.end()

    def _expire(self, connection: LiveConnection) -> None:
        """Drop what the token opened; close if that was all there was."""
        news = connection.state.authenticate(ANYONE, self.service.rules)
        for text in news:
            connection.send(text)
        if not news:
            connection.send(messages.error(None, Expired("token: its time is over")))
        elif not connection.state.channels:
            connection.close(*EXPIRED)
