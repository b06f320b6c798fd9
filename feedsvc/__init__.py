"""feedsvc: a live feed over MongoDB change streams and SockJS."""

from __future__ import annotations

__version__ = "0.1.0"
