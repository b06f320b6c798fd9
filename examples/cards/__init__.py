"""A card table: game servers and players who meet through the service."""

from __future__ import annotations
