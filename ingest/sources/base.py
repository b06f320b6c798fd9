"""What a source type is: it says what to fetch and reads what came, without I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ingest import filters
from ingest.exchange import Request, Response

State = Mapping[str, Any]

# An item with none of these would be an empty card.
SHOWN = frozenset({"title", "content_text", "content_html", "url", "attachments"})


@dataclass(frozen=True, slots=True)
class RawCandidate:
    """Something that a source has, in the fields of an item but not yet checked.

    ``source_id`` is what the source calls it, the same at every read; ``alt_id``
    what else may tell that it is the same.  ``artist`` says whom it is about, for
    channel templates, and ``account`` by which name, which seldom changes.
    ``is_reply`` marks an answer to somebody else.
    """

    source_id: str
    fields: Mapping[str, Any]
    alt_id: str | None = None
    artist: str = ""
    account: str = ""
    is_reply: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What one response held.

    ``faults`` tell what could not be read of it.  ``state`` is what the source
    wants to be handed with the next request; with ``more`` that is wanted now.
    ``poll_after_s`` is how long the publisher asks to wait.  ``removed`` are the
    ``source_id`` of what the source itself says is gone.  ``is_complete`` says that
    this page and those before it in the same run hold all there is, so that what is
    missing is no longer there: calendars can say that, timelines never.
    """

    candidates: list[RawCandidate] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    state: State = field(default_factory=dict)
    more: bool = False
    poll_after_s: int | None = None
    removed: Sequence[str] = ()
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class Recheck:
    """One request that asks whether stored items are still there.

    ``source_ids`` are those that its answer is about.
    """

    request: Request
    source_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Option:
    """One key of a source's table: how it is read and what it is for.

    ``read`` returns the value, or raises ``ValueError`` or ``TypeError`` with the rule
    that it breaks.
    """

    read: Callable[[object], Any]
    doc: str
    default: Any = None
    required: bool = False


class OptionFaults(ValueError):
    """Several things are wrong with one option: by the key inside it, each rule."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(dict(faults))
        self.faults = faults


def flag(value: object) -> bool:
    """Return true or false; raise ``TypeError`` with the rule."""
    if not isinstance(value, bool):
        raise TypeError("must be true or false")
    return value


# What is wanted of any source.  Types see it too, since some need not even ask for
# the rest.
SIFTING: Mapping[str, Option] = {
    "include": Option(filters.patterns, "take only items in which one of these stands"),
    "exclude": Option(filters.patterns, "leave out items in which one of these stands"),
    "languages": Option(filters.languages, "leave out items in other languages"),
    "replies": Option(flag, "take replies to others too", False),
    "reposts": Option(flag, "take reposts of others too", True),
}


class Source(ABC):
    """One configured source.  Instances travel to a worker process: keep them plain.

    The order of calls is ``request``, then ``parse`` of what came back, and again
    from the start as long as a batch says ``more``.
    """

    kind: ClassVar[str]
    options: ClassVar[Mapping[str, Option]] = {}
    #: Where sources of this type are if ``url`` does not say; "" if they may be
    #: anywhere.
    home: ClassVar[str] = ""
    #: True if its batches may be complete; then ``on_missing`` may be given.
    is_snapshot: ClassVar[bool] = False

    def __init__(self, name: str, url: str, **options: Any) -> None:
        self.name = name
        self.url = url
        known = {**SIFTING, **self.options}
        defaults = {key: option.default for key, option in known.items()}
        self.given: Mapping[str, Any] = {**defaults, **options}

    @property
    def filters(self) -> filters.Filters:
        """What of its items is wanted."""
        return filters.Filters(
            include=self.given["include"] or (),
            exclude=self.given["exclude"] or (),
            languages=self.given["languages"] or (),
            replies=self.given["replies"],
            reposts=self.given["reposts"],
        )

    @classmethod
    def options_for(cls, table: Mapping[str, Any]) -> Mapping[str, Option]:
        """Return the keys that this table may have besides the common ones."""
        return cls.options

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return the key and the rule that options break together, if they do."""
        return None

    @abstractmethod
    def request(self, state: State) -> Request:
        """Return what to ask for, given what the last batch wanted to keep."""

    @abstractmethod
    def parse(self, response: Response, state: State) -> Batch:
        """Return what the response holds; raise ``SourceError`` if it is unusable.

        A single broken item is a fault of the batch, not an error.
        """

    def recheck(self, source_ids: Sequence[str], state: State) -> Sequence[Recheck]:
        """Return the requests that ask whether these stored items are still there.

        An id in none of them cannot be asked for.  A type that cannot ask at all,
        as most cannot, leaves this as it is.
        """
        return ()

    def gone(self, asked: Recheck, response: Response) -> Set[str]:
        """Return those of ``asked.source_ids`` that are gone, as the answer tells.

        The answer's status is 200, 404 or 410; raise ``SourceError`` if it tells
        nothing.  It is read in the worker process, as ``parse`` is.
        """
        return frozenset()
