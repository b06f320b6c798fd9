"""The commands of ``feedsvc-ingest``; each group of them has a module of its own."""

from __future__ import annotations

from ingest.cli.entry import main, parser

__all__ = ["main", "parser"]
