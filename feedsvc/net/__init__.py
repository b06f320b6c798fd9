"""The doors: SockJS, HTTP and server-sent events, over one service."""

from __future__ import annotations
