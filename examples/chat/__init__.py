"""A chat room."""

from __future__ import annotations
