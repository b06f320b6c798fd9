"""The operator's doors on the admin listener: the queue, deeds, and their record.

Each needs a token with ``admin``; the deeds themselves are in ``feedsvc.editorial``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from feedsvc.core.item import Item
from feedsvc.core.messages import Page, encode, encode_item
from feedsvc.core.record import Held, Reason, Record
from feedsvc.editorial import Editorial
from feedsvc.errors import BadMessage, Forbidden, Unauthorized
from feedsvc.net.handler import Handler
from feedsvc.sources import as_json
from feedsvc.store.audit import Entry


class OperatorHandler(Handler):
    """Serves those whose token says ``admin``, and no cache in between."""

    def prepare(self) -> None:
        super().prepare()
        self.set_header("Cache-Control", "no-store")

    @property
    def desk(self) -> Editorial:
        return self.service.editorial

    def operator(self) -> str:
        """Return who asks; raise unless it is an operator."""
        rights = self.rights()
        if rights.subject is None:
            raise Unauthorized("a bearer token is needed")
        if not rights.admin:
            raise Forbidden("the token has no right to administer")
        return rights.subject

    def page(self, name: str) -> Page | None:
        text = self.get_query_argument(name, None)
        return None if text is None else Page.parse(text, name)

    async def told(self, deed: Awaitable[Record]) -> None:
        """Do the deed; reply what the item is now, once this process shows it so."""
        record = await deed
        await self.service.relay.reach(self.service.store.committed_at)
        self.reply(encode({"id": record.id, **_state(record)}))


class QueueHandler(OperatorHandler):
    """``/admin/api/queue``: what is held, that which was held first at the head."""

    async def get(self) -> None:
        """Reply a page of it and how many items are held for each reason."""
        self.operator()
        reason, limit, after = self._why_held(), self.limit(), self.page("after")
        found = await self.desk.queue(reason, limit + 1, after)
        counts = await self.desk.counts()
        items = ",".join(map(_whole, found[:limit]))
        rest = encode({"next": _following(found, limit), "counts": counts})
        self.reply(f'{{"items":[{items}],{rest[1:]}')

    def _why_held(self) -> Reason:
        text = self.get_query_argument("reason", Reason.REVIEW)
        try:
            return Reason(text)
        except ValueError as error:
            raise BadMessage("reason", f"must be one of {', '.join(Reason)}") from error


class DeedHandler(OperatorHandler):
    """``/admin/api/items/{id}/{deed}``: approve, reject, review, pin or unpin."""

    async def post(self, item_id: str, deed: str) -> None:
        who, desk = self.operator(), self.desk
        if deed in ("approve", "reject"):
            decide = {"approve": desk.approve, "reject": desk.reject}[deed]
            await self.told(decide(who, item_id, self._version()))
        else:
            act = {"review": desk.review, "pin": desk.pin, "unpin": desk.unpin}[deed]
            await self.told(act(who, item_id))

    def _version(self) -> int | None:
        """Return the version that the operator looked at, if he says so."""
        text = self.get_query_argument("version", None)
        if text is None:
            return None
        if not text.isascii() or not text.isdecimal() or len(text) > 15:
            raise BadMessage("version", "must be a version as it was sent")
        return int(text)


class AnyItemHandler(OperatorHandler):
    """``/admin/api/items/{id}``: look at all versions of an item, or remove it."""

    async def get(self, item_id: str) -> None:
        """Reply what is shown, what is held, and why."""
        self.operator()
        self.reply(_whole(await self.desk.find(item_id)))

    async def delete(self, item_id: str) -> None:
        """Erase the item for good."""
        await self.told(self.desk.remove(self.operator(), item_id))


class SwitchHandler(OperatorHandler):
    """``/admin/api/sources/{name}/{deed}``: disable a source, or enable it."""

    async def post(self, source: str, deed: str) -> None:
        who = self.operator()
        answer: dict[str, Any] = {"source": source, "disabled": deed == "disable"}
        if deed == "disable":
            answer["known"] = await self.desk.disable(who, source)
        else:
            await self.desk.enable(who, source)
        self.reply(encode(answer))


class SourcesHandler(OperatorHandler):
    """``/admin/api/sources``: how every source of ingest fares."""

    async def get(self) -> None:
        self.operator()
        now = datetime.now(UTC)
        states = await self.desk.sources()
        self.reply(encode({"sources": [as_json(state, now) for state in states]}))


class AuditHandler(OperatorHandler):
    """``/admin/api/audit``: who did what, the newest first."""

    async def get(self) -> None:
        self.operator()
        limit = self.limit()
        found = await self.desk.entries(limit + 1, self.page("before"))
        last = found[limit - 1] if 0 < limit < len(found) else None
        following = str(Page(last.at, last.id)) if last else None
        entries = [_entry(entry) for entry in found[:limit]]
        self.reply(encode({"entries": entries, "next": following}))


def operator_routes(arguments: Mapping[str, Any]) -> list[Any]:
    """Return the URL table of these doors."""
    item, source = r"/admin/api/items/([^/]+)", r"/admin/api/sources/([^/]+)"
    return [
        (r"/admin/api/queue", QueueHandler, arguments),
        (item, AnyItemHandler, arguments),
        (item + r"/(approve|reject|review|pin|unpin)", DeedHandler, arguments),
        (r"/admin/api/sources", SourcesHandler, arguments),
        (source + r"/(disable|enable)", SwitchHandler, arguments),
        (r"/admin/api/audit", AuditHandler, arguments),
    ]


def _state(record: Record) -> dict[str, Any]:
    """Return in a word what readers see of the item, and what the next deed needs."""
    held = record.waiting or (record.held if record.shown is None else None)
    if record.visible is not None:
        state = "visible"
    elif held is not None and not held.item.is_removed:
        state = held.reason.value
    else:
        state = "removed"
    return {"state": state, "rev": record.rev, "version": record.version}


def _whole(record: Record) -> str:
    """Return the JSON of all versions of an item."""
    held = record.held
    why = encode(_why(held)) if held else "null"
    waits = _text(held.item if held else None)
    head = encode({"id": record.id, **_state(record)})[:-1]
    return f'{head},"held":{why},"item":{waits},"shown":{_text(record.visible)}}}'


def _why(held: Held) -> dict[str, Any]:
    told = {"reason": held.reason.value, "since": held.since}
    return told if held.until is None else {**told, "until": held.until}


def _text(item: Item | None) -> str:
    return encode_item(item).text if item and not item.is_removed else "null"


def _following(found: Sequence[Record], limit: int) -> str | None:
    """Return where the next page begins; one more than the limit was looked for."""
    last = found[limit - 1] if 0 < limit < len(found) else None
    if last is None or last.held is None:
        return None
    return str(Page(last.held.since, last.id))


def _entry(entry: Entry) -> dict[str, Any]:
    told = {name: value for name, value in asdict(entry).items() if value}
    told.pop("id")
    return told
