"""The types of sources there are: those listed here and those that packages add."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from ingest.sources.azuracast import AzuraCastSource
from ingest.sources.base import Source
from ingest.sources.bluesky import BlueskySource
from ingest.sources.feed import FeedSource
from ingest.sources.files import FileSource
from ingest.sources.ical import CalendarSource
from ingest.sources.icecast import IcecastSource
from ingest.sources.json_api import JsonSource
from ingest.sources.jsonld import PageSource
from ingest.sources.mastodon import MastodonSource
from ingest.sources.shoutcast import ShoutcastSource
from ingest.sources.songkick import SongkickSource
from ingest.sources.ticketmaster import TicketmasterSource
from ingest.sources.x import XSource

# Packages register more types under this group, by type name.
ENTRY_POINTS = "feedsvc.sources"

BUILT_IN: tuple[type[Source], ...] = (
    *(FeedSource, MastodonSource, BlueskySource, XSource, CalendarSource),
    *(JsonSource, FileSource),
    *(PageSource, TicketmasterSource, SongkickSource),
    *(IcecastSource, ShoutcastSource, AzuraCastSource),
)


def source_types() -> Mapping[str, type[Source]]:
    """Return every type by its name; ours win over a package's of the same name."""
    added = {point.name: point.load() for point in entry_points(group=ENTRY_POINTS)}
    return {**added, **{source.kind: source for source in BUILT_IN}}
