"""What the operator's page watches: processes, the last hour, and the channels."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from feedsvc.core.access import Rights
from feedsvc.core.channel import Channel
from feedsvc.core.messages import encode
from feedsvc.core.position import Position
from feedsvc.editorial import MAX_PINNED
from feedsvc.net.editorial import OperatorHandler
from feedsvc.net.service import Service
from feedsvc.sampling import Sampler
from feedsvc.store.samples import STEP, State

# More rows than anybody reads; each costs a query for its last item.
MAX_CHANNELS = 200
# So many of those at a time.
MAX_LOOKS = 8
MINUTE_S = 60


class WatchHandler(OperatorHandler):
    """Tells what the processes of the deployment tell of themselves."""

    def initialize(self, service: Service, sampler: Sampler) -> None:  # type: ignore[override]  # with the samples
        super().initialize(service)
        self.sampler = sampler


class ProcessesHandler(WatchHandler):
    """``/admin/api/processes``: every process, and which one answers."""

    async def get(self) -> None:
        self.operator()
        states = await self.sampler.states()
        told = [_process(state) for state in states]
        self.reply(encode({"here": self.sampler.process, "processes": told}))


class HistoryHandler(WatchHandler):
    """``/admin/api/history``: all processes together over the last hour."""

    async def get(self) -> None:
        self.operator()
        samples = [asdict(sample) for sample in await self.sampler.hour()]
        answer = {"step_s": STEP.total_seconds(), "samples": samples}
        self.reply(encode(answer))


class TreeHandler(WatchHandler):
    """``/admin/api/channels``: items, subscribers and last item of the channels."""

    async def get(self) -> None:
        """Reply every channel, those that are only subscribed to as well.

        With ``find`` only those whose name has this text in it.
        """
        rights = Rights(subject=self.operator(), admin=True)
        states, counts = await asyncio.gather(
            self.sampler.states(), self.service.channels(rights)
        )
        items = _with_all_below(counts)
        changes = _with_all_below((path, 1) for path in self._changed_lately())
        subscribers = _subscribers(states)
        wanted = self.get_query_argument("find", "").strip().lower()
        every = {*items, *changes, *subscribers}
        paths = sorted(path for path in every if wanted in path)
        shown = paths[:MAX_CHANNELS]
        looks = asyncio.Semaphore(MAX_LOOKS)
        lasts = await asyncio.gather(
            *(self._last(rights, path, looks) for path in shown)
        )
        rows = ",".join(
            f'{{"channel":{encode(path)},"items":{items[path]},"changes":{changes[path]}'
            f',"subscribers":{subscribers[path]},"last":{last}}}'
            for path, last in zip(shown, lasts, strict=True)
        )
        more = encode(len(paths) - len(shown))
        self.reply(f'{{"channels":[{rows}],"more":{more}}}')

    def _changed_lately(self) -> Iterable[str]:
        """Return the channel of each change of the last minute that is remembered."""
        hub = self.service.relay.hub
        since = Position(hub.head.seconds - MINUTE_S, 0)
        lately = hub.ring.after(max(since, hub.ring.floor)) or ()
        return (delivery.item.path for delivery in lately)

    async def _last(self, rights: Rights, path: str, looks: asyncio.Semaphore) -> str:
        """Return the JSON of the newest item by date in the channel or below."""
        scope = self.service.rules.scope(rights, Channel(path))
        async with looks:
            # What is pinned comes first, however old it is.
            page = await self.service.page(scope, MAX_PINNED + 1)
        newest = max(page.items, key=lambda one: (one.date, one.id), default=None)
        return newest.text if newest else "null"


def watch_routes(service: Service, sampler: Sampler) -> list[Any]:
    """Return the URL table of these doors."""
    arguments = {"service": service, "sampler": sampler}
    return [
        (r"/admin/api/processes", ProcessesHandler, arguments),
        (r"/admin/api/history", HistoryHandler, arguments),
        (r"/admin/api/channels", TreeHandler, arguments),
    ]


def _process(state: State) -> dict[str, Any]:
    told = asdict(state)
    del told["subscribers"]
    return told


def _with_all_below(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for path, count in counts:
        for above in Channel(path).lineage:
            found[above] += count
    return found


def _subscribers(states: Sequence[State]) -> Counter[str]:
    """Return the subscribers of each channel in all processes."""
    found: Counter[str] = Counter()
    for state in states:
        found.update(state.subscribers)
    return found
