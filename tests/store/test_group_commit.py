"""Single offers share a write, and nobody suffers for the company he is in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.access import Rules
from feedsvc.core.item import Candidate, Status
from feedsvc.errors import Unavailable
from feedsvc.store import Database
from feedsvc.store.group_commit import MAX_OFFERS, GroupCommit
from feedsvc.store.items import ItemStore, Written
from tests.store.offers import offer

TURNS = 10
PATIENCE_S = 10.0


class Disk:
    """Writes titles, slowly: each write waits until the test lets it end."""

    def __init__(self) -> None:
        self.writes: list[list[str]] = []
        self.error: Exception | None = None
        self._free = asyncio.Semaphore(0)

    async def write(self, offers: Sequence[Candidate]) -> list[str]:
        titles = [str(one.body["title"]) for one in offers]
        self.writes.append(titles)
        await self._free.acquire()
        if self.error is not None:
            raise self.error
        if "unwritable" in titles:
            raise ValueError(titles)
        return [f"wrote {title}" for title in titles]

    async def let(self, writes: int) -> None:
        """Let so many writes end, and let the loop turn."""
        for _ in range(writes):
            self._free.release()
        for _ in range(TURNS):
            await asyncio.sleep(0)


def publish(commit: GroupCommit[str], titles: Sequence[str]) -> list[asyncio.Task[str]]:
    """Offer items whose id is their title's first letter."""
    return [
        asyncio.create_task(commit.write(offer(title[0], title=title)))
        for title in titles
    ]


async def test_what_comes_during_a_write_leaves_together_in_the_next() -> None:
    """The first one does not wait for company."""
    disk = Disk()
    commit = GroupCommit(disk.write)

    first = publish(commit, ["a"])
    await disk.let(0)
    others = publish(commit, ["b", "c", "d"])
    await disk.let(2)

    assert disk.writes == [["a"], ["b", "c", "d"]]
    assert await asyncio.gather(*first, *others) == [
        *("wrote a", "wrote b", "wrote c", "wrote d")
    ]


async def test_a_write_is_never_so_large_that_the_next_one_waits_long() -> None:
    disk = Disk()
    commit = GroupCommit(disk.write)
    titles = [chr(0x4E00 + number) for number in range(MAX_OFFERS + 1)]

    tasks = publish(commit, titles)
    await disk.let(2)

    assert [len(titles) for titles in disk.writes] == [MAX_OFFERS, 1]
    assert all(task.done() for task in tasks)


@given(
    st.lists(
        st.lists(st.sampled_from("abc"), max_size=8).map("".join),
        max_size=6,
    )
)
def test_offers_of_one_id_are_written_in_the_order_they_came(bursts: list[str]) -> None:
    """One in each write; and everybody is told his own outcome."""

    async def play() -> None:
        disk = Disk()
        commit = GroupCommit(disk.write)
        offered: list[str] = []
        tasks = []
        for burst in bursts:
            titles = [f"{one}{len(offered) + at}" for at, one in enumerate(burst)]
            offered += titles
            tasks += publish(commit, titles)
            await disk.let(1)
        await disk.let(len(offered))

        assert await asyncio.gather(*tasks) == [f"wrote {title}" for title in offered]
        for item_id in "abc":
            mine = [title for title in offered if title[0] == item_id]
            each = [
                [title for title in write if title[0] == item_id]
                for write in disk.writes
            ]
            assert max(map(len, each), default=0) <= 1
            assert [title for titles in each for title in titles] == mine

    asyncio.run(asyncio.wait_for(play(), PATIENCE_S))


async def test_an_offer_that_cannot_be_written_fails_alone() -> None:
    """And what comes after it is written as ever."""
    disk = Disk()
    commit = GroupCommit(disk.write)

    tasks = publish(commit, ["a", "unwritable", "b"])
    await disk.let(4)
    later = publish(commit, ["c"])
    await disk.let(1)

    results = await asyncio.gather(*tasks, *later, return_exceptions=True)
    assert [results[0], *results[2:]] == ["wrote a", "wrote b", "wrote c"]
    assert isinstance(results[1], ValueError)


async def test_a_database_that_is_gone_is_asked_once_and_all_are_told() -> None:
    """Those too who came while it did not answer; the next is written as ever."""
    disk = Disk()
    disk.error = Unavailable("the database does not answer")
    commit = GroupCommit(disk.write)

    tasks = publish(commit, ["a", "b"])
    await disk.let(0)
    tasks += publish(commit, ["a"])
    await disk.let(2)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    disk.error = None
    [later] = publish(commit, ["c"])
    await disk.let(1)

    assert [type(result) for result in results] == [Unavailable] * 3
    assert disk.writes == [["a", "b"], ["c"]]
    assert await later == "wrote c"


async def test_who_goes_away_takes_nobody_with_him() -> None:
    """What he offered is written all the same."""
    disk = Disk()
    commit = GroupCommit(disk.write)

    gone, stays = publish(commit, ["a", "b"])
    await disk.let(0)
    gone.cancel()
    await disk.let(1)

    assert disk.writes == [["a", "b"]]
    assert await stays == "wrote b"


async def test_many_publishers_at_a_time_cost_the_database_few_reads(
    database: Database,
) -> None:
    """Each is told what became of his own item."""
    store = ItemStore(database, Rules())
    await store.prepare()
    await store.publish(offer("known"))
    await database.command("profile", 2)

    new = [offer(f"new {number}") for number in range(50)]
    written = await asyncio.gather(
        *(
            store.publish(one)
            for one in [*new, offer("known"), offer("known", title="new")]
        )
    )

    await database.command("profile", 0)
    reads = await database["system.profile"].count_documents({"op": "query"})
    assert reads <= 3
    assert all(isinstance(one, Written) for one in written)
    assert [
        (one.item.id, one.status) for one in written if isinstance(one, Written)
    ] == [
        *((one.id, Status.CREATED) for one in new),
        ("known", Status.UNCHANGED),
        ("known", Status.UPDATED),
    ]
