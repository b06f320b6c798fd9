"""Every error that feedsvc raises on purpose.

::

    FeedError
    ├── BadInput             the caller broke a rule; a repeat will fail too
    │   ├── BadJSON          not JSON at all
    │   ├── BadMessage       JSON, but not what the door asks for
    │   ├── BadChannel       not a channel
    │   ├── BadCursor        not a cursor or page of ours
    │   ├── TooMany          more than a limit allows
    │   └── TooLarge         longer than a limit allows
    ├── Refused              understood, and not allowed
    │   ├── Unauthorized     a token is missing or not valid
    │   ├── Forbidden        the token does not allow it
    │   ├── Expired          the token was good once
    │   └── RateLimited      allowed again after a while
    ├── NotFound             no such item, channel or page
    ├── Conflict             the id is taken by another channel
    ├── Outdated             the item is no longer what an editor looked at
    ├── Unavailable          the database does not answer; try again
    ├── ConfigError          the configuration has faults
    └── SourceError          a source could not be read this time

Each class has the ``code`` that clients see; texts are for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class FeedError(Exception):
    """The base of all; its own code means a fault of ours."""

    code: ClassVar[str] = "internal"

    @property
    def text(self) -> str:
        """One sentence for the person who caused the error."""
        return str(self)


class BadInput(FeedError):
    """The caller broke a rule; ``field`` names where, ``rule`` names which."""

    code = "bad_message"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field = field
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.field}: {self.rule}"


class BadJSON(BadInput):
    """The text is not JSON."""

    code = "bad_json"


class BadMessage(BadInput):
    """The JSON is not a message, an item or a query of ours."""

    code = "bad_message"


class BadChannel(BadInput):
    """The text is not a channel."""

    code = "bad_channel"


class BadCursor(BadInput):
    """The text is not a cursor or page of ours."""

    code = "bad_cursor"


class TooMany(BadInput):
    """More of something than the limit allows."""

    code = "too_many"


class TooLarge(BadInput):
    """Something is longer than the limit allows."""

    code = "too_large"


class Refused(FeedError):
    """The request was understood and is not allowed."""

    code = "forbidden"


class Unauthorized(Refused):
    """A token is missing or not valid."""

    code = "unauthorized"


class Forbidden(Refused):
    """The rights at hand do not allow this."""

    code = "forbidden"


class Expired(Refused):
    """The token's time is over."""

    code = "expired"


class RateLimited(Refused):
    """Too often; allowed again after ``retry_after_s``."""

    code = "rate_limited"

    def __init__(self, what: str, retry_after_s: float) -> None:
        super().__init__(what, retry_after_s)
        self.what = what
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"too many {self.what}; try again in {self.retry_after_s:.0f} s"


class NotFound(FeedError):
    """No such thing, or none that the caller may know of."""

    code = "not_found"


class Conflict(FeedError):
    """The item's id is taken; by whom and where stays untold."""

    code = "conflict"

    def __init__(self, item_id: str) -> None:
        super().__init__(item_id)
        self.item_id = item_id

    def __str__(self) -> str:
        return f"id: {self.item_id!r} is taken by an item of another channel"


class Outdated(FeedError):
    """The item has changed since the editor looked at it."""

    code = "conflict"

    def __init__(self, item_id: str) -> None:
        super().__init__(item_id)
        self.item_id = item_id

    def __str__(self) -> str:
        return f"item {self.item_id!r} has changed since it was read: look again"


class Unavailable(FeedError):
    """The database does not answer; ``retry_after_s`` says when to try again."""

    code = "unavailable"

    def __init__(self, what: str, retry_after_s: float = 2.0) -> None:
        super().__init__(what, retry_after_s)
        self.what = what
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.what}; try again in {self.retry_after_s:.0f} s"


class ConfigError(FeedError):
    """The configuration has faults: all of them, each with its place."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(*faults)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(self.faults)


class SourceError(FeedError):
    """A source could not be read this time; its next run happens as planned."""

    code = "source"
