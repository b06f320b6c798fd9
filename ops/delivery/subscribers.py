"""Subscribers: each keeps its models current through every break."""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from contextlib import suppress

from ops.delivery.doors import BROKEN, Events, cut
from ops.delivery.findings import Findings
from ops.delivery.model import Interest, Message, Model, Wire
from tests.net.clients import Http, Reader, Session

POLL_S = 0.5

# Name, URL, token, interests, findings and a source of chance.
Person = tuple[str, str, str | None, list[Interest], Findings, random.Random]


class Subscriber(ABC):
    """One client: subscribes, follows, and resumes with its cursors after a break."""

    def __init__(
        self,
        name: str,
        url: str,
        token: str | None,
        interests: list[Interest],
        findings: Findings,
        rng: random.Random,
    ) -> None:
        self.name = name
        self.models = [Model(interest) for interest in interests]
        self._url = url
        self._token = token
        self._findings = findings
        self._rng = rng
        self._connection: asyncio.Task[None] | None = None
        self._reads = asyncio.Event()
        self._reads.set()
        # All that begins later is news to whoever is answered.
        self._asked_at = 0.0

    async def run(self) -> None:
        """Be connected for as long as possible, until cancelled."""
        while True:
            self._connection = asyncio.create_task(self._connect())
            try:
                await asyncio.wait([self._connection])
                with suppress(asyncio.CancelledError):
                    self._connection.result()
            except BROKEN as error:
                # Another door, another sign: a close code, or a frame that tells it.
                if "3002" in str(error):
                    self._findings.count("closed as too slow")
            finally:
                self._connection.cancel()
            self._findings.count("connections broken")
            await asyncio.sleep(self._rng.uniform(0.05, 0.5))

    def cut(self) -> None:
        """Break the connection wherever it is."""
        if self._connection is not None:
            self._connection.cancel()

    def stop_reading(self) -> None:
        self._reads.clear()

    def read_on(self) -> None:
        self._reads.set()

    @abstractmethod
    async def _connect(self) -> None:
        """Read at one's own door until the connection breaks."""

    def _answered(self, model: Model, wire: Wire, message: Message) -> None:
        """Take in what answers a subscription or a poll."""
        wire.answer(model.interest, message)
        self._findings.count("resumed" if message["resumed"] else "fresh backlogs")
        if message["resumed"]:
            for item in message["items"]:
                model.merge(item)
        else:
            model.replace(message["items"], more=message["more"], now=self._asked_at)
        model.cursor = message["cursor"]


class Listener(Subscriber):
    """A subscriber that is sent what happens, on a door of its own kind."""

    def __init__(self, kind: type[Reader], *person: *Person) -> None:
        super().__init__(*person)
        self._kind = kind
        # Those that this connection keeps current: what comes moves their cursors on,
        # and no other's, which may have missed what lies before it.
        self._current: list[Model] = []

    async def _connect(self) -> None:
        self._current = []
        if issubclass(self._kind, Events):
            reader: Reader = await self._kind.open(self._url, token=self._token)
        else:
            reader = await self._kind.open(self._url)  # type: ignore[attr-defined]
        try:
            wire = Wire(
                self.name, [one.interest for one in self.models], self._findings
            )
            if isinstance(reader, Session) and self._token is not None:
                await reader.auth(self._token)
            for model in self.models:
                await self._subscribe(reader, wire, model)
            while True:
                await self._reads.wait()
                message = (
                    reader.held.popleft() if reader.held else await reader.receive()
                )
                self._take(wire, message)
        finally:
            await cut(reader)

    async def _subscribe(self, reader: Reader, wire: Wire, model: Model) -> None:
        interest = model.interest
        options: dict[str, object] = {"backlog": interest.backlog}
        if interest.types:
            options["types"] = list(interest.types)
        if model.cursor is not None:
            options["since"] = model.cursor
        self._asked_at = time.monotonic()
        answer = await reader.subscribe(interest.channel, **options)
        # What was sent before the answer comes before it in every order.
        while reader.held:
            self._take(wire, reader.held.popleft())
        self._answered(model, wire, answer)
        self._current.append(model)

    def _take(self, wire: Wire, message: Message) -> None:
        match message["msg"]:
            case "item":
                wire.live(message)
                for model in self._current:
                    model.cursor = message["cursor"]
                for model in self.models:
                    if model.interest.wants(message["item"]):
                        model.merge(message["item"])
            case "reset":
                wire.reset()
                self._asked_at = time.monotonic()
                self._current = [
                    model
                    for model in self._current
                    if model.interest.channel != message["channel"]
                ]
            case "subscribed":
                for model in self.models:
                    if model.interest.channel == message["channel"]:
                        self._answered(model, wire, message)
                        self._current.append(model)
            case "error":
                raise EOFError(message["text"])


class Poller(Subscriber):
    """A subscriber that asks again and again over plain HTTP."""

    async def _connect(self) -> None:
        http = Http(self._url, self._token)
        [model] = self.models
        try:
            while True:
                await self._reads.wait()
                await self._poll(http, model)
                await asyncio.sleep(POLL_S)
        finally:
            http.close()

    async def _poll(self, http: Http, model: Model) -> None:
        interest = model.interest
        query: dict[str, object] = {"limit": interest.backlog}
        if interest.types:
            query["types"] = ",".join(interest.types)
        if model.cursor is not None:
            query = {**query, "after": model.cursor}
        self._asked_at = time.monotonic()
        answer = await http.items(interest.channel, **query)
        assert answer.status == 200, answer.body
        page = answer.json
        is_full = len(page["items"]) >= interest.backlog
        message = {"resumed": False, "more": is_full, **page}
        # Each poll is a connection of its own, and may reach another process.
        self._answered(model, Wire(self.name, [interest], self._findings), message)
