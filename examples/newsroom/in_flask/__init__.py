"""A newsroom's site in Flask."""

from __future__ import annotations
