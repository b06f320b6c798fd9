"""A push broker."""

from __future__ import annotations
