"""The commands of ``feedsvc``, one module for each group of them."""

from __future__ import annotations

from feedsvc.cli.entry import main, parser

__all__ = ["main", "parser"]
