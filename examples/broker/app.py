"""A push broker: any program publishes over HTTP, browsers get it at once.

``python -m examples.broker --token secret``, then from anywhere::

    curl -H "Authorization: Bearer secret" -d "Hello" \
        http://127.0.0.1:8080/publish/news

Browsers connect to ``/broker`` with the SockJS client and send
``{"subscribe": "news"}``; they get ``{"channel": "news", "text": "Hello"}``.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import re
from functools import partial
from http import HTTPStatus

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from feedsvc.sockjs import Batch, Group, SockJSConnection, SockJSRouter
from feedsvc.sockjs.session import SockJSSession

CHANNEL = re.compile(r"[a-z0-9.-]{1,100}")
MAX_SUBSCRIPTIONS = 100  # of one client: each costs memory
MAX_BODY_BYTES = 65_536


class Broker:
    """Who listens to which channel. A channel exists while somebody listens."""

    def __init__(self) -> None:
        self._channels: dict[str, Group] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def join(self, channel: str, subscriber: SockJSConnection) -> None:
        """Let a connection listen to a channel."""
        self._channels.setdefault(channel, Group()).add(subscriber)

    def leave(self, channel: str, subscriber: SockJSConnection) -> None:
        """Let a connection, open or closed, listen no more."""
        group = self._channels[channel]
        group.discard(subscriber)
        if not group:
            del self._channels[channel]

    def publish(self, channel: str, text: str) -> int:
        """Send a text to all who listen; return how many they are."""
        group = self._channels.get(channel)
        if group is None:
            return 0
        message = json.dumps({"channel": channel, "text": text}, ensure_ascii=False)
        return group.send(Batch((message,)))


class Subscriber(SockJSConnection):
    """One browser and its subscriptions."""

    def __init__(self, session: SockJSSession, broker: Broker) -> None:
        super().__init__(session)
        self._broker = broker
        self._channels: set[str] = set()

    def on_message(self, message: str) -> None:
        """Subscribe or unsubscribe; anything else gets an error and goes on."""
        try:
            ((verb, channel),) = json.loads(message).items()
            good = CHANNEL.fullmatch(channel) is not None
        except (ValueError, AttributeError, TypeError, RecursionError):
            verb, channel, good = "", "", False
        if good and verb == "subscribe" and len(self._channels) < MAX_SUBSCRIPTIONS:
            self._channels.add(channel)
            self._broker.join(channel, self)
        elif good and verb == "unsubscribe" and channel in self._channels:
            self._channels.remove(channel)
            self._broker.leave(channel, self)
        else:
            self.send('{"error": "send {\\"subscribe\\": channel} or unsubscribe"}')

    def on_close(self) -> None:
        for channel in self._channels:
            self._broker.leave(channel, self)


class PublishHandler(RequestHandler):
    """Takes texts from programs that know the token."""

    def initialize(self, broker: Broker, token: str) -> None:
        self._broker = broker
        self._token = f"Bearer {token}".encode()

    def post(self, channel: str) -> None:
        given = self.request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._token):
            self.send_error(HTTPStatus.UNAUTHORIZED)
            return
        try:
            text = self.request.body.decode()
        except UnicodeDecodeError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self.write({"sent": self._broker.publish(channel, text)})


def make_app(token: str) -> tuple[Application, SockJSRouter]:
    """Return the application, and the router that has to be stopped."""
    broker = Broker()
    router = SockJSRouter(partial(Subscriber, broker=broker), "/broker")
    options = {"broker": broker, "token": token}
    publish = (rf"/publish/({CHANNEL.pattern})", PublishHandler, options)
    return Application([publish, *router.urls]), router


async def serve(port: int, token: str) -> None:
    """Serve until interrupted."""
    app, router = make_app(token)
    server = HTTPServer(app, max_buffer_size=MAX_BODY_BYTES)
    server.listen(port, "127.0.0.1")
    print(f"http://127.0.0.1:{port}")
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await router.stop()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m examples.broker")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--token", required=True, help="what publishers have to know")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.port, options.token))
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
