"""What a source type is: it says what to fetch and reads what came, without I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ingest.exchange import Request, Response

State = Mapping[str, Any]

# An item with none of these would be an empty card.
SHOWN = frozenset({"title", "content_text", "content_html", "url", "attachments"})


@dataclass(frozen=True, slots=True)
class RawCandidate:
    """Something that a source has, in the fields of an item but not yet checked.

    ``source_id`` is what the source calls it, the same at every read; ``alt_id``
    what else may tell that it is the same.  ``artist`` says whom it is about, for
    channel templates.
    """

    source_id: str
    fields: Mapping[str, Any]
    alt_id: str | None = None
    artist: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one response held.

    ``faults`` tell what could not be read of it.  ``state`` is what the source
    wants to be handed with the next request; with ``more`` that is wanted now.
    ``poll_after_s`` is how long the publisher asks to wait.
    """

    candidates: list[RawCandidate] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    state: State = field(default_factory=dict)
    more: bool = False
    poll_after_s: int | None = None


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


class Source(ABC):
    """One configured source.  Instances travel to a worker process: keep them plain.

    The order of calls is ``request``, then ``parse`` of what came back, and again
    from the start as long as a batch says ``more``.
    """

    kind: ClassVar[str]
    options: ClassVar[Mapping[str, Option]] = {}

    def __init__(self, name: str, url: str, **options: Any) -> None:
        self.name = name
        self.url = url
        defaults = {key: option.default for key, option in self.options.items()}
        self.given: Mapping[str, Any] = {**defaults, **options}

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
