"""``[[source]]`` tables as text, to be pasted into the configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping


def block(values: Mapping[str, str | bool]) -> str:
    """Return one table; of strings and flags JSON and TOML have the same notion."""
    lines = (
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
    )
    return "\n".join(["[[source]]", *lines, ""])
