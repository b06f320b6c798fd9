"""What feedsvc decides, without I/O: channels, items, positions, hub, sessions."""

from __future__ import annotations
