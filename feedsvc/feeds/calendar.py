"""iCalendar, RFC 5545; the library folds by octets and escapes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, Event, Timezone, TimezoneStandard

from feedsvc.feeds.entry import Entry, Feed

PRODUCT = "-//feedsvc//feedsvc//EN"

# What is postponed takes place, but nobody knows when.
_STATUS = {"cancelled": "CANCELLED", "postponed": "TENTATIVE"}
_ONE_DAY = timedelta(days=1)
# How often a program that subscribes should come; many come once a day otherwise.
_REFRESH = timedelta(hours=1)


def render(feed: Feed) -> bytes:
    """Return the document; the feed must have events only."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("uid", str(feed.uuid))
    calendar.add("name", feed.channel)
    # What calendar programs read instead of the standard's name.
    calendar.add("x-wr-calname", feed.channel)
    calendar.add("source", feed.url, parameters={"VALUE": "URI"})
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in feed.entries:
        calendar.add_component(_event(entry))
    if not feed.entries:
        # Of components there has to be one, 3.6; this one shows nothing.
        calendar.add_component(_utc())
    rendered: bytes = calendar.to_ical()
    return rendered


def _utc() -> Timezone:
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "UTC")
    standard.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 - has to have none
    standard.add("tzoffsetfrom", timedelta(0))
    standard.add("tzoffsetto", timedelta(0))
    zone.add_component(standard)
    return zone


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", str(entry.uuid))
    # Without a METHOD, 3.8.7.2, it tells when the event was last revised.
    event.add("dtstamp", entry.updated_at)
    event.add("created", entry.published_at)
    event.add("last-modified", entry.updated_at)
    event.add("sequence", entry.fields["rev"] - 1)
    event.add("status", _STATUS.get(entry.fields.get("status", ""), "CONFIRMED"))
    event.add("summary", entry.headline)
    for name, start_or_end in _times(entry).items():
        event.add(name, start_or_end)
    if entry.text or entry.fields.get("summary"):
        event.add("description", entry.text or entry.fields["summary"])
    if entry.url:
        event.add("url", entry.url)
    if entry.place:
        event.add("location", entry.place)
    venue = entry.fields.get("venue", {})
    if "lat" in venue and "lon" in venue:
        event.add("geo", (venue["lat"], venue["lon"]))
    if entry.tags:
        event.add("categories", list(entry.tags))
    return event


def _times(entry: Entry) -> dict[str, datetime | date]:
    """Return instants in UTC, or days where the time is of no matter or not known.

    An end that is not after the start is left out: 3.8.2.2 does not allow it.
    """
    start = datetime.fromisoformat(entry.fields["starts_at"]).astimezone(UTC)
    end = entry.instant("ends_at")
    if entry.has_time:
        has_end = end is not None and end > start
        return {"dtstart": start, **({"dtend": end} if has_end and end else {})}
    first = entry.local(start).date()
    last = entry.local(end) if end is not None and end > start else None
    if last is None or last.year == date.max.year:
        return {"dtstart": first}
    # The end is the day after the last one, also where it is told as 23:59.
    return {
        "dtstart": first,
        "dtend": (last - timedelta(milliseconds=1)).date() + _ONE_DAY,
    }
