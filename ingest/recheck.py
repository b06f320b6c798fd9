"""Asking a source whether it still has what we stored of it; what is gone goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from feedsvc.core.record import Record
from feedsvc.store.sourced import SourcedItems
from ingest import decide
from ingest.config import Job
from ingest.fetch import Fetcher
from ingest.isolate import Readers
from ingest.sources.base import Recheck, State
from ingest.taking import Taker

# What an answer that is no document says of one item.
NOT_THERE = frozenset({decide.NOT_FOUND, decide.GONE})


@dataclass(frozen=True, slots=True)
class Rechecked:
    """How many items were asked for so far, and how many of them are gone."""

    asked: int = 0
    gone: int = 0
    not_askable: int = 0


class Rechecker:
    """Asks for stored items of one source; ``spend`` is called for each request."""

    def __init__(
        self,
        job: Job,
        sourced: SourcedItems,
        fetcher: Fetcher,
        readers: Readers,
        taker: Taker,
        spend: Callable[[], None],
    ) -> None:
        self._job = job
        self._sourced = sourced
        self._fetcher = fetcher
        self._readers = readers
        self._taker = taker
        self._spend = spend

    async def recheck(
        self, state: State, clock: Callable[[], datetime], *, newest: int = 0
    ) -> AsyncIterator[Rechecked]:
        """Remove what is gone, and yield after each answer how far it is.

        ``newest`` limits it to so many items; 0 means all.  Raise ``SourceError`` if
        the source does not answer, and what ``spend`` raises.
        """
        done = Rechecked()
        name = self._job.source.name
        async for page in self._sourced.stored(name, newest=newest):
            by_id = {
                record.newest.source_id: record for record in page if record.newest
            }
            questions = self._job.source.recheck(list(by_id), state)
            asked = {one for question in questions for one in question.source_ids}
            done = Rechecked(
                done.asked, done.gone, done.not_askable + len(by_id.keys() - asked)
            )
            yield done
            for question in questions:
                gone = await self._gone(question)
                await self._remove([by_id[one] for one in gone], clock())
                done = Rechecked(
                    done.asked + len(question.source_ids),
                    done.gone + len(gone),
                    done.not_askable,
                )
                yield done

    async def _gone(self, question: Recheck) -> Sequence[str]:
        self._spend()
        response = await self._fetcher.get(
            question.request,
            allow_private=self._job.allow_private,
            timeout_s=self._job.timeout_s,
            accepted=NOT_THERE,
        )
        gone = await self._readers.gone(self._job.source, question, response)
        return sorted(gone & set(question.source_ids))

    async def _remove(self, records: Sequence[Record], now: datetime) -> None:
        for record in records:
            await self._taker.remove(record.id, now)
