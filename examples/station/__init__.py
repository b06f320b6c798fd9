"""Radio Meridian: the systems of an invented station, which the demo reads from."""

from __future__ import annotations
