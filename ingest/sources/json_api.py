"""Any JSON API: a declared mapping says where its items lie and what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from feedsvc.core.item import ItemType
from feedsvc.errors import SourceError
from ingest.exchange import Request, Response
from ingest.secret import Secret
from ingest.shape import text
from ingest.sources.answers import read_json
from ingest.sources.base import Batch, Option, OptionFaults, Source, State
from ingest.sources.ical import zone
from ingest.sources.json_fields import Reader, fields_option, missing
from ingest.sources.json_path import Path, path

# Items of one page that are looked at, and pages of one run.
MAX_ITEMS = 5_000
MAX_PAGES = 8
MAX_HEADERS = 20

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_PARAMETER = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")


def _item_type(value: object) -> ItemType:
    try:
        return ItemType(str(value))
    except ValueError as error:
        raise ValueError(f"must be one of {', '.join(ItemType)}") from error


def _headers(value: object) -> Mapping[str, Secret]:
    if not isinstance(value, dict) or len(value) > MAX_HEADERS:
        raise TypeError(f"must be a table of at most {MAX_HEADERS} headers")
    faults = {
        name: "must be a header's name and a text of printable ASCII"
        for name, text in value.items()
        if not _HEADER.fullmatch(name) or not re.fullmatch("[ -~]{1,4096}", str(text))
    }
    if faults:
        raise OptionFaults(faults)
    return {name: Secret(text) for name, text in value.items()}


def _parameter(value: object) -> str:
    if not isinstance(value, str) or not _PARAMETER.fullmatch(value):
        raise ValueError("must be the name of a query parameter")
    return value


def _whole(least: int, most: int, value: object) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return value


class JsonSource(Source):
    """The items at ``items`` of the answer, each read by ``fields``.

    With ``next`` or ``page_param`` a run reads the pages that follow, too.
    """

    kind = "json"
    is_snapshot = True
    options: ClassVar[Mapping[str, Option]] = {
        "fields": Option(
            fields_option, "table: where each field of an item lies", required=True
        ),
        "item_type": Option(
            _item_type, "post, article, event, track or episode", ItemType.ARTICLE
        ),
        "items": Option(path, "path of the list of items, or of one item", Path(())),
        "headers": Option(_headers, "table: headers that are sent along"),
        "timezone": Option(zone, "zone of times that have none", ZoneInfo("UTC")),
        "next": Option(path, "path of the next page's address, or of its token"),
        "next_param": Option(_parameter, "query parameter that the token goes into"),
        "page_param": Option(_parameter, "query parameter that counts pages"),
        "first_page": Option(
            lambda value: _whole(0, 1, value), "number of the first page, 0 or 1", 1
        ),
        "max_pages": Option(
            lambda value: _whole(1, MAX_PAGES, value),
            f"pages that a run reads, up to {MAX_PAGES}",
            5,
        ),
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        rule = missing(options["item_type"], options["fields"])
        if rule:
            return "fields", rule
        if options["next"] and options["page_param"]:
            return "page_param", "cannot stand beside next"
        if options["next_param"] and not options["next"]:
            return "next_param", "needs next, the path of the token"
        return None

    def request(self, state: State) -> Request:
        headers = {"Accept": "application/json", **(self.given["headers"] or {})}
        if state.get("url"):
            return Request(state["url"], headers)
        parameter = self.given["page_param"]
        if parameter and state.get("page"):
            number = self.given["first_page"] + state["page"]
            return Request(_with_query(self.url, parameter, str(number)), headers)
        return Request(self.url, headers)

    def parse(self, response: Response, state: State) -> Batch:
        answer = read_json(response.body, "a JSON API")
        items = self._items(answer)
        batch, removed = Batch(), []
        reader = Reader(
            self.given["item_type"],
            self.given["fields"],
            self.given["timezone"],
            response.fetched_at,
            response.url,
        )
        for number, item in enumerate(items[:MAX_ITEMS], start=1):
            try:
                key = reader.removed(item)
                if key:
                    removed.append(key)
                else:
                    batch.candidates.append(reader.read(item))
            except ValueError as error:
                batch.faults.append(f"item {number}: {error}")
        if len(items) > MAX_ITEMS:
            batch.faults.append(f"only the first {MAX_ITEMS} items are read")
        following = self._following(answer, bool(items), response, state, batch.faults)
        is_cut = following is not None and following["page"] >= self.given["max_pages"]
        return Batch(
            batch.candidates,
            batch.faults,
            state={} if following is None or is_cut else following,
            more=following is not None and not is_cut,
            removed=removed,
            is_complete=following is None and not batch.faults,
        )

    def _items(self, answer: object) -> list[object]:
        steps = self.given["items"].steps
        steps = steps[:-1] if steps[-1:] == (None,) else steps
        found = Path(steps).values(answer)
        if found or None in steps or answer == [] or (answer == {} and not steps):
            lists = [one if isinstance(one, list) else [one] for one in found]
            return [item for one in lists for item in one]
        # An empty list is nothing to a path, and an answer without items to us.
        above = Path(steps[:-1]).first(answer)
        if not steps or not isinstance(above, dict) or steps[-1] not in above:
            raise SourceError("has nothing at the path of its items")
        return []

    def _following(
        self,
        answer: object,
        has_items: bool,
        response: Response,
        state: State,
        faults: list[str],
    ) -> dict[str, Any] | None:
        """Return the state that asks for the next page; None if there is none."""
        done = int(state.get("page", 0)) + 1
        if self.given["next"]:
            address = self._next_address(answer, response, faults)
            if address and address not in (response.url, state.get("url")):
                return {"url": address, "page": done}
        elif self.given["page_param"] and has_items:
            return {"page": done}
        return None

    def _next_address(
        self, answer: object, response: Response, faults: list[str]
    ) -> str | None:
        """Return where the next page is, if it is where this source is."""
        told = text(self.given["next"].first(answer))
        if not told:
            return None
        if self.given["next_param"]:
            return _with_query(self.url, self.given["next_param"], told)
        try:
            address = urljoin(response.url, told)
            is_ours = urlsplit(address)[:2] == urlsplit(self.url)[:2]
        except ValueError:
            is_ours = False
        if not is_ours:
            faults.append("the next page is not where this one is, and not asked for")
            return None
        return address


def _with_query(url: str, name: str, value: str) -> str:
    """Return the URL with the parameter set."""
    parts = urlsplit(url)
    others = parse_qsl(parts.query, keep_blank_values=True)
    query = [(key, old) for key, old in others if key != name]
    return urlunsplit(parts._replace(query=urlencode([*query, (name, value)])))
