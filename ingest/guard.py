"""Which addresses may be connected to; asked at the moment of connecting.

A name is checked by what it resolves to and an address in any spelling by what it
is, at every redirect anew, so that no feed can make us read the station's own
network.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

from tornado.netutil import DefaultLoopResolver, Resolver

# Networks that carry an IPv4 address inside, which is_global does not look at.
_TRANSLATED = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("::/96"),
)


class AddressRefused(OSError):
    """None of a host's addresses may be connected to."""


def is_public(address: str) -> bool:
    """True for an address of the public internet, which anybody could read from."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour or ip.teredo or any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast


def is_any(address: str) -> bool:
    """True: for sources in the station's own network, said so by the operator."""
    return True


class GuardedResolver(Resolver):
    """A resolver that leaves out the addresses that ``permits`` refuses."""

    def initialize(self, permits: Callable[[str], bool]) -> None:
        self._permits = permits
        self._resolver = DefaultLoopResolver()

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        """Return the addresses of ``host``; raise ``OSError`` if there are none."""
        found = await self._resolver.resolve(host, port, family)
        permitted = [(kind, at) for kind, at in found if self._permits(at[0])]
        if not permitted:
            raise AddressRefused(f"{host} is not an address of the public internet")
        return permitted

    def close(self) -> None:
        self._resolver.close()
