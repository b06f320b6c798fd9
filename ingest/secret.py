"""Texts that only the process which needs them may see."""

from __future__ import annotations


class Secret(str):
    """A secret as text: it is told by no ``repr``, and pickled it is empty.

    So it reaches no log, no digest of what is configured, and no worker process.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, ("",)
