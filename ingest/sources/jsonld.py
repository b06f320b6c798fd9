"""Events of web pages, as they tell them to search engines: schema.org in JSON-LD."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from feedsvc.errors import SourceError
from ingest import identity, trim
from ingest.exchange import Request, Response
from ingest.sources.base import Batch, Option, RawCandidate, Source, State
from ingest.sources.ical import zone
from ingest.sources.schemaevent import Event, name_of, read_events
from ingest.sources.schemaorg import Graph, Node, types

MAX_EVENTS = 2_000

# The types whose names do not end in Event, and those that are no date to go to.
_EVENTS = {"Festival", "Hackathon", "EventSeries"}
_OTHERS = {"DeliveryEvent", "OnDemandEvent", "PublicationEvent"}
# Parameters that tell where a reader came from, not which page it is.
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id", re.IGNORECASE)


class PageSource(Source):
    """The events of the page at ``url``.  Times without a zone are ``timezone``'s."""

    kind = "jsonld"
    is_snapshot = True
    options: ClassVar[Mapping[str, Option]] = {
        "timezone": Option(zone, "zone of times that have none", ZoneInfo("UTC")),
    }

    def request(self, state: State) -> Request:
        return Request(
            self.url, {"Accept": "text/html, application/ld+json, */*;q=0.1"}
        )

    def parse(self, response: Response, state: State) -> Batch:
        graph = Graph(response)
        if graph.is_empty:
            raise SourceError("the page has no JSON-LD")
        faults = list(graph.faults)
        found = self._events(graph, faults)
        events = list(itertools.islice(found, MAX_EVENTS + 1))
        if len(events) > MAX_EVENTS:
            faults.append(f"only the first {MAX_EVENTS} events are read")
        candidates = _named(events[:MAX_EVENTS], response.url)
        return Batch(candidates, faults, is_complete=bool(candidates))

    def _events(self, graph: Graph, faults: list[str]) -> Iterator[Event]:
        for node, place, around in graph.nodes():
            if not _is_event(node, place):
                continue
            try:
                whole = around if place in ("subEvent", "subEvents") else None
                yield from read_events(graph, node, whole, self.given["timezone"])
            except ValueError as error:
                is_series = "EventSeries" in types(node)
                # A series is named for the sake of its dates, which are events too.
                if not is_series or not node.keys() & {"subEvent", "subEvents"}:
                    faults.append(f"event {name_of(graph, node)[:60]!r}: {error}")


def _is_event(node: Node, place: str) -> bool:
    # What an event is part of is named, not announced; nor is a reference to one.
    if place == "superEvent" or node.keys() <= {"@id", "@type"}:
        return False
    return any(
        name in _EVENTS or (name.endswith("Event") and name not in _OTHERS)
        for name in types(node)
    )


def _named(events: Sequence[Event], page: str) -> list[RawCandidate]:
    """Return the events under keys that no other event of the page has.

    That is the address or the ``@id``.  Several dates at one address are told apart
    by their date, which is the second key of every event: so it stays the same when
    a second date is added, or when the last but one is over.
    """
    dates: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for link in _keys(event, page):
            dates[link].add(event.date)
    is_list = len({(event.date, event.title) for event in events}) > 1
    if is_list:
        # What all have in common is the page, and says nothing of any of them.
        dates[_key(page, page)] |= {"", page}
    named: dict[str, RawCandidate] = {}
    for event in events:
        links = _keys(event, page)
        own = next((link for link in links if len(dates[link]) == 1), None)
        told = [link for link in links if link != _key(page, page) or not is_list]
        place = event.fields["venue"].get("name", "")
        first = told[0] if told else identity.digest(event.title, place)
        dated = f"{first}#{event.date}"
        candidate = RawCandidate(
            identity.bounded(own or dated),
            trim.fit(event.fields, page),
            alt_id=identity.bounded(dated),
        )
        known = named.get(candidate.source_id)
        # Some pages describe an event twice: the longer description counts.
        if known is None or len(candidate.fields) > len(known.fields):
            named[candidate.source_id] = candidate
    return list(named.values())


def _keys(event: Event, page: str) -> list[str]:
    return [_key(link, page) for link in event.links]


def _key(link: str, page: str) -> str:
    """Return the address as a key: absolute, and without who sent the reader."""
    try:
        parts = urlsplit(urljoin(page, link))
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return link
    kept = [(name, value) for name, value in query if not _TRACKING.fullmatch(name)]
    if len(kept) == len(query):
        return urlunsplit(parts)
    return urlunsplit(parts._replace(query=urlencode(kept)))
