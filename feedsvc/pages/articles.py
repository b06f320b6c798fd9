"""Item to HTML, one function a type, as the widget's ``render.js`` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from feedsvc.feeds import Entry
from feedsvc.pages.dates import place_time
from feedsvc.pages.html import Html, h, link, safe_url
from feedsvc.pages.parts import (
    Context,
    byline,
    line,
    media,
    picture,
    prose,
    title,
    when,
)

Blocks = list[Html | None]

# A track without a length plays this long, and any one a little longer.
TRACK_S = 600
GRACE_S = 60


def articles(entries: Sequence[Entry], size: int, context: Context) -> list[Html]:
    """Return one article for each item, as they stand on the page.

    ``size`` is how many there are in all, -1 if nobody knows.
    """
    playing = playing_now(entries, context.now)
    return [
        _article(number, size, entry, entry is playing, context)
        for number, entry in enumerate(_placed(entries, playing), start=1)
    ]


def playing_now(entries: Sequence[Entry], now: datetime) -> Entry | None:
    """Return the track that plays: the newest, unless it must have ended."""
    track = next((one for one in entries if one.type == "track"), None)
    return track if track is not None and _ends_at(track) > now else None


def _ends_at(track: Entry) -> datetime:
    started_at = track.instant("started_at") or track.published_at
    seconds = track.fields.get("duration") or TRACK_S
    try:
        return started_at + timedelta(seconds=seconds + GRACE_S)
    except OverflowError:
        return datetime.max.replace(tzinfo=started_at.tzinfo)


def _placed(entries: Sequence[Entry], playing: Entry | None) -> list[Entry]:
    """Return them by place: pinned ones, what plays, then the others by date."""

    def place(entry: Entry) -> int:
        return 0 if entry.fields.get("pinned") else 1 if entry is playing else 2

    return sorted(entries, key=place)


def _article(
    number: int, size: int, entry: Entry, is_playing: bool, context: Context
) -> Html:
    blocks = [
        h("p.flag.pinned", None, "📌") if entry.fields.get("pinned") else None,
        *_RENDERERS.get(entry.type, _post)(entry, context),
    ]
    name = f"s{number}"
    names = f"item {entry.type}"
    attributes = {
        "class": f"{names} playing" if is_playing else names,
        "part": names,
        "tabindex": 0,
        "data-id": entry.fields["id"],
        "aria-labelledby": name,
        "aria-posinset": number,
        "aria-setsize": size,
    }
    return h("article", attributes, _named("".join(filter(None, blocks)), name))


def _named(blocks: str, name: str) -> Html:
    """Give the first block that can name the article the id by which it is found.

    No text can be taken for such a block: its quotes are escaped.
    """
    marks = [mark for mark in (' class="title"', ' class="name"') if mark in blocks]
    first = min(marks, key=blocks.index, default=" ")
    return Html(blocks.replace(first, f' id="{name}"{first}', 1))


def _post(entry: Entry, context: Context) -> Blocks:
    fields = entry.fields
    sign = "⟲" if fields.get("repost_of") else "↩"
    is_flagged = fields.get("repost_of") or fields.get("in_reply_to")
    content = [title(entry), prose(entry), media(entry), _card(entry)]
    if fields.get("sensitive"):
        warning = f"⚠ {fields.get('summary', '')}"
        summary = h("summary", {"dir": "auto"}, warning)
        content = [h("details.sensitive", None, summary, *content)]
    return [
        h("p.flag", None, sign) if is_flagged else None,
        byline(entry, context),
        *content,
    ]


def _card(entry: Entry) -> Html | None:
    """Return the page that a post points to."""
    url = safe_url(entry.fields.get("external_url"))
    if url is None or url == entry.fields.get("url"):
        return None
    host = urlsplit(url).netloc.rpartition("@")[2]
    return link(url, ".card", host.removeprefix("www."))


def _article_item(entry: Entry, context: Context) -> Blocks:
    names = ", ".join(str(author["name"]) for author in entry.authors)
    return [
        media(entry, 1),
        line("p.kicker", entry.tags[0] if entry.tags else None),
        title(entry),
        line("p.lead.text", entry.fields.get("summary") or entry.text, entry),
        h("p.meta", None, line("bdi", names), when(entry, context)),
    ]


def _event(entry: Entry, context: Context) -> Blocks:
    fields = entry.fields
    starts_at = datetime.fromisoformat(fields["starts_at"])
    time = place_time(starts_at, entry, context.speech.locale)
    venue, status = fields.get("venue", {}), fields.get("status", "scheduled")
    place = ", ".join(str(venue[word]) for word in ("name", "city") if venue.get(word))
    leaf = [h("b.month", None, time.month), h("b.day", None, time.day)]
    what = h(
        "div.what",
        None,
        _badge(status, context),
        title(entry),
        _when(entry, context),
        line("p.meta.venue", link(venue.get("url"), "", place) if place else None),
        _actions(entry, context) if status != "cancelled" else None,
    )
    return [h("div.leaf.date", {"aria-hidden": "true"}, *leaf), what, media(entry, 1)]


def _badge(status: str, context: Context) -> Html | None:
    if status == "scheduled":
        return None
    text = "Online" if status == "moved_online" else context.text(status)
    return h(f"p.badge.{status}", None, text)


def _when(entry: Entry, context: Context) -> Html:
    locale = context.speech.locale
    start, old = (
        place_time(at, entry, locale) if at else None
        for at in map(entry.instant, ("starts_at", "previous_starts_at"))
    )
    date = start.date if start else ""
    hour = f" · {start.time}" if start and entry.has_time else ""
    return h(
        "p.meta.when",
        None,
        h("s", None, old.date) if old else None,
        h("time", {"datetime": entry.fields["starts_at"]}, date + hour),
    )


def _actions(entry: Entry, context: Context) -> Html:
    fields = entry.fields
    urls = (safe_url(offer.get("url")) for offer in fields.get("offers", ()))
    url = next((url for url in urls if url), None)
    channel, own_id = quote(fields["channel"]), quote(fields["id"], safe="")
    ics = f"{context.base}/feeds/{channel}.ics?id={own_id}"
    return h(
        "p.actions",
        None,
        link(url, ".button.tickets", context.text("tickets")) if url else None,
        link(ics, ".button.calendar", context.text("calendar")),
    )


def _track(entry: Entry, context: Context) -> Blocks:
    fields = entry.fields
    art = safe_url(fields.get("art"))
    what = h(
        "div.what",
        None,
        h("p.kicker.now", None, context.text("now")),
        title(entry),
        line("p.artist", fields.get("artist")),
        line("p.meta.album", fields.get("album")),
    )
    cover = h("div.art", {"aria-hidden": "true"}, picture(art) if art else "♪")
    return [cover, what, when(entry, context)]


def _episode(entry: Entry, context: Context) -> Blocks:
    summary = entry.fields.get("summary")
    return [
        h("p.meta", None, when(entry, context)),
        title(entry),
        line("p.prose.text", summary, entry) if summary else prose(entry),
        media(entry),
    ]


_RENDERERS: Mapping[str, Callable[[Entry, Context], Blocks]] = {
    "post": _post,
    "article": _article_item,
    "event": _event,
    "track": _track,
    "episode": _episode,
}
