"""Items are written once, in one history for each, and read newest first."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import pytest

from feedsvc.core.access import ChannelRule, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType, Status
from feedsvc.core.position import Position
from feedsvc.errors import Conflict, FeedError, Unavailable
from feedsvc.store import Database, connect
from feedsvc.store.changes import ChangeStream, Committed, Idle
from feedsvc.store.documents import TOMBSTONE_AGE
from feedsvc.store.items import ItemStore, SnapshotGone, Written
from tests.store.offers import NOW, offer

RADIO = Scope(Channel("radio"))
RULES = Rules(
    [
        ChannelRule(Channel("radio"), retention_s=None),
        ChannelRule(Channel("short"), retention_s=3600),
    ]
)


@pytest.fixture
async def store(database: Database) -> ItemStore:
    store = ItemStore(database, RULES)
    await store.prepare()
    return store


def outcome(written: Written | FeedError) -> tuple[Status, int]:
    assert isinstance(written, Written)
    return written.status, written.item.rev


def ids(items: list[Item]) -> list[str]:
    return [item.id for item in items]


async def test_offers_end_as_created_updated_or_unchanged(store: ItemStore) -> None:
    """The outcomes come in the order of the offers."""
    await store.write([offer("a"), offer("b")], now=NOW, revive=False)

    written = await store.write(
        [offer("b", title="new"), offer("c"), offer("a")], now=NOW, revive=False
    )

    assert [outcome(one) for one in written] == [
        (Status.UPDATED, 2),
        (Status.CREATED, 1),
        (Status.UNCHANGED, 1),
    ]


async def test_what_is_read_is_what_was_written(store: ItemStore) -> None:
    """Every field survives, instants to the millisecond."""
    full = offer(
        "a",
        type=ItemType.EVENT,
        date=NOW + timedelta(microseconds=123_456),
        source="feed:x",
        source_id="guid",
        alt_id="alt",
        backfill=True,
        title="Concert",
        starts_at=NOW,
        venue={"name": "Hall", "lat": 52.5},
        tags=["live", "öffentlich"],
    )

    [written] = await store.write([full], now=NOW, revive=False)

    assert isinstance(written, Written)
    assert written.item.date == NOW + timedelta(milliseconds=123)
    assert await store.get("a") == written.item
    assert await store.backlog(RADIO, 10) == [written.item]


async def test_offers_of_one_id_take_effect_one_after_the_other(
    store: ItemStore,
) -> None:
    """The later one of a batch finds the earlier one stored."""
    written = await store.write(
        [offer("a"), offer("a"), offer("a", title="new"), offer("a")],
        now=NOW,
        revive=False,
    )

    assert [outcome(one) for one in written] == [
        (Status.CREATED, 1),
        (Status.UNCHANGED, 1),
        (Status.UPDATED, 2),
        (Status.UPDATED, 3),
    ]


async def test_a_taken_id_is_a_conflict_among_the_outcomes(store: ItemStore) -> None:
    """The other offers of the batch are written all the same."""
    await store.write([offer("a", "radio.news")], now=NOW, revive=True)

    taken, written = await store.write(
        [offer("a", "radio.other"), offer("b")], now=NOW, revive=True
    )

    assert isinstance(taken, Conflict)
    assert outcome(written) == (Status.CREATED, 1)


async def test_a_source_cannot_bring_back_what_was_removed(store: ItemStore) -> None:
    """A publisher can; the revision goes on."""
    await store.write([offer("a")], now=NOW, revive=False)
    await store.remove("a", now=NOW)

    [shown] = await store.write([offer("a")], now=NOW, revive=False)
    [published] = await store.write([offer("a")], now=NOW, revive=True)

    assert outcome(shown) == (Status.GONE, 2)
    assert outcome(published) == (Status.CREATED, 3)


async def test_a_removal_lasts_while_its_source_still_shows_the_item(
    store: ItemStore, database: Database
) -> None:
    """The day on which it is forgotten moves on, and the stream tells nobody."""
    later = NOW + timedelta(days=20)
    await store.write([offer("a")], now=NOW, revive=False)
    await store.remove("a", now=NOW)

    [shown] = await store.write([offer("a")], now=later, revive=False)

    assert outcome(shown) == (Status.GONE, 2)
    [document] = await database.items.find({"_id": "a"}).to_list()
    assert document["expire_at"] == later + TOMBSTONE_AGE
    assert document["silent"]


async def test_removing_erases_the_content_and_is_idempotent(
    store: ItemStore, database: Database
) -> None:
    """The second time returns the tombstone of the first."""
    await store.write([offer("a", title="secret")], now=NOW, revive=False)

    first = await store.remove("a", now=NOW)
    second = await store.remove("a", now=NOW + timedelta(hours=1))

    assert first is not None
    assert (first.rev, first.removed_at, dict(first.body)) == (2, NOW, {})
    assert second == first == await store.get("a")
    assert "secret" not in str(await database.items.find_one({"_id": "a"}))
    assert await store.remove("unknown", now=NOW) is None


async def test_writers_of_one_id_make_one_history_without_gaps(
    store: ItemStore, database: Database
) -> None:
    """Forty at once: each revision is made by exactly one of them."""
    changes = ChangeStream(database)
    await changes.open()

    written = await asyncio.gather(
        *(
            store.write([offer("a", title=f"{n}")], now=NOW, revive=False)
            for n in range(40)
        )
    )

    outcomes = [outcome(one) for [one] in written]
    seen = [item.rev for _, item in await committed(changes)]
    assert sorted(rev for _, rev in outcomes) == list(range(1, 41))
    assert outcomes.count((Status.CREATED, 1)) == 1
    assert seen == list(range(1, 41))


async def test_the_same_offer_by_many_writers_is_one_change(store: ItemStore) -> None:
    """One creates, the others find it unchanged, in batches too."""
    batch = [offer(f"{n}") for n in range(20)]

    written = await asyncio.gather(
        *(store.write(batch, now=NOW, revive=False) for _ in range(8))
    )

    for of_one_id in zip(*written, strict=True):
        outcomes = sorted(outcome(one) for one in of_one_id)
        assert outcomes == [(Status.CREATED, 1)] + [(Status.UNCHANGED, 1)] * 7


async def test_removals_and_writes_at_once_stay_one_history(store: ItemStore) -> None:
    """Whoever wins each round, the last revision counts all changes."""
    await store.write([offer("a")], now=NOW, revive=True)

    async def change(n: int) -> int:
        if n % 3 == 0:
            removed = await store.remove("a", now=NOW)
            return removed.rev if removed else 0
        [written] = await store.write([offer("a", title=f"{n}")], now=NOW, revive=True)
        return outcome(written)[1]

    revs = await asyncio.gather(*(change(n) for n in range(24)))

    last = await store.get("a")
    assert last is not None
    assert set(revs) | {1} == set(range(1, last.rev + 1))


async def test_a_backlog_is_sorted_by_date_then_id(store: ItemStore) -> None:
    """Newest first, ids descending among equal dates, whatever came when."""
    late = NOW + timedelta(hours=1)
    await store.write(
        [offer("b", date=NOW), offer("z", date=late), offer("c", date=NOW)],
        now=NOW,
        revive=False,
    )
    await store.write([offer("a", date=late)], now=NOW, revive=False)

    newest = await store.backlog(RADIO, 3)

    assert ids(newest) == ["z", "a", "c"]


async def test_pages_are_stable_while_items_arrive(store: ItemStore) -> None:
    """Every older item comes exactly once, ties of the date included."""
    dates = [NOW + timedelta(minutes=n // 7) for n in range(30)]
    await store.write(
        [offer(f"{n:02}", date=date) for n, date in enumerate(dates)],
        now=NOW,
        revive=False,
    )

    pages = [await store.backlog(RADIO, 4)]
    while pages[-1]:
        fresh = offer(f"new{len(pages)}", date=NOW + timedelta(hours=1))
        await store.write([fresh], now=NOW, revive=False)
        pages.append(await store.backlog(RADIO, 4, before=pages[-1][-1].order))

    read = [item.id for page in pages for item in page]
    assert read == [f"{n:02}" for n in reversed(range(30))]


async def test_pages_of_some_types_are_pages_of_the_whole(store: ItemStore) -> None:
    """Filtered first and paged then, as if all had been read and filtered."""
    kinds = [ItemType.POST, ItemType.TRACK, ItemType.EVENT]
    await store.write(
        [
            offer(f"{n:02}", type=kinds[n % 3], date=NOW + timedelta(minutes=n // 5))
            for n in range(40)
        ],
        now=NOW,
        revive=False,
    )
    types = frozenset({ItemType.POST, ItemType.EVENT})
    scope = Scope(Channel("radio"), types)

    pages = [await store.backlog(scope, 5)]
    while pages[-1]:
        pages.append(await store.backlog(scope, 5, before=pages[-1][-1].order))

    whole = await store.backlog(RADIO, 100)
    read = [item for page in pages for item in page]
    assert read == [item for item in whole if item.type in types]


async def test_removed_and_expired_items_are_not_in_the_backlog(
    store: ItemStore, database: Database
) -> None:
    """Whether or not MongoDB has deleted them yet; every document has its end."""
    old = NOW - timedelta(days=20_000)
    await store.write(
        [offer("gone"), offer("stays"), offer("old", "short.x", date=old)],
        now=NOW,
        revive=False,
    )
    await store.remove("gone", now=NOW)

    found = await store.backlog(RADIO, 10)
    expired = await store.backlog(Scope(Channel("short")), 10)

    ends = {doc["_id"]: doc.get("expire_at") async for doc in database.items.find()}
    assert (ids(found), expired) == (["stays"], [])
    assert ends["stays"] is None
    assert ends["gone"] == NOW + timedelta(days=30)
    assert ends.get("old", old + timedelta(hours=1)) == old + timedelta(hours=1)


async def committed(changes: ChangeStream) -> list[tuple[Position, Item]]:
    """Return what the stream holds up to now."""
    found = []
    async for change in changes:
        if isinstance(change, Idle):
            return found
        if isinstance(change, Committed):
            found.append((change.position, change.item))
    raise AssertionError("the stream ended")


async def test_a_backlog_at_a_position_is_what_the_stream_had_told_until_then(
    store: ItemStore, database: Database
) -> None:
    """At every position of a history with updates and removals."""
    changes = ChangeStream(database)
    await changes.open()
    for n in range(12):
        batch = [offer(f"{n % 5}", title=f"{n}"), offer(f"x{n}")]
        await store.write(batch, now=NOW + timedelta(minutes=n), revive=True)
        if n % 4 == 3:
            await store.remove(f"{n % 5}", now=NOW)

    history = await committed(changes)

    told: dict[str, Item] = {}
    for position, item in history:
        told[item.id] = item
        shown = [one for one in told.values() if not one.is_removed]
        expected = sorted(shown, key=lambda one: one.order, reverse=True)
        assert await store.backlog(RADIO, 100, at=position) == expected


async def test_an_unreadable_position_is_said_to_be_gone(store: ItemStore) -> None:
    """From before the collection was made, and from the future."""
    await store.write([offer("a")], now=NOW, revive=True)

    with pytest.raises(SnapshotGone):
        await store.backlog(RADIO, 10, at=Position(1_000_000_000, 1))
    with pytest.raises(SnapshotGone):
        await store.backlog(RADIO, 10, at=Position(4_000_000_000, 1))


async def test_an_answer_longer_than_a_message_comes_whole(
    store: ItemStore, database: Database
) -> None:
    """Twenty megabytes are more than MongoDB sends at once."""
    changes = ChangeStream(database)
    await changes.open()
    text = "x" * 1_000_000
    await store.write(
        [offer(f"{n:02}", content_html=text) for n in range(20)], now=NOW, revive=True
    )
    position = (await committed(changes))[-1][0]

    found = await store.backlog(RADIO, 20)
    found_then = await store.backlog(RADIO, 20, at=position)

    assert len(found) == len(found_then) == 20


async def test_a_channel_exists_while_anything_of_it_is_kept(store: ItemStore) -> None:
    """A tombstone is enough, a channel that sounds alike is not."""
    await store.write([offer("a", "radio.news")], now=NOW, revive=True)
    await store.remove("a", now=NOW)

    assert await store.exists(RADIO)
    assert await store.exists(Scope(Channel("radio.*")))
    assert not await store.exists(Scope(Channel("rad")))
    assert not await store.exists(Scope(Channel("radio"), None, (("radio", False),)))


async def test_channels_are_counted_as_the_scope_sees_them(store: ItemStore) -> None:
    """Without removed items and hidden channels."""
    await store.write(
        [
            offer("a", "radio.news"),
            offer("b", "radio.news"),
            offer("c", "radio"),
            offer("d", "radio.crew.plan"),
            offer("e", "press"),
        ],
        now=NOW,
        revive=True,
    )
    await store.remove("b", now=NOW)
    public = Scope(Channel("*"), None, (("radio.crew", False),))

    counts = await store.channels(public)

    assert counts == [("press", 1), ("radio", 1), ("radio.news", 1)]


async def test_trimming_keeps_the_newest_and_a_source_cannot_undo_it(
    store: ItemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it removes leaves tombstones, over as many rounds as it takes."""
    monkeypatch.setattr("feedsvc.store.items.TRIM_BATCH", 3)
    offers = [offer(f"{n}", date=NOW + timedelta(minutes=n)) for n in range(10)]
    await store.write([*offers, offer("other", "press")], now=NOW, revive=False)

    trimmed = await store.trim(Channel("radio"), 2, now=NOW)
    again = await store.trim(Channel("radio"), 2, now=NOW)
    await store.write(offers, now=NOW, revive=False)

    assert (trimmed, again) == (8, 0)
    assert ids(await store.backlog(RADIO, 10)) == ["9", "8"]
    assert ids(await store.backlog(Scope(Channel("press")), 10)) == ["other"]


async def test_the_epoch_is_new_when_the_collection_is(
    store: ItemStore, database: Database
) -> None:
    """And the same as long as it is not."""
    before = await store.epoch()
    await store.prepare()
    kept = await store.epoch()
    await database.items.drop()
    await store.prepare()

    after = await store.epoch()

    assert len(before) == 4
    assert kept == before != after


async def test_a_body_cannot_overwrite_what_the_store_needs(store: ItemStore) -> None:
    """A schema that let such a field through has a bug."""
    with pytest.raises(ValueError, match="rev"):
        await store.write([offer("a", rev=7)], now=NOW, revive=True)


async def test_without_a_database_every_call_is_unavailable() -> None:
    """Nobody above needs to know the driver's errors."""
    # It takes connections and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as mute:
        where = f"127.0.0.1:{mute.getsockname()[1]}"
        database = connect(f"mongodb://{where}/?serverSelectionTimeoutMS=50")
        store = ItemStore(database, RULES)

        with pytest.raises(Unavailable):
            await store.prepare()
        with pytest.raises(Unavailable):
            await store.write([offer("a")], now=NOW, revive=True)
        with pytest.raises(Unavailable):
            await store.backlog(RADIO, 10)
        await database.client.close()
