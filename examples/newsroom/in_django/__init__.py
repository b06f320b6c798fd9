"""A newsroom's site in Django."""

from __future__ import annotations
