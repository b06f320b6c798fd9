"""``python -m feedsvc``."""

from __future__ import annotations

import sys

from feedsvc.cli import main

sys.exit(main())
