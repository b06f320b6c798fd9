"""Who may open a session, and whose address it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.sockjs import Settings
from feedsvc.sockjs.limits import Admission, Proxies


def test_sessions_in_all_are_limited() -> None:
    """One that leaves makes room."""
    admission = Admission(Settings(max_sessions=2))
    admission.enter("a", 0.0)
    admission.enter("", 0.0)

    assert admission.refusal("b", 0.0) == "sessions"
    admission.leave("")
    assert admission.refusal("b", 0.0) is None


def test_sessions_of_an_address_are_limited() -> None:
    """Others are not."""
    admission = Admission(Settings(max_sessions_per_address=2))
    admission.enter("a", 0.0)
    admission.enter("a", 0.0)

    assert admission.refusal("a", 5.0) == "sessions_per_address"
    assert admission.refusal("b", 5.0) is None


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("max_opens_per_s", "opens"),
        ("max_opens_per_address_per_s", "opens_per_address"),
    ],
)
def test_opens_in_a_second_are_limited(setting: str, reason: str) -> None:
    """Leaving at once does not help; the next second does."""
    admission = Admission(Settings(**{setting: 2}))
    for _ in range(2):
        admission.enter("a", 0.5)
        admission.leave("a")

    assert admission.refusal("a", 1.4) == reason
    assert admission.refusal("a", 1.6) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())))
def test_table_of_addresses_stays_small(steps: list[tuple[str, bool]]) -> None:
    """An address without sessions is forgotten; one with sessions is not."""
    admission = Admission(Settings())
    inside: list[str] = []
    for key, enters in steps:
        if enters:
            admission.enter(key, 0.0)
            inside.append(key)
        elif key in inside:
            admission.leave(key)
            inside.remove(key)

    admission.prune(10.0)

    assert len(admission) == len(set(inside))


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        ("127.0.0.9", ""),
        ("::1", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:127.0.0.1", ""),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
    ],
)
def test_address_is_counted_under_its_key(ip: str, key: str) -> None:
    """A household has a /64; a proxy on this machine carries everybody.

    IPv4 over a listener for both versions is IPv4.
    """
    assert Admission(Settings()).key(ip) == key


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "nonsense, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.8", "192.0.2.7", "192.0.2.8"),
        ("::ffff:10.0.0.1", "192.0.2.7, ::ffff:10.0.0.2", "192.0.2.7"),
        ("unix", "192.0.2.7", "unix"),
    ],
)
def test_address_behind_trusted_proxies(
    peer: str, header: str | None, address: str
) -> None:
    """The last hop that is no proxy of ours; what clients write before it is a lie."""
    settings = Settings(
        proxy_header="X-Forwarded-For", trusted_proxies=("10.0.0.0/24",)
    )

    assert Proxies(settings).address(peer, header) == address
