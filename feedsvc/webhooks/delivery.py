"""Delivering: for each endpoint, its messages one after another in commit order.

The process that holds the endpoint's lease follows the change stream from where the
endpoint stands, and moves on once the receiver has taken a message or it was given
up.  What was taken shortly before a crash may be told again: at least once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from feedsvc.core.access import Rules
from feedsvc.core.position import Cursor, Position
from feedsvc.endpoints import Endpoint
from feedsvc.errors import Unavailable
from feedsvc.store import Database
from feedsvc.store.changes import (
    ChangeStream,
    Committed,
    Expired,
    HistoryLost,
    Idle,
    Silent,
)
from feedsvc.store.items import collection_epoch
from feedsvc.store.webhooks import DeadLetter, Standing, WebhookStore
from feedsvc.webhooks.message import Message, message
from feedsvc.webhooks.retry import Outcome, wait_s
from feedsvc.webhooks.sender import Sender

log = logging.getLogger("feedsvc.webhooks")

LEASE_S, RENEW_S = 30.0, 10.0
# How often who has no lease looks whether there is one to be had.
LOOK_S = 5.0
# Where nothing is told the position is kept this often, for a restart to begin near.
SAVE_S = 5.0
# How often to look for dead letters that somebody wants sent again, and for how long
# to send them before what is new has its turn.
AGAIN_S = 2.0

Event = Committed | Silent | Expired | Idle


@dataclass(slots=True)
class Counts:
    """What one process has done for one endpoint so far."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    gaps: int = 0
    leased: bool = False


class LeaseLost(Exception):
    """Another process delivers to the endpoint by now."""


@dataclass(slots=True)
class Webhooks:
    """All endpoints of the configuration; ``work`` is what to run."""

    database: Database
    endpoints: Sequence[Endpoint]
    rules: Rules
    holder: str
    counts: dict[str, Counts] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = {one.name: Counts() for one in self.endpoints}

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """Return what to keep running: one endpoint does not hold up another."""
        return [self._deliver(one) for one in self.endpoints]

    async def _deliver(self, endpoint: Endpoint) -> None:
        sender = Sender()
        try:
            counts = self.counts[endpoint.name]
            mail = Mail(endpoint, WebhookStore(self.database), sender, counts)
            await Follower(mail, self.database, self.rules, self.holder).run()
        finally:
            sender.close()


class Mail:
    """Delivers the messages of one endpoint, and buries those that it gives up."""

    def __init__(
        self, endpoint: Endpoint, store: WebhookStore, sender: Sender, counts: Counts
    ) -> None:
        self.endpoint = endpoint
        self.store = store
        self.counts = counts
        self._sender = sender
        #: Since when the receiver has taken nothing; None while it is well.
        self.failing_since: datetime | None = None

    async def deliver(self, sent: Message, keep: Callable[[], Awaitable[None]]) -> None:
        """Try until the receiver has the message, or bury it.

        ``keep`` is called every now and then, to renew the lease.
        """
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._attempt(sent, attempt)
            if outcome.is_delivered:
                return
            # A refusal is the answer of a receiver that is well.
            is_well = outcome.is_refused
            failing_s = 0.0 if is_well else await self._failing_s(datetime.now(UTC))
            limit_s = self.endpoint.give_up_s
            pause_s = wait_s(outcome, attempt, failing_s, limit_s, random.random)
            if pause_s is None:
                await self._bury(sent, outcome, attempt)
                return
            until = time.monotonic() + pause_s
            while (left_s := until - time.monotonic()) > 0:
                await asyncio.sleep(min(left_s, RENEW_S))
                await keep()

    async def again(self, keep: Callable[[], Awaitable[None]]) -> None:
        """Send, once each, dead letters that somebody wants sent again.

        There may be thousands for a slow receiver: only some of them, each time.
        """
        until = time.monotonic() + AGAIN_S
        while (letter := await self.store.next_again(self.endpoint.name)) is not None:
            await keep()
            sent = Message(
                letter.id, letter.event, letter.item_id, letter.channel, letter.body
            )
            outcome = await self._attempt(sent, letter.attempts + 1)
            if outcome.is_delivered:
                await self.store.unbury(letter)
            else:
                await self._bury(sent, outcome, letter.attempts + 1)
            if time.monotonic() >= until:
                return

    async def _attempt(self, sent: Message, attempt: int) -> Outcome:
        outcome = await self._sender.send(self.endpoint, sent)
        if outcome.is_delivered:
            self.counts.delivered += 1
            if self.failing_since is not None:
                self.failing_since = None
                await self.store.mark_failing(self.endpoint.name, None)
        else:
            self.counts.failed += 1
            log.warning(
                "webhook failed endpoint=%s message=%s attempt=%d cause=%s",
                *(self.endpoint.name, sent.id, attempt, outcome.told),
            )
        return outcome

    async def _failing_s(self, now: datetime) -> float:
        """Return for how long the receiver has been failing; from now, if it was well.

        It is kept, so that a restart of ours does not begin to count anew.
        """
        if self.failing_since is None:
            self.failing_since = now
            await self.store.mark_failing(self.endpoint.name, now)
        return (now - self.failing_since).total_seconds()

    async def _bury(self, sent: Message, outcome: Outcome, attempts: int) -> None:
        self.counts.given_up += 1
        log.error(
            "webhook given up endpoint=%s message=%s attempts=%d cause=%s",
            *(self.endpoint.name, sent.id, attempts, outcome.told),
        )
        await self.store.bury(
            DeadLetter(
                self.endpoint.name,
                sent.id,
                sent.event,
                sent.item_id,
                sent.channel,
                sent.body,
                outcome.told,
                attempts,
                datetime.now(UTC),
            )
        )


class Follower:
    """Follows the change stream for one endpoint while this process has its lease."""

    def __init__(
        self, mail: Mail, database: Database, rules: Rules, holder: str
    ) -> None:
        self._mail = mail
        self._endpoint = mail.endpoint
        self._store = mail.store
        self._database = database
        self._changes = ChangeStream(database, past_s=0)
        self._scopes = mail.endpoint.scopes(rules)
        self._holder = holder
        # How far we are; kept whenever it is worth it, and when we stop.
        self._standing = Standing(mail.endpoint.name, 0)
        self._saved_at = self._asked_at = self._renewed_at = 0.0
        # Renewed between attempts, and one attempt may take its time.
        self._lease_s = LEASE_S + mail.endpoint.timeout_s

    async def run(self) -> None:
        """Take the lease whenever it is free, and deliver while it is ours."""
        name = self._endpoint.name
        while True:
            try:
                now = datetime.now(UTC)
                standing = await self._store.lease(
                    name, self._holder, now, self._lease_s
                )
                if standing is not None:
                    await self._work(standing)
            except (LeaseLost, Unavailable) as cause:
                log.warning("webhook paused endpoint=%s cause=%r", name, cause)
            except Exception:
                # One receiver's trouble must not end the service, nor stay unseen.
                log.exception("webhook broken endpoint=%s", name)
            await asyncio.sleep(LOOK_S * random.uniform(0.5, 1))  # noqa: S311 no secret

    async def _work(self, standing: Standing) -> None:
        """Deliver until the lease is lost, the database is, or we are cancelled."""
        self._standing, self._renewed_at = standing, time.monotonic()
        try:
            await self._store.prepare()
            self._mail.failing_since = standing.failing_since
            await self._begin()
            self._mail.counts.leased = True
            log.info("webhook leased endpoint=%s", standing.name)
            await self._follow()
        finally:
            self._mail.counts.leased = False
            await self._changes.close()
            with suppress(Unavailable):
                await self._store.save(self._standing)
                await self._store.release(self._standing)

    async def _follow(self) -> None:
        while True:
            try:
                async for event in self._changes:
                    await self._take(event)
            except HistoryLost as loss:
                await self._skip(loss)

    async def _keep(self) -> None:
        """Renew the lease if it is time; raise ``LeaseLost`` if it is another's."""
        now = time.monotonic()
        if now - self._renewed_at >= RENEW_S:
            self._renewed_at = now
            at = datetime.now(UTC)
            if not await self._store.renew(self._standing, at, self._lease_s):
                raise LeaseLost

    async def _begin(self) -> None:
        """Open the stream where the endpoint stands; a new one begins now."""
        known = self._standing
        if known.position is None:
            await self._open(None)
        elif known.epoch != await collection_epoch(self._database):
            await self._skip(HistoryLost("the items were made anew"))
        else:
            try:
                await self._open(known.position)
            except HistoryLost as loss:
                await self._skip(loss)

    async def _skip(self, loss: HistoryLost) -> None:
        """Go on from now; what lies between can't be told any more."""
        self._mail.counts.gaps += 1
        log.error("webhook gap endpoint=%s cause=%s", self._endpoint.name, loss)
        await self._open(None)

    async def _open(self, after: Position | None) -> None:
        floor = await self._changes.open(after)
        epoch = await collection_epoch(self._database)
        self._standing = replace(self._standing, epoch=epoch, position=floor)
        await self._save()

    async def _take(self, event: Event) -> None:
        """Tell of the event if it is wanted, and move on."""
        await self._keep()
        item = event.item if isinstance(event, Committed) else None
        is_told = item is not None and self._endpoint.wants(item, self._scopes)
        if item is not None and is_told:
            cursor = Cursor(self._standing.epoch, event.position)
            await self._mail.deliver(message(item, cursor), self._keep)
        self._standing = replace(self._standing, position=event.position)
        now = time.monotonic()
        if is_told or now - self._saved_at >= SAVE_S:
            await self._save()
        if now - self._asked_at >= AGAIN_S:
            await self._mail.again(self._keep)
            self._asked_at = time.monotonic()

    async def _save(self) -> None:
        if not await self._store.save(self._standing):
            raise LeaseLost
        self._saved_at = time.monotonic()
