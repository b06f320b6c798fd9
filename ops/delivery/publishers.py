"""Publishers: publish, edit and remove, try again by id, and keep the ledger."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

from ops.delivery.channels import CHANNELS
from ops.delivery.doors import BROKEN
from ops.delivery.findings import DUPLICATED, LOST, Findings
from ops.delivery.ledger import Entry, Ledger
from ops.delivery.model import Message
from tests.net.clients import Http, RawSocket, Session

# Mean pause between the steps of one publisher.
PAUSE_S = 0.12
BURST_ITEMS, BURST_TEXT = 100, "x" * 3_000
TYPES = ["post", "article", "episode"]
# Codes that say: the same again is safe, and may do.
_PASSING = {"unavailable", "rate_limited"}


class Publisher:
    """One site's code.  Only it touches its items, one step of an item at a time.

    A step whose outcome is unknown is repeated until it is acknowledged, or given up
    now and then; either way its item then rests, since the attempt may still be on
    its way.
    """

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        kind: type[Session] | None,
        ledger: Ledger,
        findings: Findings,
        rng: random.Random,
    ) -> None:
        self.name = name
        self._url = url
        self._token = token
        self._kind = kind
        self._session: Session | None = None
        self._http = Http(url, token)
        self._ledger = ledger
        self._findings = findings
        self._rng = rng
        self._own: list[Entry] = []
        self._number = 0
        self._is_stopping = False
        self._bursts = 0

    async def run(self) -> None:
        """Make steps until ``stop``; the last one is finished."""
        while not self._is_stopping:
            if self._bursts:
                self._bursts -= 1
                await self._burst()
            await self._step()
            await asyncio.sleep(self._rng.expovariate(1 / PAUSE_S))

    async def close(self) -> None:
        """Leave the service."""
        self._http.close()
        await self._drop_session()

    def stop(self) -> None:
        self._is_stopping = True

    def burst(self) -> None:
        """Publish some hundred kilobytes at once."""
        self._bursts += 3

    async def mark(self, channel: str) -> Entry:
        """Publish one more item in the channel and return it once acknowledged."""
        entry = self._new(channel)
        await self._make(entry, "the last one", may_give_up=False)
        return entry

    async def _step(self) -> None:
        shown = [entry for entry in self._own if entry.is_shown]
        self._number += 1
        if not shown or self._rng.random() < 0.6:
            entry = self._new(self._rng.choice(CHANNELS))
            self._own.append(entry)
            text: str | None = f"made in step {self._number}"
        else:
            entry = self._rng.choice(shown)
            is_edit = self._rng.random() < 0.7
            text = f"edited in step {self._number}" if is_edit else None
            if self._rng.random() < 0.3:
                entry.offer["type"] = self._rng.choice(TYPES)
        if not await self._make(entry, text, may_give_up=True):
            self._own.remove(entry)

    def _new(self, channel: str) -> Entry:
        self._number += 1
        item_id = f"{self.name}-{self._number}"
        # Some arrive late: dated long ago, they are news all the same.
        age_s = self._rng.choice([0, 0, 0, 3_600, 604_800])
        date = datetime.now(UTC) - timedelta(seconds=age_s)
        offer = {
            "id": item_id,
            "type": self._rng.choice(TYPES),
            "date": date.isoformat(timespec="milliseconds"),
            "title": f"Item {item_id}",
            "url": f"https://radio.example/{item_id}",
        }
        entry = self._ledger.entries[item_id] = Entry(item_id, channel, offer)
        return entry

    async def _make(self, entry: Entry, text: str | None, *, may_give_up: bool) -> bool:
        """Make one step of the item; False if its item has to rest."""
        entry.begin(text)
        tries = 0
        while not await self._try(entry):
            tries += 1
            self._findings.count("publishing tried again")
            if may_give_up and self._rng.random() < 0.05:
                return False
            await asyncio.sleep(self._rng.uniform(0.1, 0.5))
        return not tries

    async def _try(self, entry: Entry) -> bool:
        """Make one attempt; True if it was acknowledged."""
        assert entry.doubtful is not None
        text = entry.doubtful.text
        try:
            if text is None:
                return await self._remove(entry)
            offer = {**entry.offer, "content_text": text}
            if self._kind is None:
                answer = await self._http.publish(entry.channel, offer)
                result = answer.json
            else:
                session = await self._open_session()
                result = await session.ask("publish", channel=entry.channel, item=offer)
        except BROKEN:
            await self._drop_session()
            return False
        return self._acknowledged(entry, result)

    async def _remove(self, entry: Entry) -> bool:
        answer = await self._http.delete(entry.item_id)
        if answer.status == 404:
            text = f"{entry.item_id} was acknowledged and is not there to be removed"
            self._findings.broke(LOST, self.name, text)
        if answer.status != 204:
            return False
        self._findings.count("removals acknowledged")
        entry.acknowledge()
        return True

    async def _burst(self) -> None:
        """Publish a list in one request."""
        channel = self._rng.choice(CHANNELS[:3])
        entries = [self._new(channel) for _ in range(BURST_ITEMS)]
        text = f"{BURST_TEXT} {self._number}"
        for entry in entries:
            entry.begin(text)
        while entries:
            offers = [{**entry.offer, "content_text": text} for entry in entries]
            try:
                answer = await self._http.publish(channel, offers)
                results = answer.json["results"]
            except (*BROKEN, KeyError):  # no answer, or a refusal of all
                await asyncio.sleep(self._rng.uniform(0.1, 0.5))
                continue
            pairs = zip(entries, results, strict=True)
            entries = [one for one, its in pairs if not self._acknowledged(one, its)]

    def _acknowledged(self, entry: Entry, result: Message) -> bool:
        """Take in what the service said of the step; True if it has it."""
        if "rev" not in result:
            error = result.get("error", result)
            if error.get("code") not in _PASSING:
                self._findings.count(f"refused with {error.get('code')}")
            return False
        assert entry.doubtful is not None
        if result["rev"] != entry.doubtful.rev:
            text = f"{entry.item_id}: {result} for {entry.doubtful}"
            is_over = result["rev"] > entry.doubtful.rev
            self._findings.broke(DUPLICATED if is_over else LOST, self.name, text)
        self._findings.count("publishes acknowledged")
        entry.acknowledge()
        return True

    async def _open_session(self) -> Session:
        if self._session is None:
            opened = await (self._kind or RawSocket).open(self._url)  # type: ignore[attr-defined]
            self._session = opened
            await opened.auth(self._token)
        assert self._session is not None
        return self._session

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
