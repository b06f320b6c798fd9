"""Who may open a session now: in all, per address, and per second."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from feedsvc.sockjs.settings import Settings

Network = IPv4Network | IPv6Network


@dataclass(slots=True)
class _Address:
    sessions: int = 0
    second: float = -1.0
    opens: int = 0


class Admission:
    """Counts open sessions and opens, by address and in all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._exempt = [ip_network(text) for text in settings.exempt_networks]
        self._addresses: dict[str, _Address] = {}
        self._all = _Address()

    def __len__(self) -> int:
        return len(self._addresses)

    def refusal(self, key: str, now: float) -> str | None:
        """Return why a session may not be opened, or None; counts nothing."""
        settings = self._settings
        if 0 < settings.max_sessions <= self._all.sessions:
            return "sessions"
        if _is_over(self._all, now, settings.max_opens_per_s):
            return "opens"
        entry = self._addresses.get(key)
        if entry is None:
            return None
        if 0 < settings.max_sessions_per_address <= entry.sessions:
            return "sessions_per_address"
        if _is_over(entry, now, settings.max_opens_per_address_per_s):
            return "opens_per_address"
        return None

    def enter(self, key: str, now: float) -> None:
        """Count one session that has been opened."""
        _count(self._all, now)
        if key:
            _count(self._addresses.setdefault(key, _Address()), now)

    def leave(self, key: str) -> None:
        """Count one session less."""
        self._all.sessions -= 1
        if key:
            self._addresses[key].sessions -= 1

    def prune(self, now: float) -> None:
        """Forget addresses that have nothing open, so that the table stays small."""
        idle = [
            key
            for key, entry in self._addresses.items()
            if not entry.sessions and now - entry.second > 1.0
        ]
        for key in idle:
            del self._addresses[key]

    def key(self, ip: str) -> str:
        """Return what an address is counted under; empty if it is exempt."""
        address = _address(ip)
        if address is None:
            return ip
        if any(address in network for network in self._exempt):
            return ""
        if address.version == 4:
            return str(address)
        # One household or one server has a whole /64 of IPv6.
        return str(ip_network((str(address), 64), strict=False))


class Proxies:
    """Finds the client's address behind proxies that are trusted by name."""

    def __init__(self, settings: Settings) -> None:
        self._header = settings.proxy_header
        self._trusted = [ip_network(text) for text in settings.trusted_proxies]

    def address(self, peer: str, header: str | None) -> str:
        """Return the nearest address that is no trusted proxy."""
        if not header or not self._is_trusted(peer):
            return peer
        for hop in reversed(header.split(",")):
            candidate = hop.strip()
            if _address(candidate) is None:
                return peer
            peer = candidate
            if not self._is_trusted(candidate):
                break
        return peer

    def _is_trusted(self, ip: str) -> bool:
        address = _address(ip)
        return address is not None and any(
            address in network for network in self._trusted
        )


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, or None if it is none.

    A listener for both versions shows IPv4 clients as addresses of IPv6.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_over(entry: _Address, now: float, limit: int) -> bool:
    return 0 < limit <= entry.opens and now - entry.second < 1.0


def _count(entry: _Address, now: float) -> None:
    entry.sessions += 1
    if now - entry.second >= 1.0:
        entry.second, entry.opens = now, 0
    entry.opens += 1
