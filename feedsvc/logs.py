"""Logging: one line an event on standard error, for people and for machines."""

from __future__ import annotations

import logging
import sys


def set_up(level: str = "INFO") -> None:
    """Send the log to standard error; call once, from the command line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler])
    # Access lines would name items and tokens; our own handlers tell what matters.
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    logging.getLogger("pymongo").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
