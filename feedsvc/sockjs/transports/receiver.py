"""Receivers of the HTTP transports: responses that carry frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from asyncio import Future
from collections.abc import Callable
from http import HTTPStatus

from feedsvc.sockjs.http import Exchange, Headers
from feedsvc.sockjs.polling import PollingSession

Wrap = Callable[[str], bytes]


class HttpReceiver(ABC):
    """A response that waits for a session's frames."""

    is_ready: bool

    def __init__(self, exchange: Exchange, wrap: Wrap) -> None:
        self.wrap = wrap
        self.is_full = False
        self._exchange = exchange
        self._session: PollingSession | None = None

    def attach(self, session: PollingSession) -> None:
        """Give the response to the session."""
        self._session = session
        self._exchange.on_lost = self._on_lost
        session.attach(self)

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send a frame as it stands on the wire."""

    @abstractmethod
    def end(self) -> None:
        """End the response after what was written."""

    def cut(self) -> None:
        """Drop the connection."""
        self._exchange.cut()

    def _on_lost(self) -> None:
        if self._session is not None:
            self._session.lost(self)


class PollReceiver(HttpReceiver):
    """A response that is answered by one frame."""

    is_ready = True

    def __init__(
        self, exchange: Exchange, wrap: Wrap, content_type: str, headers: Headers
    ) -> None:
        super().__init__(exchange, wrap)
        self._content_type = content_type
        self._headers = headers

    def write(self, data: bytes) -> None:
        self.is_full = True
        self._exchange.on_lost = None
        self._exchange.answer(HTTPStatus.OK, data, self._content_type, self._headers)

    def end(self) -> None:
        """Nothing is left to do: the frame was the whole answer."""


class StreamReceiver(HttpReceiver):
    """A response that goes on until it has carried ``limit`` bytes of frames.

    It holds at most one frame that has not left yet: until then it is not ready, so
    what comes meanwhile waits in the session's queue, which has a bound.
    """

    def __init__(
        self,
        exchange: Exchange,
        wrap: Wrap,
        content_type: str,
        headers: Headers,
        prelude: bytes,
    ) -> None:
        super().__init__(exchange, wrap)
        self._left = exchange.service.settings.response_limit
        self.is_ready = True
        exchange.begin(content_type, headers)
        self._wait(exchange.write(prelude))

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        self.is_full = self._left <= 0
        self._wait(self._exchange.write(data))

    def end(self) -> None:
        self._exchange.end()

    def _wait(self, written: Future[None]) -> None:
        if not written.done():
            self.is_ready = False
            written.add_done_callback(self._on_written)

    def _on_written(self, written: Future[None]) -> None:
        if written.cancelled() or written.exception() is not None:
            return  # the connection is lost, which comes by its own callback
        self.is_ready = True
        if self._session is not None:
            self._session.flush()
