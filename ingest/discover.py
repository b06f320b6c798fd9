"""What an address offers: told by the address, by what came, and by its links.

Runs in the worker process where it looks at what came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from ingest import links
from ingest.exchange import Response
from ingest.text import one_line

MAX_FOUND = 20

# Where feeds are though no page says so, in the order of likelihood.
WELL_KNOWN = (
    "/feed",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/feed.json",
    "/status-json.xsl",
    "/api/nowplaying",
)

_TYPES = {
    "application/rss+xml": "feed",
    "application/atom+xml": "feed",
    "application/feed+json": "feed",
    "text/calendar": "ical",
}
_ENDINGS = ((".ics", "ical"), (".rss", "feed"), (".atom", "feed"))
_X = {"x.com", "twitter.com", "www.x.com", "www.twitter.com", "mobile.twitter.com"}
_HANDLE = re.compile(r"@?(?P<name>[\w.-]{1,64})@(?P<host>[\w-]+(\.[\w-]+)+)")
# What a document begins with, or what is early in it, says what it is.
_HEAD = 4_000
_SIGNS = (
    (re.compile(rb"BEGIN:VCALENDAR", re.IGNORECASE), "ical"),
    (re.compile(rb"<(rss|feed|rdf:RDF)[\s>]", re.IGNORECASE), "feed"),
    (re.compile(rb'\A\s*\{.*?"version"\s*:\s*"https?://jsonfeed\.', re.DOTALL), "feed"),
    (re.compile(rb'\A\s*\{\s*"icestats"'), "icecast"),
    (re.compile(rb'\A\s*[\[{].*?"now_playing"', re.DOTALL), "azuracast"),
)
_JSON_LD = re.compile(rb"application/ld\+json", re.IGNORECASE)
_EVENT = re.compile(rb'"[\w:/.]*Event"')


@dataclass(frozen=True, slots=True)
class Found:
    """A source that may be there: its type, its address and its other keys.

    ``is_guess`` says that the address may just as well be that of a page.
    """

    kind: str
    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    is_guess: bool = False


def addresses(text: str) -> list[str]:
    """Return what was typed as addresses to try: ``radio.example``, ``webcal:…``."""
    text = re.sub(r"\Awebcals?:(//)?", "", text.strip())
    if re.match(r"https?://", text, re.IGNORECASE):
        return [text]
    return [f"https://{text}", f"http://{text}"]


def by_name(text: str) -> list[Found]:
    """Return the accounts that a handle or the address of a profile names."""
    handle = _HANDLE.fullmatch(text.strip())
    if handle:
        url = f"https://{handle['host']}"
        return [Found("mastodon", url, {"acct": handle["name"]}, handle["name"])]
    parts = urlsplit(addresses(text)[0])
    host, segments = parts.hostname or "", unquote(parts.path).strip("/").split("/")
    is_profile = segments[0] == "profile" and len(segments) > 1
    if host == "bsky.app" and is_profile and re.fullmatch(r"[\w.:-]+", segments[1]):
        return [Found("bluesky", "", {"actor": segments[1]}, segments[1])]
    if host in _X and len(segments) == 1 and re.fullmatch(r"\w{1,15}", segments[0]):
        options = {"username": segments[0], "token": "${X_TOKEN}"}
        return [Found("x", "", options, segments[0])]
    if len(segments) == 1 and re.fullmatch(r"@[\w.-]+(@[\w.-]+)?", segments[0]):
        acct = segments[0].removeprefix("@")
        server = f"{parts.scheme}://{parts.netloc}"
        return [Found("mastodon", server, {"acct": acct}, acct, is_guess=True)]
    return []


def in_document(response: Response) -> list[Found]:
    """Return what the document is, and then what it links to, each once."""
    found = {(one.kind, one.url): one for one in _within(response)}
    return list(found.values())[:MAX_FOUND]


def _within(response: Response) -> Iterator[Found]:
    head = response.body[:_HEAD]
    for sign, kind in _SIGNS:
        if sign.search(head):
            yield Found(kind, response.url)
            return
    page = _Page(response.url)
    page.feed(response.body.decode("utf-8", "replace"))
    yield from page.alternates
    if _JSON_LD.search(response.body) and _EVENT.search(response.body):
        yield Found("jsonld", response.url, title=page.title)
    yield from page.others


class _Page(HTMLParser):
    """Collects from a page what it offers itself, and what it links to."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._base = url
        self._is_title = False
        self.title = ""
        self.alternates: list[Found] = []
        self.others: list[Found] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_title = tag == "title" and not self.title
        given = {name: value or "" for name, value in attrs}
        if tag == "base" and given.get("href"):
            self._base = urljoin(self._base, given["href"])
        elif tag in ("link", "a") and given.get("href"):
            self._link(given, urljoin(self._base, given["href"]))

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title = one_line(data)[:100]
            self._is_title = False

    def _link(self, given: Mapping[str, str], href: str) -> None:
        relations = given.get("rel", "").lower().split()
        title = one_line(given.get("title", ""))[:100]
        kind = _TYPES.get(given.get("type", "").partition(";")[0].strip().lower())
        url = links.absolute(re.sub(r"^webcals?:", "https:", href))
        if url is None:
            return
        if kind and "alternate" in relations:
            self.alternates.append(Found(kind, url, title=title))
        elif "me" in relations:
            self.others.extend(by_name(url))
        elif href.startswith("webcal"):
            self.others.append(Found("ical", url, title=title))
        else:
            path = urlsplit(url).path.lower()
            for ending, guess in _ENDINGS:
                if path.endswith(ending):
                    self.others.append(Found(guess, url, title=title))
