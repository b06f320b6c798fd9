"""One deployment under load and faults, then the comparison."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from feedsvc.core.item import wire_time
from feedsvc.net.tokens import Tokens
from feedsvc.store.database import connect
from ops.delivery.channels import CHANNELS
from ops.delivery.doors import Events, EventSource, SlowSocket, XhrStreaming
from ops.delivery.findings import LOST, Findings
from ops.delivery.ledger import Document, Entry, Ledger
from ops.delivery.model import Interest
from ops.delivery.programs import SECRET, NotReady
from ops.delivery.publishers import Publisher
from ops.delivery.setups import Fault, Setup, open_setup
from ops.delivery.subscribers import Listener, Person, Poller, Subscriber
from tests.net.clients import (
    FramedSocket,
    Polling,
    RawSocket,
    Reader,
    Session,
)

# How many subscribers come through each door: with and without polling.
_SOCKETS: Mapping[type[Reader], int] = {RawSocket: 12, FramedSocket: 12, SlowSocket: 3}
_STREAMS: Mapping[type[Reader], int] = {Events: 10}
_POLLING: Mapping[type[Reader], int] = {Polling: 5, XhrStreaming: 5, EventSource: 5}
POLLERS = 8
# What the doors of polling carry elsewhere, these take on where there are none.
MORE_SOCKETS = 15

# Overlapping subtrees, patterns, types, long and short backlogs.
_PUBLIC = (
    [Interest("radio")],
    [Interest("radio", backlog=20)],
    [Interest("radio.news")],
    [Interest("radio.artist", backlog=0)],
    [Interest("radio.*.board", backlog=50)],
    [Interest("radio", types=("article",))],
    [Interest("radio.news", types=("post", "episode"), backlog=30), Interest("shop")],
    [Interest("radio.news"), Interest("radio"), Interest("shop", backlog=5)],
)
_PRIVATE = (
    [Interest("radio", has_token=True)],
    [Interest("secret", has_token=True)],
    [Interest("radio.staff", has_token=True), Interest("radio.*", has_token=True)],
)
_EVERY_THIRD = 3

# Time for the last item to reach everybody, and for a given-up attempt to end.
PATIENCE_S = 40.0
COMPARISONS, PAUSE_S = 4, 1.5


class Run:
    """The publishers and subscribers of one deployment."""

    def __init__(self, setup: Setup, rng: random.Random, findings: Findings) -> None:
        self._setup = setup
        self._rng = rng
        self._findings = findings
        self._ledger = Ledger()
        self._token = _token()
        self._publishers = self._make_publishers()
        self._subscribers: list[Subscriber] = []

    async def go(self, seconds: float) -> None:
        """Bring everybody in, break things for so long, and compare."""
        await self._mark()
        self._subscribers = self._make_subscribers()
        self._findings.count("subscribers", len(self._subscribers))
        async with asyncio.TaskGroup() as tasks:
            following = [tasks.create_task(one.run()) for one in self._subscribers]
            publishing = [tasks.create_task(one.run()) for one in self._publishers]
            await self._break_things_for(seconds)
            for publisher in self._publishers:
                publisher.stop()
            _, unanswered = await asyncio.wait(publishing, timeout=PATIENCE_S)
            if unanswered:
                text = "what was tried again was not acknowledged"
                self._findings.broke(LOST, f"{len(unanswered)} publishers", text)
            await self._compare(await self._mark())
            for task in (*following, *unanswered):
                task.cancel()
        for publisher in self._publishers:
            await publisher.close()

    async def _break_things_for(self, seconds: float) -> None:
        """Make every fault in turn, in the order of the seed, until time is up."""
        end = time.monotonic() + seconds
        faults: dict[str, Fault] = {
            "half of the clients cut": self._cut_clients,
            "clients stop reading": self._stop_reading,
            **self._setup.faults,
        }
        for name in self._plan(sorted(faults)):
            await asyncio.sleep(self._rng.uniform(0.5, 2))
            if time.monotonic() > end:
                break
            print(f"  {name}", flush=True)
            self._findings.count(f"fault: {name}")
            await faults[name](self._rng)
        await self._setup.heal()

    def _plan(self, names: list[str]) -> Iterator[str]:
        """Yield all of them, then all of them in another order, and so on."""
        while True:
            yield from self._rng.sample(names, len(names))

    async def _cut_clients(self, rng: random.Random) -> None:
        for subscriber in rng.sample(self._subscribers, len(self._subscribers) // 2):
            subscriber.cut()

    async def _stop_reading(self, rng: random.Random) -> None:
        slow = [one for one in self._subscribers if one.name.startswith("SlowSocket")]
        slow += rng.sample(self._subscribers, 3)
        for subscriber in slow:
            subscriber.stop_reading()
        rng.choice(self._publishers).burst()
        await asyncio.sleep(rng.uniform(2, 4))
        for subscriber in slow:
            subscriber.read_on()

    async def _mark(self) -> list[Entry]:
        """Publish one more item in every channel, acknowledged after all others."""
        async with asyncio.timeout(PATIENCE_S):
            return [await self._publishers[0].mark(channel) for channel in CHANNELS]

    async def _compare(self, marks: list[Entry]) -> None:
        """Wait until the last item is everywhere, then hold all against the database.

        An attempt that was given up may land meanwhile, so a difference is looked at
        again; what is lost does not come by waiting.
        """
        await self._wait_for(marks)
        for number in range(COMPARISONS):
            documents = await self._read_database()
            found = Findings()
            self._ledger.check_database(documents, found)
            for subscriber in self._subscribers:
                for model in subscriber.models:
                    who = f"{subscriber.name} on {model.interest.channel}"
                    self._ledger.check_model(who, model, documents, found)
            if not found.broken or number == COMPARISONS - 1:
                break
            await asyncio.sleep(PAUSE_S)
        self._findings.add(found)
        self._findings.count("items in the database", len(documents))

    async def _wait_for(self, marks: list[Entry]) -> None:
        """Wait until every model has the last item of each of its channels."""
        for subscriber in self._subscribers:
            subscriber.read_on()
        waiting = [
            (subscriber.name, model, mark)
            for subscriber in self._subscribers
            for model in subscriber.models
            for mark in marks
            if model.interest.wants({"channel": mark.channel, **mark.offer})
        ]
        deadline = time.monotonic() + PATIENCE_S
        while waiting and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            waiting = [one for one in waiting if one[2].item_id not in one[1].known]
        for name, model, mark in waiting:
            text = f"{model.interest.channel} never got the last item, {mark.item_id}"
            self._findings.broke(LOST, name, text)

    async def _read_database(self) -> dict[str, Document]:
        """Return all items by id, in the form in which subscribers get them."""
        database = connect(self._setup.mongodb_uri)
        try:
            return {
                found["_id"]: {
                    **found,
                    "id": found["_id"],
                    "date": wire_time(found["date"]),
                }
                async for found in database["items"].find()
            }
        finally:
            await database.client.close()

    def _make_publishers(self) -> list[Publisher]:
        kinds: list[type[Session] | None] = [None, None, RawSocket, FramedSocket]
        return [
            Publisher(
                f"publisher{number}",
                self._setup.service.url,
                self._token,
                kind,
                self._ledger,
                self._findings,
                random.Random(self._rng.random()),
            )
            for number, kind in enumerate(kinds)
        ]

    def _make_subscribers(self) -> list[Subscriber]:
        kinds = [kind for kind, count in self._doors().items() for _ in range(count)]
        interests = self._interests()
        made: list[Subscriber] = []
        for number, kind in enumerate(kinds):
            one = next(interests)
            if kind is Events:
                one = one[:1]
            made.append(Listener(kind, *self._person(f"{kind.__name__}{number}", one)))
        for number in range(POLLERS):
            one = next(interests)[:1]
            made.append(Poller(*self._person(f"Poller{number}", one)))
        return made

    def _doors(self) -> dict[type[Reader], int]:
        doors = {**_SOCKETS, **_STREAMS}
        if self._setup.has_polling:
            return {**doors, **_POLLING}
        return {**doors, RawSocket: doors[RawSocket] + MORE_SOCKETS}

    def _interests(self) -> Iterator[list[Interest]]:
        """Yield what one after the other subscribes to; every third has a token."""
        for number in count():
            choices = _PRIVATE if number % _EVERY_THIRD == 0 else _PUBLIC
            yield self._rng.choice(choices)

    def _person(self, name: str, interests: list[Interest]) -> Person:
        has_token = any(one.has_token for one in interests)
        return (
            name,
            self._setup.service.url,
            self._token if has_token else None,
            interests,
            self._findings,
            random.Random(self._rng.random()),
        )


def _token() -> str:
    """Return a token that is good on every clock that the check sets."""
    return Tokens(SECRET).issue(
        "check",
        read=["radio", "secret"],
        publish=["radio", "secret", "shop"],
        lifetime=timedelta(days=4),
        now=datetime.now(UTC) - timedelta(days=2),
    )


async def check(name: str, seconds: float, seed: str, data_dir: Path) -> Findings:
    """Check one deployment and return what was found."""
    findings, rng = Findings(), random.Random(seed)
    try:
        async with open_setup(name, data_dir) as setup:
            await Run(setup, rng, findings).go(seconds)
    except* NotReady as group:
        findings.broke(LOST, "the service", str(group.exceptions[0]))
    text = (data_dir / "service.log").read_text(errors="replace")
    findings.count("tracebacks in the service's log", text.count("Traceback"))
    return findings
