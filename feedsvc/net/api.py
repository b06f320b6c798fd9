"""The HTTP API: channels, items and publishing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feedsvc.core import messages
from feedsvc.core.access import Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Status
from feedsvc.core.messages import encode, encode_item
from feedsvc.core.position import Cursor
from feedsvc.errors import FeedError, NotFound, TooLarge, TooMany, Unavailable
from feedsvc.net.backlog import BacklogHandler
from feedsvc.net.handler import JSON_TYPE, Handler
from feedsvc.schema import parse_json
from feedsvc.store.items import Written


class ChannelsHandler(Handler):
    """``/api/channels``: the tree of channels that the caller may know of."""

    async def get(self) -> None:
        rights = self.rights()
        counts = await self.service.channels(rights)
        self.set_header("Cache-Control", "no-cache")
        await self.send_whole(encode({"channels": _tree(counts)}).encode(), JSON_TYPE)


class PublishHandler(Handler):
    """What both addresses that take items share."""

    def body(self) -> Any:
        limit = self.service.settings.limits.publish_bytes
        if len(self.request.body) > limit:
            raise TooLarge("body", f"must have at most {limit} bytes")
        return parse_json(self.request.body, "body")

    def answer_one(self, outcomes: Sequence[Written | FeedError]) -> None:
        [outcome] = outcomes
        if isinstance(outcome, FeedError):
            raise outcome
        status = 201 if outcome.status is Status.CREATED else 200
        self.reply(encode(_result(outcome)), status)


class ItemsHandler(BacklogHandler, PublishHandler):
    """``/api/channels/{channel}/items``: read the backlog, poll, publish."""

    async def get(self, channel: str) -> None:
        rights = self.rights()
        scope = self.scope(rights, self.pattern(channel))
        after = self.cursor("after")
        self.cache(rights)
        if after is not None:
            await self._changes(scope, after)
        else:
            await self._page(scope)

    async def post(self, channel: str) -> None:
        rights, target = self.rights(), self.channel(channel)
        data = self.body()
        if isinstance(data, list):
            limit = self.service.settings.limits.publish_items
            if len(data) > limit:
                raise TooMany("items", f"must be at most {limit}")
            outcomes = await self.service.publish(rights, target, data)
            self.reply(encode({"results": [_result(one) for one in outcomes]}))
        else:
            self.answer_one(await self.service.publish(rights, target, [data]))

    async def _page(self, scope: Scope) -> None:
        page = await self.service.page(scope, self.limit(), self.before())
        if not page.items:
            await self.require_exists(scope)
        following = encode(str(page.following)) if page.following else "null"
        await self._reply_tagged(
            f'{{"items":{messages.join(page.items)},"next":{following}',
            f',"cursor":"{page.cursor}"}}',
        )

    async def _changes(self, scope: Scope, after: Cursor) -> None:
        self.service.relay.require_open()
        hub = self.service.relay.hub
        # At once: what happens while something is awaited comes after this cursor.
        items, cursor = hub.resume(scope, after), hub.cursor
        if items is not None:
            if not items:
                await self.require_exists(scope)
            text, resumed = messages.join(items), "true"
        else:
            page = await self.service.page(scope, self.limit())
            if not page.items:
                await self.require_exists(scope)
            text, cursor, resumed = messages.join(page.items), page.cursor, "false"
        await self._reply_tagged(
            f'{{"items":{text},"resumed":{resumed}', f',"cursor":"{cursor}"}}'
        )

    async def _reply_tagged(self, content: str, rest: str) -> None:
        """Reply with an ETag of the content: a cursor alone is no news."""
        if not self.is_known(content):
            await self.send_whole((content + rest).encode(), JSON_TYPE)


class ChannelItemHandler(PublishHandler):
    """``/api/channels/{channel}/items/{id}``: publish under a chosen id."""

    async def put(self, channel: str, item_id: str) -> None:
        rights, target = self.rights(), self.channel(channel)
        outcomes = await self.service.publish(rights, target, [self.body()], item_id)
        self.answer_one(outcomes)


class ItemHandler(Handler):
    """``/api/items/{id}``: read one item, or remove it."""

    async def get(self, item_id: str) -> None:
        rights = self.rights()
        item = await self.service.store.seen(self.service.rules.view(rights), item_id)
        if item is None:
            raise NotFound("no such item")
        self.vary_on("Authorization")
        self.set_header("Cache-Control", "no-cache")
        self.reply(encode_item(item).text)

    async def delete(self, item_id: str) -> None:
        rights = self.rights()
        self.service.take_turn(rights)
        await self.service.remove(rights, item_id)
        self.set_status(204)


def _result(outcome: Written | FeedError) -> dict[str, Any]:
    if isinstance(outcome, FeedError):
        error: dict[str, Any] = {"code": outcome.code, "text": outcome.text}
        if isinstance(outcome, Unavailable):
            error["retry_after"] = outcome.retry_after_s
        return {"error": error}
    item = outcome.item
    return {"id": item.id, "status": outcome.status.value, "rev": item.rev}


def _tree(counts: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return nested channels: own items, and all with those below."""
    root: dict[str, Any] = {"channels": {}}
    for path, count in counts:
        node = root
        for above in Channel(path).lineage:
            node = node["channels"].setdefault(
                above, {"channel": above, "items": 0, "total": 0, "channels": {}}
            )
            node["total"] += count
        node["items"] += count
    return _listed(root)


def _listed(node: dict[str, Any]) -> list[dict[str, Any]]:
    below = sorted(node["channels"].values(), key=lambda one: str(one["channel"]))
    return [{**one, "channels": _listed(one)} for one in below]
