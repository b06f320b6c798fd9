"""One module a transport: how frames look on its wire, and who answers its URLs."""

from __future__ import annotations
