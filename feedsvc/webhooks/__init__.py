"""Signed webhooks: changes of items, told to other servers over HTTP."""

from __future__ import annotations

from feedsvc.webhooks.delivery import Counts, Webhooks

__all__ = ["Counts", "Webhooks"]
