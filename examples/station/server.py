"""The station's own systems over HTTP: a feed, posts, a calendar, what is playing.

Everything follows from the time of day, so there is nothing to keep.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any, ClassVar
from xml.sax.saxutils import escape as xml
from zoneinfo import ZoneInfo

from tornado.web import Application, RequestHandler, StaticFileHandler

from examples.station.concerts import CONCERTS, Concert
from examples.station.news import ARTICLES, Article
from examples.station.posts import ACCOUNTS, Account, Post
from examples.station.replay import Published, played, published
from examples.station.tracks import TRACKS

ART = Path(__file__).parents[2] / "web" / "demo" / "art"

NEWS_EVERY_S = 150
POST_EVERY_S = 300
CONCERT_EVERY_S = 240

# How long after it came out a thing is corrected, retitled, moved or called off.
POST_EDIT_S = 30
ARTICLE_EDIT_S = 100
CONCERT_EDIT_S = 200

LENGTHS_S = tuple(track.seconds for track in TRACKS)


def application(url: str, clock: Callable[[], datetime]) -> Application:
    """Return the station as it is reached at ``url``."""
    shared = {"url": url, "clock": clock}
    return Application(
        [
            (r"/news\.rss", NewsFeed, shared),
            (r"/api/v1/accounts/lookup", AccountLookup, shared),
            (r"/api/v1/accounts/(\d+)/statuses", Statuses, shared),
            (r"/events\.ics", Calendar, shared),
            (r"/onair\.json", OnAir, shared),
            (r"/(?:news|posts|events)/[\w-]+", Page, shared),
            (r"/art/([a-z]+\.svg)", StaticFileHandler, {"path": str(ART)}),
            (r"/", Page, shared),
        ]
    )


def articles(now: datetime) -> list[Published[Article]]:
    return published(ARTICLES, now, every_s=NEWS_EVERY_S)


def posts(account: Account, now: datetime) -> list[Published[Post]]:
    # The accounts take turns, so that there is something every minute.
    turn = ACCOUNTS.index(account) * POST_EVERY_S // len(ACCOUNTS)
    return published(account.posts, now, every_s=POST_EVERY_S, offset_s=turn)


def concerts(now: datetime) -> list[Published[Concert]]:
    return published(CONCERTS, now, every_s=CONCERT_EVERY_S, offset_s=40)


def on_air(now: datetime, url: str, count: int = 6) -> list[dict[str, Any]]:
    """Return the last tracks as items of the service, newest first."""
    items = []
    for index, since in played(LENGTHS_S, now, count):
        track = TRACKS[index]
        items.append(
            {
                "id": f"onair-{since:%Y%m%dT%H%M%S}",
                "type": "track",
                "title": track.title,
                "artist": track.artist,
                "album": track.album,
                "duration": track.seconds,
                "started_at": since.isoformat(),
                "date": since.isoformat(),
                "art": f"{url}/art/{track.picture}.svg",
            }
        )
    return items


class Handler(RequestHandler):
    """What the handlers share: where the station is, and what time it is."""

    url: str
    now: datetime

    def initialize(self, url: str, clock: Callable[[], datetime]) -> None:
        self.url = url
        self.now = clock()

    def send_json(self, found: object, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(found, ensure_ascii=False))


class NewsFeed(Handler):
    """The newsroom's RSS feed."""

    def get(self) -> None:
        items = "".join(self._item(one) for one in articles(self.now))
        self.set_header("Content-Type", "application/rss+xml; charset=utf-8")
        self.finish(
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
            f"<title>Radio Meridian News</title><link>{self.url}/</link>"
            "<description>From the newsroom</description><language>en</language>"
            f"{items}</channel></rss>"
        )

    def _item(self, one: Published[Article]) -> str:
        article = one.content
        is_later = article.later and one.age_s(self.now) > ARTICLE_EDIT_S
        link = f"{self.url}/news/{one.number}"
        tags = "".join(f"<category>{xml(tag)}</category>" for tag in article.tags)
        return (
            f"<item><title>{xml(article.later if is_later else article.title)}</title>"
            f"<link>{link}</link><guid>{link}</guid>"
            f"<dc:creator>{xml(article.author)}</dc:creator>"
            f"<pubDate>{format_datetime(one.at)}</pubDate>{tags}"
            f"<description>{xml(f'<p>{escape(article.text)}</p>')}</description></item>"
        )


class AccountLookup(Handler):
    """Mastodon's way from a name to an account."""

    def get(self) -> None:
        acct = self.get_query_argument("acct", "").partition("@")[0]
        for account in ACCOUNTS:
            if account.acct == acct:
                self.send_json(shown(account, self.url))
                return
        self.send_json({"error": "Record not found"}, 404)


class Statuses(Handler):
    """Mastodon's posts of an account, newest first."""

    def get(self, account_id: str) -> None:
        account = next((one for one in ACCOUNTS if one.id == account_id), None)
        if account is None:
            self.send_json({"error": "Record not found"}, 404)
            return
        found = [self._status(account, one) for one in posts(account, self.now)]
        limit = int(self.get_query_argument("limit", "20"))
        min_id = int(self.get_query_argument("min_id", "0"))
        newer = [status for status in found if int(status["id"]) > min_id]
        # After min_id come the posts that follow it, not the newest ones.
        self.send_json(newer[-limit:] if min_id else newer[:limit])

    def _status(self, account: Account, one: Published[Post]) -> dict[str, Any]:
        post = one.content
        is_edited = bool(post.first) and one.age_s(self.now) > POST_EDIT_S
        text = post.text if is_edited or not post.first else post.first
        link = f"{self.url}/posts/{account.acct}-{one.number}"
        edited_at = one.at + timedelta(seconds=POST_EDIT_S)
        return {
            "id": str(int(one.at.timestamp()) * 100 + int(account.id) % 100),
            "uri": link,
            "url": link,
            "created_at": iso(one.at),
            "edited_at": iso(edited_at) if is_edited else None,
            "visibility": "public",
            "language": "en",
            "sensitive": bool(post.warning),
            "spoiler_text": post.warning,
            "content": f"<p>{escape(text)}</p>",
            "account": shown(account, self.url),
            "reblog": None,
            "media_attachments": self._media(post),
            "tags": [],
        }

    def _media(self, post: Post) -> list[dict[str, Any]]:
        if not post.picture:
            return []
        size = {"width": 400, "height": 400}
        return [
            {
                "type": "image",
                "url": f"{self.url}/art/{post.picture}.svg",
                "description": post.alt,
                "meta": {"original": size},
            }
        ]


class Calendar(Handler):
    """The events as iCalendar."""

    def get(self) -> None:
        events = [line for one in concerts(self.now) for line in self._event(one)]
        lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Radio Meridian//Station//EN",
            *events,
            "END:VCALENDAR",
            "",
        ]
        self.set_header("Content-Type", "text/calendar; charset=utf-8")
        self.finish("\r\n".join(lines))

    def _event(self, one: Published[Concert]) -> list[str]:
        concert = one.content
        change = concert.change if one.age_s(self.now) > CONCERT_EDIT_S else ""
        day = one.at.date() + timedelta(days=2 + one.number * 5 % 26)
        start = datetime(
            day.year, day.month, day.day, concert.hour, tzinfo=ZoneInfo(concert.zone)
        )
        start += timedelta(hours=change == "later")
        zone = f"TZID={concert.zone}"
        return [
            "BEGIN:VEVENT",
            f"UID:{one.number}@meridian.example",
            f"DTSTAMP:{one.at:%Y%m%dT%H%M%SZ}",
            f"CREATED:{one.at:%Y%m%dT%H%M%SZ}",
            f"SEQUENCE:{int(bool(change))}",
            f"STATUS:{'CANCELLED' if change == 'cancelled' else 'CONFIRMED'}",
            f"SUMMARY:{quoted(concert.title)}",
            f"DESCRIPTION:{quoted(concert.text)}",
            f"LOCATION:{quoted(concert.venue)}",
            f"URL:{self.url}/events/{one.number}",
            f"CATEGORIES:{','.join(concert.tags)}",
            f"DTSTART;{zone}:{start:%Y%m%dT%H%M%S}",
            f"DTEND;{zone}:{start + timedelta(hours=2):%Y%m%dT%H%M%S}",
            "END:VEVENT",
        ]


class OnAir(Handler):
    """What is playing, and what was before."""

    def get(self) -> None:
        current, *before = on_air(self.now, self.url)
        self.send_json({"now": current, "before": before})


class Page(Handler):
    """Where the links of items lead: the station has no pages beyond this one."""

    PAGE: ClassVar[str] = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Radio Meridian</title>"
        "<body style='font:1.1rem/1.5 system-ui;max-width:34rem;margin:4rem auto'>"
        "<h1>Radio Meridian</h1><p>This is the station’s own system, which the live"
        " feed reads. It has <a href=/news.rss>news</a>,"
        " <a href=/events.ics>events</a> and <a href=/onair.json>what is on</a>.</p>"
        "</body></html>"
    )

    def get(self) -> None:
        self.finish(self.PAGE)


def shown(account: Account, url: str) -> dict[str, Any]:
    """Return an account as Mastodon does."""
    return {
        "id": account.id,
        "acct": account.acct,
        "username": account.acct,
        "display_name": account.name,
        "url": f"{url}/posts/{account.acct}",
        "avatar": f"{url}/art/{account.picture}.svg",
        "avatar_static": f"{url}/art/{account.picture}.svg",
    }


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def quoted(text: str) -> str:
    """Return a text as iCalendar wants it."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
