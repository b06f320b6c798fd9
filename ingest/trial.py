"""Trying an address out: what it offers is found, read once, and not stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from feedsvc.config import Settings, SourceTable
from feedsvc.core.item import Candidate
from feedsvc.errors import ConfigError, SourceError
from ingest import blocks, decide, discover
from ingest.config import Job, jobs
from ingest.discover import Found
from ingest.exchange import FetchError, Request, Response
from ingest.fetch import Fetcher
from ingest.isolate import ReaderBug, Readers
from ingest.text import slug

# An account is looked up first; more pages than that a look need not have.
MAX_PAGES = 3
# Of what a page offers so much is tried until something has items.
MAX_TRIED = 5

SCHEDULES = {
    "mastodon": "every 5m",
    "bluesky": "every 5m",
    "ical": "every 1h",
    "jsonld": "every 1h",
    "icecast": "every 15s",
    "azuracast": "every 15s",
}
SCHEDULE = "every 15m"


@dataclass(frozen=True, slots=True)
class Trial:
    """One source that was tried: its table, what it has, and what went wrong."""

    found: Found
    values: Mapping[str, str | bool]
    items: Sequence[Candidate] = ()
    faults: Sequence[str] = ()
    error: str = ""

    @property
    def block(self) -> str:
        return blocks.block(self.values)


@dataclass(slots=True)
class Findings:
    """What came of an address: what was tried, and what else there is."""

    tried: list[Trial] = field(default_factory=list)
    others: list[Found] = field(default_factory=list)
    error: str = ""

    @property
    def best(self) -> Trial | None:
        """The first that has items, else the first that could be read at all."""
        readable = [one for one in self.tried if not one.error]
        return next((one for one in readable if one.items), next(iter(readable), None))


class Explorer:
    """Tries out one address; ``tell`` is told what is being done."""

    def __init__(
        self,
        settings: Settings,
        fetcher: Fetcher,
        readers: Readers,
        tell: Callable[[str], None],
        *,
        environ: Mapping[str, str],
        channel: str | None = None,
        allow_private: bool = False,
    ) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._readers = readers
        self._tell = tell
        self._environ = environ
        self._channel = channel
        self._allow_private = allow_private

    async def explore(self, text: str) -> Findings:
        """Find and try what an address, a page or a handle offers."""
        findings = Findings()
        named = discover.by_name(text)
        is_done = await self._try_all(named, findings)
        if not is_done and all(one.is_guess for one in named):
            await self._try_all(await self._offered(text, findings), findings)
        return findings

    async def _try_all(self, found: Sequence[Found], findings: Findings) -> bool:
        """Try one after the other; true once one of them has items."""
        for number, one in enumerate(found):
            if number == MAX_TRIED:
                findings.others.extend(found[number:])
                break
            trial = await self._try(one)
            findings.tried.append(trial)
            if trial.items:
                findings.others.extend(found[number + 1 :])
                return True
        return False

    async def _offered(self, text: str, findings: Findings) -> Sequence[Found]:
        """Return what the document has, else what is at the usual places."""
        found: Sequence[Found] = ()
        for url in discover.addresses(text):
            try:
                found = await self._in(url)
                break
            except SourceError as error:
                findings.error = str(error)
                if isinstance(error, FetchError) and error.status is not None:
                    break
        else:
            # No server has answered, and none will at another path.
            return ()
        for path in discover.WELL_KNOWN if not found else ():
            try:
                there = await self._in(urljoin(url, path))
            except SourceError:
                continue
            # A page in the place of a feed is the site's way to say no.
            found = [one for one in there if one.url.endswith(path)]
            if found:
                break
        return found

    async def _in(self, url: str) -> Sequence[Found]:
        self._tell(f"looks at {url}")
        response = await self._get(Request(url, {"Accept": "*/*"}))
        try:
            return await self._readers.discover(response)
        except ReaderBug as error:
            raise SourceError(f"{url}: cannot be looked through") from error

    async def _get(self, request: Request) -> Response:
        return await self._fetcher.get(request, allow_private=self._allow_private)

    async def _try(self, found: Found) -> Trial:
        self._tell(f"tries {found.kind} {found.url}")
        trial = Trial(found, self._values(found))
        table = SourceTable(trial.values, 1, {})
        settings = replace(self._settings, sources=(table,))
        try:
            [job] = jobs(settings, self._environ)
            return await self._read(job, trial)
        except ConfigError as error:
            told = "; ".join(fault.partition(": ")[2] for fault in error.faults)
            return replace(trial, error=told)
        except SourceError as error:
            return replace(trial, error=str(error))

    async def _read(self, job: Job, trial: Trial) -> Trial:
        state: Mapping[str, object] = {}
        offers: list[Candidate] = []
        faults: list[str] = []
        for _ in range(MAX_PAGES):
            response = await self._get(job.source.request(state))
            reading = await self._readers.read(
                job.source, response, state, job.template, backfill=True
            )
            offers, state = [*offers, *reading.offers], reading.state
            faults += reading.faults
            if offers or not reading.more:
                break
        rules = self._settings.channel_rules
        chosen = decide.select(offers, job.policy, rules, datetime.now(UTC))
        faults += [f"{count} {reason}" for reason, count in chosen.dropped.items()]
        return replace(trial, items=chosen.kept[::-1], faults=faults)

    def _values(self, found: Found) -> dict[str, str | bool]:
        host = (urlsplit(found.url).hostname or "").removeprefix("www.")
        name = slug(found.title)[:48] or slug(host)[:48] or "source"
        values: dict[str, str | bool] = {"name": name, "type": found.kind}
        if found.url:
            # A page may have put ${…} into its links: no variable of ours goes there.
            values["url"] = found.url.replace("$", "%24")
        values |= found.options
        values["channel"] = self._channel or f"feeds.{name}"
        values["schedule"] = SCHEDULES.get(found.kind, SCHEDULE)
        if self._allow_private:
            values["allow_private"] = True
        return values
