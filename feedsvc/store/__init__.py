"""What is kept in MongoDB, and how it is heard of; the only importer of pymongo."""

from __future__ import annotations

from feedsvc.store.database import Database, check, connect

__all__ = ["Database", "check", "connect"]
