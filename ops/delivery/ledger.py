"""What publishers did and were told, to hold the database and all models against."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.delivery.findings import DUPLICATED, LOST, STALE, Findings
from ops.delivery.model import Message, Model, order_of

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What an item is after a publisher's step; ``text`` is None once it is removed."""

    rev: int
    text: str | None


class Entry:
    """One item's life as its publisher, the only one that touches it, knows it."""

    def __init__(self, item_id: str, channel: str, offer: Message) -> None:
        self.item_id = item_id
        self.channel = channel
        self.offer = offer
        self.acknowledged: State | None = None
        self.doubtful: State | None = None
        self.begun_at = 0.0

    @property
    def is_shown(self) -> bool:
        return self.acknowledged is not None and self.acknowledged.text is not None

    def begin(self, text: str | None) -> None:
        """Note the next step, which from now on may have happened or not."""
        self.begun_at = time.monotonic()
        rev = self.acknowledged.rev + 1 if self.acknowledged else 1
        self.doubtful = State(rev, text)

    def acknowledge(self) -> None:
        """Note that the step was acknowledged."""
        self.acknowledged, self.doubtful = self.doubtful, None


class Ledger:
    """The entries of all publishers by id."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def check_database(
        self, documents: Mapping[str, Document], findings: Findings
    ) -> None:
        """Hold what the database has against what was acknowledged."""
        for entry in self.entries.values():
            document = documents.get(entry.item_id)
            found = _state(document) if document else None
            may_be = [entry.acknowledged]
            if entry.doubtful is not None:
                may_be.append(entry.doubtful)
                findings.count("steps of unknown outcome")
            if found not in may_be:
                rev = max(state.rev if state else 0 for state in may_be)
                is_over = found is not None and found.rev > rev
                findings.broke(
                    DUPLICATED if is_over else LOST,
                    "the database",
                    f"{entry.item_id}: one of {may_be} expected, {found} found",
                )
        for item_id in documents.keys() - self.entries.keys():
            findings.broke(DUPLICATED, "the database", f"{item_id} is nobody's")

    def check_model(
        self,
        who: str,
        model: Model,
        documents: Mapping[str, Document],
        findings: Findings,
    ) -> None:
        """Hold what a subscriber shows against what the database has."""
        shown = model.shown
        for item_id, item in shown.items():
            state = _state(documents[item_id]) if item_id in documents else None
            if state is None or state.text is None:
                findings.broke(STALE, who, f"{item_id} rev={item['rev']}")
            elif not model.interest.wants(documents[item_id]):
                text = f"{item_id} rev={item['rev']} is of no type asked for by now"
                findings.broke(STALE, who, text)
            elif state != State(item["rev"], item["content_text"]):
                text = f"{item_id} shown at rev={item['rev']}, {state} is the newest"
                findings.broke(LOST, who, text)
        for item_id, document in documents.items():
            if item_id not in shown and self._must_show(model, document):
                findings.broke(LOST, who, f"{item_id} in {document['channel']}")
        findings.count("items in models", len(shown))

    def _must_show(self, model: Model, document: Document) -> bool:
        """True unless the item is gone, none of the model's, or was never asked for."""
        if _state(document).text is None or not model.interest.wants(document):
            return False
        if model.floor is None or order_of(document) >= model.floor:
            return True
        return self.entries[document["id"]].begun_at > model.based_at


def _state(document: Document) -> State:
    is_removed = document.get("removed_at") is not None
    return State(document["rev"], None if is_removed else document["content_text"])
