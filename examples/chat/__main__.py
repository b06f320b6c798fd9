"""``python -m examples.chat``."""

from __future__ import annotations

from examples.chat.app import main

main()
