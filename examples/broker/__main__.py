"""``python -m examples.broker``."""

from __future__ import annotations

from examples.broker.app import main

main()
