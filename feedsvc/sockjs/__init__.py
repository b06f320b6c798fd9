"""A SockJS server for Tornado: complete, bounded, and built for fan-out."""

from __future__ import annotations

from feedsvc.sockjs.connection import ConnectionInfo, SockJSConnection
from feedsvc.sockjs.group import Group
from feedsvc.sockjs.router import SockJSRouter
from feedsvc.sockjs.settings import Settings, SettingsError, bound_to_query
from feedsvc.sockjs.wire import Batch, encode_message

__all__ = [
    "Batch",
    "ConnectionInfo",
    "Group",
    "Settings",
    "SettingsError",
    "SockJSConnection",
    "SockJSRouter",
    "bound_to_query",
    "encode_message",
]
