"""How hard one host is asked."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from ingest import hosts
from ingest.hosts import Hosts


async def test_two_requests_at_once_and_no_more() -> None:
    """The third waits for one of them to end."""
    table = Hosts(at_once=2)
    inside, most = 0, 0
    full, release = asyncio.Event(), asyncio.Event()

    async def request() -> None:
        nonlocal inside, most
        async with table.turn("radio.example", apart_s=0):
            inside += 1
            most = max(most, inside)
            if inside == 2:
                full.set()
            await release.wait()
            inside -= 1

    tasks = [asyncio.create_task(request()) for _ in range(5)]
    await full.wait()
    release.set()
    await asyncio.gather(*tasks)

    assert most == 2


async def test_requests_start_apart_from_each_other() -> None:
    """Also when they are short; other hosts do not wait for them."""
    table = Hosts()
    loop = asyncio.get_running_loop()
    starts = []

    async def request(host: str) -> None:
        async with table.turn(host, apart_s=0.05):
            starts.append((host, loop.time()))

    await asyncio.gather(*(request(host) for host in ("a", "a", "b", "a")))

    times = [at for host, at in starts if host == "a"]
    assert min(b - a for a, b in pairwise(times)) >= 0.045
    assert starts.index(next(one for one in starts if one[0] == "b")) == 1


def test_a_suspension_ends_by_itself_and_is_not_shortened() -> None:
    """The longest word counts."""
    now = 100.0
    table = Hosts(clock=lambda: now)

    table.suspend("a", 60)
    table.suspend("a", 10)

    assert table.suspended_s("a") == 60
    assert table.suspended_s("b") == 0
    now = 161.0
    assert table.suspended_s("a") == 0


def test_the_table_forgets_hosts_that_nobody_needs() -> None:
    """Redirects could name any number of them; a suspended one stays."""
    now = 100.0
    table = Hosts(clock=lambda: now)
    table.suspend("limited", 1_000)

    for number in range(3 * hosts.MAX_HOSTS):
        table.suspend(f"host-{number}", 0)

    assert len(table._lanes) <= hosts.MAX_HOSTS + 1
    assert table.suspended_s("limited") == 1_000
