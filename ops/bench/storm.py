"""Does everybody get a backlog at once?  3,500 clients that come back within 5 s.

    storm.py                          as after a restart of the service
    storm.py --clients N --seconds S --rounds R

``feedsvc serve`` with its private MongoDB on one core, the clients on another.  Two of
three come fresh and ask for 20 items, each third resumes from a cursor; they subscribe
to subtrees, patterns and types that overlap, none of which is hot.  Every answer is
held against what was published, and MongoDB tells how many queries the storm was to it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from feedsvc.client import Feed
from feedsvc.core.channel import Channel
from feedsvc.net.tokens import Tokens
from pymongo import AsyncMongoClient

from crowd import HOST, Served, quantile, service, set_up
from peers import HERE, SECRET

RAW = HERE / "raw" / "storm.jsonl"
ITEMS, MISSED = 2_000, 100
BACKLOG = 20
KINDS = ("news", "tour")
LIST = 500
PATIENCE_S = 60.0
MOST_QUERIES = 50
CHANNELS = [f"radio.a{number}.{kind}" for number in range(5) for kind in KINDS]
TYPES = ("post", "article")
# What clients subscribe to: a channel, and the types if only some are wanted.
WISHES: Sequence[tuple[str, tuple[str, ...]]] = (
    ("radio", ()),
    ("radio.a1", ()),
    ("radio.a2.news", ()),
    ("radio.a3.tour", ()),
    ("radio.*.news", ()),
    ("radio", ("article",)),
    ("radio.a4", ("post",)),
    ("radio.nobody", ()),
)
# Commands that a query is, whoever counts.
QUERIES = ("find", "aggregate", "count", "distinct")
# The size in a frame's head that says: two more bytes have it.
MEDIUM = 126
_UPGRADE = (
    b"GET /live/websocket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for, and the ids of the answer that is right."""

    request: bytes
    resumed: bool
    ids: tuple[str, ...]

    def is_met_by(self, answer: dict[str, Any]) -> bool:
        found = [item["id"] for item in answer.get("items", ())]
        if self.resumed:  # in the order of commits, which is MongoDB's affair
            found.sort()
        return answer.get("resumed") is self.resumed and tuple(found) == self.ids


class Client(asyncio.Protocol):
    """One WebSocket without frills: asks as soon as it may, and reads one answer."""

    def __init__(self, wish: Wish, answered: asyncio.Future[float]) -> None:
        self._wish = wish
        self._answered = answered
        self._received = bytearray()
        self._is_open = False
        self._began = time.monotonic()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # of a socket
        self.transport = transport
        transport.write(_UPGRADE)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(error or EOFError("closed by the service"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._fail(f"refused: {bytes(head[:60])!r}")
                return
            self._is_open, self._received = True, rest
            if self.transport is not None:
                self.transport.write(_frame(self._wish.request))
        message = _message(self._received)
        if message is not None and not self._answered.done():
            if self._wish.is_met_by(json.loads(message)):
                self._answered.set_result(time.monotonic() - self._began)
            else:
                self._fail(f"a wrong answer: {message[:200]!r}")

    def _fail(self, text: str) -> None:
        if not self._answered.done():
            self._answered.set_exception(RuntimeError(text))


@dataclass(slots=True)
class Outcome:
    """One storm: how long answers took, who got none, and what it cost MongoDB."""

    at: str
    clients: int
    seconds: float
    arrived_s: float
    answered_s: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    failed: int
    queries: int
    commands: dict[str, int]
    cpu_s: float


def _frame(text: bytes) -> bytes:
    """Return a masked text frame; a mask of zeros changes nothing."""
    if len(text) < MEDIUM:
        return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text
    return bytes([0x81, 0x80 | MEDIUM]) + len(text).to_bytes(2) + bytes(4) + text


def _message(received: bytearray) -> bytes | None:
    """Return the first whole frame's payload, which fits into one."""
    if len(received) < 2:
        return None
    size, start = received[1], 2
    if size >= MEDIUM:
        start += 2 if size == MEDIUM else 8
        size = int.from_bytes(received[2:start])
    end = start + size
    return bytes(received[start:end]) if len(received) >= end else None


# --- the station ---------------------------------------------------------------------


def publish(url: str) -> list[Wish]:
    """Publish a past and return what clients ask for, with the right answers."""
    now = datetime.now(UTC)
    token = Tokens(SECRET).issue(
        "storm", publish=["radio"], lifetime=timedelta(hours=1), now=now
    )
    feed = Feed(url, token)
    items = [
        {
            "id": f"item-{number:05}",
            "type": TYPES[number // len(CHANNELS) % len(TYPES)],
            "title": f"Item {number}",
            "content_text": "x" * 150,
            "date": (now - timedelta(seconds=ITEMS - number)).isoformat(),
        }
        for number in range(ITEMS)
    ]
    _send(feed, items, range(ITEMS - MISSED))
    cursor = feed.backlog("radio", 1)["cursor"]
    _send(feed, items, range(ITEMS - MISSED, ITEMS))
    return [wish for one in WISHES for wish in _wishes(*one, items, cursor)]


def _send(feed: Feed, items: Sequence[dict[str, str]], numbers: range) -> None:
    for place, channel in enumerate(CHANNELS):
        own = [items[n] for n in numbers if n % len(CHANNELS) == place]
        for start in range(0, len(own), LIST):
            feed.publish_many(channel, own[start : start + LIST])


def _wishes(
    channel: str, types: Sequence[str], items: Sequence[dict[str, str]], cursor: str
) -> list[Wish]:
    """Return the wish of two who come fresh, and of one who resumes."""
    seen = [
        (number, item["id"])
        for number, item in enumerate(items)
        if Channel(channel).covers(Channel(CHANNELS[number % len(CHANNELS)]))
        and (not types or item["type"] in types)
    ]
    newest = tuple(item_id for _, item_id in seen[: -BACKLOG - 1 : -1])
    missed = tuple(item_id for number, item_id in seen if number >= ITEMS - MISSED)
    ask = {"msg": "subscribe", "id": 1, "channel": channel, "backlog": BACKLOG}
    if types:
        ask["types"] = list(types)
    fresh = Wish(json.dumps(ask).encode(), False, newest)
    again = Wish(json.dumps({**ask, "since": cursor}).encode(), True, missed)
    return [fresh, fresh, again]


# --- the storm -----------------------------------------------------------------------


async def commands(database: AsyncMongoClient[dict[str, Any]]) -> Counter[str]:
    """Return how many of each kind of query MongoDB has run by now."""
    status = await database.admin.command("serverStatus")
    known = status["metrics"]["commands"]
    return Counter({name: known[name]["total"] for name in QUERIES if name in known})


async def storm(served: Served, clients: int, seconds: float) -> Outcome:
    """Let them all in, evenly within the seconds, and wait for their answers."""
    wishes = await asyncio.to_thread(publish, f"http://{HOST}:{served.port}")
    loop = asyncio.get_running_loop()
    async with AsyncMongoClient[dict[str, Any]](served.mongodb_uri) as database:
        before, cpu_s = await commands(database), _cpu_s(served.pid)
        answers: list[asyncio.Future[float]] = []
        made: list[Client] = []
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number, wish in enumerate(islice(cycle(wishes), clients)):
                await asyncio.sleep(began + number * seconds / clients - _now())
                answers.append(loop.create_future())
                made.append(Client(wish, answers[-1]))
                tasks.create_task(_connect(made[-1], served.port))
        arrived_s = _now() - began
        await asyncio.wait(answers, timeout=PATIENCE_S)
        answered_s = _now() - began
        cost = await commands(database) - before
        cpu_s = _cpu_s(served.pid) - cpu_s
    for client in made:
        if client.transport is not None:
            client.transport.abort()
    return _outcome(answers, seconds, arrived_s, answered_s, cost, cpu_s)


async def _connect(client: Client, port: int) -> None:
    try:
        await asyncio.get_running_loop().create_connection(lambda: client, HOST, port)
    except OSError as error:
        client.connection_lost(error)


def _outcome(
    answers: Sequence[asyncio.Future[float]],
    seconds: float,
    arrived_s: float,
    answered_s: float,
    cost: Counter[str],
    cpu_s: float,
) -> Outcome:
    done = [one for one in answers if one.done()]
    failed = [one for one in done if one.exception() is not None]
    for one in failed[:3]:
        print(f"  {one.exception()!r}")
    times_ms = [one.result() * 1e3 for one in done if one.exception() is None]
    return Outcome(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        clients=len(answers),
        seconds=seconds,
        arrived_s=round(arrived_s, 2),
        answered_s=round(answered_s, 2),
        p50_ms=round(quantile(times_ms, 0.5), 1),
        p99_ms=round(quantile(times_ms, 0.99), 1),
        worst_ms=round(quantile(times_ms, 1.0), 1),
        failed=len(answers) - len(times_ms),
        queries=cost.total(),
        commands=dict(cost),
        cpu_s=round(cpu_s, 2),
    )


def _now() -> float:
    return time.monotonic()


def _cpu_s(pid: int) -> float:
    """Return the processor time that the service has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=3_500)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    set_up()
    outcomes = []
    for _ in range(asked.rounds):
        limits = {"FEEDSVC_SESSIONS_PER_ADDRESS": "100000"}
        with service(**limits) as served:
            outcomes.append(asyncio.run(storm(served, asked.clients, asked.seconds)))
        print(json.dumps(asdict(outcomes[-1])), flush=True)
    machine = {"cpus": os.cpu_count(), "load_average": round(os.getloadavg()[0], 2)}
    with RAW.open("w", encoding="utf-8") as lines:
        for one in outcomes:
            lines.write(json.dumps({**machine, **asdict(one)}) + "\n")
    return int(any(one.failed or one.queries >= MOST_QUERIES for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
