"""From raw candidates to offers for the store: channel, identity, schema.

Runs in the worker process, since sanitising is as exposed to hostile input as
parsing is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate
from feedsvc.errors import BadChannel, BadInput
from feedsvc.schema import offer
from ingest import identity
from ingest.exchange import Response
from ingest.filters import Unwanted
from ingest.sources.base import RawCandidate, Recheck, Source, State
from ingest.text import slug

# What a channel template may hold, as {name}.
PLACEHOLDERS = (
    *("artist_slug", "account_slug", "author_slug", "tag_slug"),
    *("venue_slug", "city_slug", "type"),
)

# A document with more faults than this is not read by a person to the end.
MAX_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Template:
    """A channel, or one with placeholders: ``radio.artists.{artist_slug}``."""

    text: str

    @classmethod
    def parse(cls, value: object) -> Template:
        """Return the template; raise ``BadChannel`` for what can never be one."""
        if not isinstance(value, str):
            raise BadChannel("channel", "must be a string")
        unknown = set(re.findall(r"\{(.*?)\}", value)) - set(PLACEHOLDERS)
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise BadChannel("channel", f"has {{{unknown.pop()}}}; known are {known}")
        Channel.parse(re.sub(r"\{\w+\}", "x", value))
        return cls(value)

    def channel(self, raw: RawCandidate) -> Channel:
        """Return the candidate's channel; raise ``BadChannel`` if it has none."""
        if "{" not in self.text:
            return Channel.parse(self.text)
        values = _values(raw)

        def fill(found: re.Match[str]) -> str:
            if not values[found[1]]:
                raise BadChannel("channel", f"needs {{{found[1]}}}, which it has not")
            return values[found[1]]

        return Channel.parse(re.sub(r"\{(\w+)\}", fill, self.text))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one response came to: a batch whose candidates the schema accepted."""

    offers: list[Candidate] = field(default_factory=list)
    unwanted: Counter[Unwanted] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    state: State = field(default_factory=dict)
    more: bool = False
    poll_after_s: int | None = None
    removed: Sequence[str] = ()
    is_complete: bool = False
    #: The ids of all that is there, wanted or not.
    seen: frozenset[str] = frozenset()


def read(
    source: Source, response: Response, state: State, template: Template, backfill: bool
) -> Reading:
    """Parse the response, check and sift each candidate; raise ``SourceError``."""
    batch = source.parse(response, state)
    filters = source.filters
    offers, faults = [], list(batch.faults)
    unwanted: Counter[Unwanted] = Counter()
    seen = set()
    for raw in batch.candidates:
        seen.add(identity.item_id(source.name, raw.source_id))
        try:
            found = to_offer(source.name, raw, template, backfill)
        except BadInput as error:
            faults.append(f"{raw.source_id[:100]}: {error}")
            continue
        reason = filters.reason(found, is_reply=raw.is_reply)
        if reason is None:
            offers.append(found)
        else:
            unwanted[reason] += 1
    return Reading(
        offers=offers,
        unwanted=unwanted,
        faults=faults[:MAX_FAULTS],
        fault_count=len(faults),
        state=batch.state,
        more=batch.more,
        poll_after_s=batch.poll_after_s,
        removed=batch.removed,
        is_complete=batch.is_complete,
        seen=frozenset(seen) if source.is_snapshot else frozenset(),
    )


def gone(source: Source, asked: Recheck, response: Response) -> Set[str]:
    """Return which of the items that were asked for are gone."""
    return source.gone(asked, response)


def to_offer(
    source: str, raw: RawCandidate, template: Template, backfill: bool
) -> Candidate:
    """Return the candidate for the store; raise ``BadInput`` if it is unfit."""
    fields = dict(raw.fields)
    if "date_published" in fields:
        fields.setdefault("date", fields["date_published"])
    return offer(
        fields,
        channel=template.channel(raw),
        item_id=identity.item_id(source, raw.source_id),
        source=source,
        source_id=raw.source_id,
        alt_id=raw.alt_id,
        backfill=backfill,
    )


def _values(raw: RawCandidate) -> dict[str, str]:
    fields: Mapping[str, Any] = raw.fields
    names = [one["name"] for one in fields.get("authors", ())]
    performers = [one["name"] for one in fields.get("performers", ())]
    venue: Mapping[str, str] = fields.get("venue", {})
    artist = fields.get("artist") or next(iter(performers), raw.artist)
    return {
        "artist_slug": slug(artist),
        "account_slug": slug(raw.account),
        "author_slug": slug(next(iter(names), "")),
        "tag_slug": slug(next(iter(fields.get("tags", ())), "")),
        "venue_slug": slug(venue.get("name", "")),
        "city_slug": slug(venue.get("city", "")),
        "type": fields["type"],
    }
