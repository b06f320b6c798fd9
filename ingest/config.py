"""``[[source]]`` tables to jobs: every fault is told at once, with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from feedsvc.config import Settings, SourceTable, duration_s
from feedsvc.errors import BadInput, ConfigError
from ingest.budget import Budget
from ingest.decide import Policy
from ingest.fetch import TOTAL_S
from ingest.offers import Template
from ingest.schedule import Schedule
from ingest.sources.base import SIFTING, Option, OptionFaults, Source, flag
from ingest.sources.registry import source_types

MAX_SOURCES = 1_000
# Posts are not asked for again more often than this.
MIN_RECHECK_S = 300

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")


class OnMissing(StrEnum):
    """What becomes of events that a complete calendar no longer has."""

    KEEP = "keep"
    CANCEL = "cancel"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Job:
    """A source and all that the operator says of it."""

    source: Source
    template: Template
    schedule: Schedule
    policy: Policy
    allow_private: bool = False
    timeout_s: float = TOTAL_S
    budget: Budget | None = None
    on_missing: OnMissing = OnMissing.KEEP
    recheck_s: int | None = None
    hold: bool = False


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"[a-z0-9][a-z0-9_-]{0,63}", value
    ):
        raise ValueError("must be 1 to 64 of a-z, 0-9, '_' and '-'")
    return value


def _url(value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    is_web = parts is not None and parts.scheme in ("http", "https")
    # Reading the port checks it.
    if parts is None or not is_web or not parts.hostname or parts.port == 0:
        raise ValueError("must be an http or https URL")
    return parts.geturl()


def _whole(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return read


def _on_missing(value: object) -> OnMissing:
    try:
        return OnMissing(str(value))
    except ValueError as error:
        raise ValueError("must be keep, cancel or remove") from error


def _recheck_s(value: object) -> int:
    seconds = duration_s(value)
    if seconds < MIN_RECHECK_S:
        raise ValueError("must be 5m or more")
    return seconds


def _timeout_s(value: object) -> int:
    seconds = duration_s(value)
    if not 1 <= seconds <= 120:
        raise ValueError("must be 1s to 120s")
    return seconds


COMMON: Mapping[str, Option] = {
    "name": Option(_name, "key of the source, part of its items' ids", required=True),
    "type": Option(str, "what the source is", required=True),
    "url": Option(_url, "where it is; some types know it themselves"),
    "channel": Option(
        Template.parse, "where its items go; may hold {artist_slug}", required=True
    ),
    "schedule": Option(Schedule.parse, '"every 5m", or cron', required=True),
    "enabled": Option(flag, "false leaves the source out", True),
    "hold": Option(flag, "items wait until an editor approves them", False),
    "allow_private": Option(flag, "the address may be in a private network", False),
    "max_items": Option(_whole(1, 5_000), "items taken of one run, the newest", 500),
    "max_age": Option(duration_s, "items older than this are not taken"),
    **SIFTING,
    "on_missing": Option(
        _on_missing,
        "keep, cancel or remove events that their calendar no longer has",
        OnMissing.KEEP,
    ),
    "recheck": Option(_recheck_s, "how often stored posts are asked for again"),
    "budget": Option(Budget.parse, 'requests that it may make, such as "5000/day"'),
    "timeout": Option(_timeout_s, "the time that one request may take", TOTAL_S),
}


def jobs(settings: Settings, environ: Mapping[str, str]) -> list[Job]:
    """Return the job of each enabled source; raise ``ConfigError`` with all faults.

    In values ``${NAME}`` and ``${NAME:-default}`` stand for the environment's, or for
    what the file that ``NAME_FILE`` names holds.
    """
    faults: list[str] = []
    names: set[str] = set()
    found: list[Job] = []
    if len(settings.sources) > MAX_SOURCES:
        faults.append(f"{settings.path}: has more than {MAX_SOURCES} sources")
    types = source_types()
    for table in settings.sources[:MAX_SOURCES]:
        reader = _TableReader(table, str(settings.path or ""), environ, faults)
        job, is_enabled = reader.job(types)
        if job is None:
            continue
        if job.source.name in names:
            reader.fault("name", "is the name of another source too")
        names.add(job.source.name)
        if is_enabled:
            found.append(job)
    if faults:
        raise ConfigError(faults)
    return found


class _TableReader:
    """Reads one table; what is wrong with it goes to ``faults``."""

    def __init__(
        self,
        table: SourceTable,
        file: str,
        environ: Mapping[str, str],
        faults: list[str],
    ) -> None:
        self._table = table
        self._file = file
        self._environ = environ
        self._faults = faults

    def fault(self, key: str, rule: str) -> None:
        lines = self._table.lines
        line = lines.get(key) or lines.get(key.partition(".")[0], self._table.line)
        name = self._table.values.get("name", "?")
        self._faults.append(f"{self._file}:{line}: source {name}: {key}: {rule}")

    def job(self, types: Mapping[str, type[Source]]) -> tuple[Job | None, bool]:
        """Return the job, none if it is faulty, and whether it is enabled."""
        before = len(self._faults)
        values = self._read(COMMON)
        kind = types.get(str(values["type"]))
        if kind is None and values["type"] is not None:
            self.fault("type", f"must be one of {', '.join(sorted(types))}")
        known = kind.options_for(self._table.values) if kind else {}
        options = self._read(known)
        for key in self._table.values:
            if kind and key not in COMMON and key not in known:
                self.fault(key, f"is not a key of a source of type {kind.kind}")
        url = values["url"] or (kind.home if kind else "")
        if not url and "url" not in self._table.values:
            self.fault("url", "is required")
        if kind and len(self._faults) == before:
            for told in (kind.check(options), _unable(kind, values)):
                if told:
                    self.fault(*told)
        if kind is None or len(self._faults) > before:
            return None, False
        sifting = {key: values[key] for key in SIFTING}
        source = kind(values["name"], url, **sifting, **options)
        return _job(source, values), values["enabled"]

    def _read(self, options: Mapping[str, Option]) -> dict[str, Any]:
        return {key: self._value(key, option) for key, option in options.items()}

    def _value(self, key: str, option: Option) -> Any:
        value = self._table.values.get(key)
        if value is None:
            if option.required:
                self.fault(key, "is required")
            return option.default
        try:
            return option.read(self._expanded(value))
        except OptionFaults as error:
            for inner, rule in error.faults.items():
                self.fault(f"{key}.{inner}", rule)
        except BadInput as error:
            self.fault(key, error.rule)
        except (TypeError, ValueError) as error:
            self.fault(key, str(error))
        return option.default

    def _expanded(self, value: object) -> object:
        """Return the value with the environment's in the place of ``${…}``."""
        if isinstance(value, dict):
            return {key: self._expanded(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._expanded(inner) for inner in value]
        if not isinstance(value, str):
            return value
        return _VARIABLE.sub(lambda found: self._filled(found[1], found[2]), value)

    def _filled(self, name: str, default: str | None) -> str:
        filled = self._environ.get(name) or self._from_file(name) or default
        if filled is None:
            raise ValueError(f"needs the environment variable {name} or {name}_FILE")
        return filled

    def _from_file(self, name: str) -> str | None:
        file = self._environ.get(f"{name}_FILE")
        if not file:
            return None
        try:
            return Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}_FILE: {file} cannot be read") from error


def _unable(kind: type[Source], values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the key that asks for what the type cannot do, and why not."""
    if values["on_missing"] != OnMissing.KEEP and not kind.is_snapshot:
        return "on_missing", f"a source of type {kind.kind} never shows all it has"
    if values["recheck"] and kind.recheck is Source.recheck:
        return "recheck", f"a source of type {kind.kind} cannot be asked for one item"
    return None


def _job(source: Source, values: Mapping[str, Any]) -> Job:
    return Job(
        source=source,
        template=values["channel"],
        schedule=values["schedule"],
        policy=Policy(values["max_items"], values["max_age"]),
        allow_private=values["allow_private"],
        timeout_s=values["timeout"],
        budget=values["budget"],
        on_missing=values["on_missing"],
        recheck_s=values["recheck"],
        hold=values["hold"],
    )
