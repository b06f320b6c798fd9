"""What can be set for one service; every limit is on unless it is set to zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedsvc.sockjs.connection import ConnectionInfo

Opener = Callable[["ConnectionInfo"], str | None]


class SettingsError(ValueError):
    """A setting is unknown or breaks its rule; the text names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One service's settings. Durations are in seconds; a limit of 0 is no limit."""

    # The protocol's own.
    heartbeat_delay: float = 25.0
    """Pause between heartbeats; below 35, else jsonp clients give up first."""
    disconnect_delay: float = 5.0
    """How long an HTTP session lives without a receiver."""
    response_limit: int = 131_072
    """Bytes after which a streaming response ends, so that clients free memory."""
    websocket: bool = True
    """Serve both WebSocket URLs."""
    deflate: bool = True
    """Compress what many WebSockets get, if they can inflate it."""
    htmlfile: bool = False
    """Serve htmlfile; runs script in our origin, so never with ``origins``."""
    jsonp: bool = False
    """Serve jsonp; any page can read it, so never with ``origins``."""
    iframe: bool = False
    """Serve the iframe page; lends our origin to any page, never with ``origins``."""
    jsessionid: bool = False
    """Set the cookie by which old balancers stick; says ``cookie_needed``."""
    sockjs_url: str = (
        "https://cdn.jsdelivr.net/npm/sockjs-client@1.6.1/dist/sockjs.min.js"
    )
    """The client's script in the iframe page; must be the page's own version."""
    base_url: str = ""
    """Absolute URL that info tells the client to use instead of this one."""

    # Who may connect.
    origins: tuple[str, ...] = ()
    """Exact allowed origins (``https://radio.example``); empty allows any."""
    opener: Opener | None = None
    """Key of who opens a session; requests of another key get 404."""
    proxy_header: str = ""
    """Header that carries the address (``X-Forwarded-For``), from trusted proxies."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``proxy_header`` is believed."""

    # How many.
    max_sessions: int = 50_000
    """Open sessions in all: memory."""
    max_sessions_per_address: int = 500
    """Open sessions of one address (IPv6: one /64): room for an office behind NAT."""
    max_opens_per_s: int = 10_000
    """New sessions a second in all."""
    max_opens_per_address_per_s: int = 100
    """New sessions of one address in one second."""
    exempt_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Not counted per address: a proxy on this machine carries everybody."""

    # What a client may send.
    max_message_bytes: int = 65_536
    """Bytes of one message, as UTF-8."""
    max_request_bytes: int = 262_144
    """Bytes of one WebSocket message or one sender's body: escapes included."""
    max_messages_per_request: int = 1_000
    """Messages of one sender request, and messages that wait for the application."""
    max_messages_per_s: int = 500
    """Messages of one session in one second."""
    body_timeout_s: float = 20.0
    """How long a request's body may take to arrive."""

    # What a client must read.
    max_queued_bytes: int = 4_194_304
    """Bytes that wait for one client; beyond it is too slow, but for a single batch."""
    max_queued_messages: int = 5_000
    """Messages that wait for one client; beyond it is too slow."""
    max_queued_age_s: float = 30.0
    """Age of the oldest message that waits, or of an answer that is not taken."""
    max_unsent_bytes: int = 131_072
    """Bytes that the kernel holds for one WebSocket but has not sent yet."""

    # Dead peers and storms.
    pong_timeout_s: float = 10.0
    """A WebSocket that answers a ping with nothing for this long is dead."""
    close_timeout_s: float = 5.0
    """How long a WebSocket's closing handshake may take."""
    max_polls_per_s: int = 30
    """Receive requests of one session in a second; more are put off a little."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and value < 0:
                raise SettingsError(f"{field.name} must not be negative")
        if not 0 < self.pong_timeout_s < self.heartbeat_delay:
            raise SettingsError("pong_timeout_s must be above 0, below heartbeat_delay")
        for name in ("disconnect_delay", "close_timeout_s", "body_timeout_s"):
            if not getattr(self, name):
                raise SettingsError(f"{name} must be above 0")
        for name in ("response_limit", "max_message_bytes", "max_request_bytes"):
            if not getattr(self, name):
                raise SettingsError(f"{name} must be above 0")
        for name in ("trusted_proxies", "exempt_networks"):
            self._check_networks(name)
        if any(origin.endswith("/") or "://" not in origin for origin in self.origins):
            raise SettingsError(
                "origins must look like https://host or https://host:8443"
            )

    def _check_networks(self, name: str) -> None:
        for network in getattr(self, name):
            try:
                ip_network(network)
            except ValueError as error:
                raise SettingsError(f"{name}: {error}") from error

    def serves(self, name: str) -> bool:
        """Say whether a transport (or ``iframe``) is on."""
        if name in ("htmlfile", "jsonp", "iframe"):
            # These cannot check who asks: on only where any origin may.
            return not self.origins and bool(getattr(self, name))
        return self.websocket if name == "websocket" else True

    def is_too_slow(self, queued_bytes: int, queued_messages: int) -> bool:
        """Say whether more waits for a client than may wait."""
        return (0 < self.max_queued_bytes < queued_bytes) or (
            0 < self.max_queued_messages < queued_messages
        )

    @property
    def sweep_s(self) -> float:
        """Pause between two sweeps: fine enough for the shortest delay."""
        shortest = min(
            self.heartbeat_delay,
            self.disconnect_delay,
            self.pong_timeout_s,
            self.close_timeout_s,
        )
        return min(1.0, shortest / 4)


def make_settings(
    settings: Settings | Mapping[str, Any] | None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Return settings from an object or a mapping, with overrides on top."""
    base = settings if isinstance(settings, Settings) else Settings()
    changes = {} if isinstance(settings, Settings) else dict(settings or {})
    changes.update(overrides or {})
    unknown = changes.keys() - {field.name for field in fields(Settings)}
    if unknown:
        raise SettingsError(f"unknown settings: {', '.join(sorted(unknown))}")
    return replace(base, **changes)


def bound_to_query(name: str) -> Opener:
    """Return an opener that binds sessions to a token in the base URL's query."""
    return lambda info: info.get_argument(name)
