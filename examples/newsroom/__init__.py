"""The same small newsroom in Flask, Django and PHP."""

from __future__ import annotations
