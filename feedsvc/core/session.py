"""The protocol state of one client: its rights, subscriptions and cohort.

A subscription is *loading* until its backlog is at hand, then *live*.  It goes live
in the same instant in which its answer is made, and the answer is exact as of the
hub's head: nothing can fall between the two or be in both.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from feedsvc.core import messages
from feedsvc.core.access import ANYONE, Rights, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.hub import Hub
from feedsvc.core.interests import Cohort
from feedsvc.core.messages import Subscribe
from feedsvc.errors import Expired, Refused, TooMany

M = TypeVar("M")


class Subscription:
    """One interest of one session."""

    __slots__ = ("channel", "is_live", "limit", "request_id", "scope")

    def __init__(self, request: Subscribe, scope: Scope) -> None:
        self.channel = request.channel
        self.request_id = request.id
        self.limit = request.backlog
        self.scope = scope
        self.is_live = False


class Session(Generic[M]):
    """What the service knows of one client; ``member`` stands for it in the hub."""

    __slots__ = ("_cohort", "_hub", "_member", "_subscriptions", "rights")

    def __init__(self, hub: Hub[M], member: M, rights: Rights = ANYONE) -> None:
        self._hub = hub
        self._member = member
        self._cohort: Cohort[M] | None = None
        # Most clients have one subscription; a tuple is a fourth of a dict's size.
        self._subscriptions: tuple[Subscription, ...] = ()
        self.rights = rights

    @property
    def channels(self) -> list[Channel]:
        return [subscription.channel for subscription in self._subscriptions]

    def subscribe(
        self, request: Subscribe, rules: Rules, limit: int
    ) -> tuple[Subscription, str | None]:
        """Return the new subscription and its answer, or None while it must load.

        In the latter case the caller has the hub's backlog of the scope loaded, then
        asks for ``loaded``.  A second subscription to a channel replaces the first.
        Raise what ``Rules.scope`` raises, and ``TooMany`` beyond ``limit``.
        """
        others = self._without(request.channel)
        if len(others) >= limit:
            raise TooMany("channel", f"at most {limit} subscriptions a connection")
        scope = rules.scope(self.rights, request.channel, request.types)
        subscription = Subscription(request, scope)
        self._subscriptions = (*others, subscription)
        if request.since is not None:
            items = self._hub.resume(scope, request.since)
            if items is not None:
                self._go_live(subscription)
                answer = messages.join(items)
                return subscription, self._answer(subscription, answer, resumed=True)
        loaded = self.loaded(subscription)
        self._hub.note_asked(is_hot=loaded is not None)
        return subscription, loaded

    def loaded(self, subscription: Subscription) -> str | None:
        """Return the answer if the scope is hot, and go live with it; else None."""
        if subscription not in self._subscriptions:
            return None
        backlog = self._hub.hot(subscription.scope, subscription.limit)
        if backlog is None:
            return None
        self._go_live(subscription)
        items, more = backlog.answer(subscription.limit)
        return self._answer(subscription, items, more=more)

    def is_waiting(self, subscription: Subscription) -> bool:
        """True while the subscription is wanted and not yet live."""
        return subscription in self._subscriptions and not subscription.is_live

    def unsubscribe(self, channel: Channel) -> None:
        """Forget the subscription to the channel, if there is one."""
        self._subscriptions = self._without(channel)
        self._settle()

    def restart(self) -> list[tuple[Subscription, str]]:
        """Return the subscriptions to be loaded afresh, each with the news of it."""
        lost = [one for one in self._subscriptions if one.is_live]
        for subscription in lost:
            # The answer to come was not asked for and carries no id.
            subscription.request_id = None
            subscription.is_live = False
        self._settle()
        return [(one, messages.reset(one.channel)) for one in lost]

    def authenticate(self, rights: Rights, rules: Rules) -> list[str]:
        """Take on new rights; return the news of subscriptions that end by it."""
        self.rights = rights
        kept, news = [], []
        for subscription in self._subscriptions:
            channel, types = subscription.channel, subscription.scope.types
            try:
                subscription.scope = rules.scope(rights, channel, types)
                kept.append(subscription)
            except Refused:
                cause = Expired(f"channel: the rights no longer cover {channel}")
                news.append(messages.error(None, cause))
        self._subscriptions = tuple(kept)
        self._settle()
        return news

    def close(self) -> None:
        """Leave the hub."""
        self._subscriptions = ()
        self._settle()

    def _go_live(self, subscription: Subscription) -> None:
        subscription.is_live = True
        self._settle()

    def _settle(self) -> None:
        """Be in the cohort of all live subscriptions."""
        scopes = frozenset(one.scope for one in self._subscriptions if one.is_live)
        self._cohort = self._hub.move(self._member, self._cohort, scopes)

    def _answer(
        self,
        subscription: Subscription,
        items: str,
        *,
        resumed: bool = False,
        more: bool = False,
    ) -> str:
        return messages.subscribed(
            subscription.request_id,
            subscription.channel,
            items,
            self._hub.cursor,
            resumed=resumed,
            more=more,
        )

    def _without(self, channel: Channel) -> tuple[Subscription, ...]:
        return tuple(one for one in self._subscriptions if one.channel != channel)
