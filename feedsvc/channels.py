"""``[[channel]]``: what holds for a subtree, as the configuration says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feedsvc import kinds
from feedsvc.core.access import ChannelRule
from feedsvc.core.channel import Channel
from feedsvc.errors import BadInput
from feedsvc.toml import Table

_COUNT = kinds.whole(1, 10**9)


def channel_rules(
    tables: Sequence[Table], file: str, faults: list[str]
) -> tuple[ChannelRule, ...]:
    """Return the rules of the tables; what is wrong is added to the faults."""
    rules: dict[Channel, ChannelRule] = {}
    for table in tables:
        values: dict[str, Any] = {}
        if "path" not in table.values and not table.is_scalar:
            faults.append(f"{file}:{table.line}: channel.path: is required")
        for key, value in table.values.items():
            try:
                values |= _rule_value(key, value)
            except (BadInput, TypeError, ValueError) as error:
                rule = error.rule if isinstance(error, BadInput) else str(error)
                faults.append(f"{file}:{table.at(key)}: channel.{key}: {rule}")
        path = values.get("path")
        if path in rules:
            place = f"{file}:{table.at('path')}: channel.path"
            # One of them would be lost, and what it makes private with it.
            faults.append(f"{place}: {path} has a [[channel]] already")
        elif path is not None:
            rules[path] = ChannelRule(**values)
    return tuple(rules.values())


def _rule_value(key: str, value: object) -> dict[str, Any]:
    if key == "path":
        return {"path": Channel.parse(value)}
    if key == "access":
        if value not in ("public", "private"):
            raise ValueError("must be public or private")
        return {"private": value == "private"}
    if key == "types":
        return {"types": kinds.types(value)}
    if key == "delay":
        return {"delay_s": kinds.duration_s(value)}
    if key == "retention":
        limits = value if isinstance(value, dict) else {"age": value}
        if not set(limits) <= {"age", "count"}:
            raise ValueError("must be an age such as 90d, or {age = …, count = …}")
        found: dict[str, Any] = {}
        if "age" in limits:
            found["retention_s"] = kinds.duration_s(limits["age"])
        if "count" in limits:
            found["retention_count"] = _COUNT(limits["count"])
        return found
    raise ValueError("is not a key of [[channel]]")
