"""Clients of the tests: one for each door, and one set of words for all of them."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from websockets.asyncio.client import ClientConnection, connect

# Nothing that is awaited here takes a second; a busy machine gets some more.
PATIENCE_S = 10.0

Message = dict[str, Any]
_numbers = count(1)


class Answer:
    """An HTTP answer: its status, its headers and the JSON in it."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.code
        self.headers = response.headers
        self.body = response.body or b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status and the code of a refusal."""
        error = self.json["error"]
        assert set(self.json) == {"error"}
        assert set(error) == {"code", "text"}
        assert error["text"]
        return self.status, error["code"]

    @property
    def text(self) -> str:
        """What a refusal tells the person who caused it."""
        return str(self.json["error"]["text"])


class Http:
    """Plain requests; ``token`` is sent with each of them."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self._token = token
        self._client = AsyncHTTPClient(force_instance=True, max_clients=100)

    def close(self) -> None:
        self._client.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json_body: object = None,
        body: bytes | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **query: object,
    ) -> Answer:
        """Make one request; ``query`` values that are lists are repeated."""
        sent = dict(headers or {})
        if token := token or self._token:
            sent["Authorization"] = f"Bearer {token}"
        if json_body is not None:
            body = json.dumps(json_body).encode()
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        response = await self._client.fetch(
            HTTPRequest(
                f"{self.url}{path}{asked}",
                method,
                headers=sent,
                body=body,
                allow_nonstandard_methods=True,
                request_timeout=PATIENCE_S,
            ),
            raise_error=False,
        )
        return Answer(response)

    async def items(self, channel: str, **query: object) -> Answer:
        return await self.ask("GET", items_path(channel), **query)

    async def publish(self, channel: str, item: object, **options: Any) -> Answer:
        return await self.ask("POST", items_path(channel), json_body=item, **options)

    async def put(self, channel: str, item_id: str, item: object) -> Answer:
        path = f"{items_path(channel)}/{quote(item_id, safe='')}"
        return await self.ask("PUT", path, json_body=item)

    async def item(self, item_id: str, **options: Any) -> Answer:
        return await self.ask("GET", item_path(item_id), **options)

    async def delete(self, item_id: str, **options: Any) -> Answer:
        return await self.ask("DELETE", item_path(item_id), **options)


class Reader(ABC):
    """A realtime client; what it has not been asked for yet waits in ``held``."""

    def __init__(self) -> None:
        self.held: deque[Message] = deque()

    @abstractmethod
    async def subscribe(self, channel: str, **options: Any) -> Message:
        """Subscribe and return the answer."""

    @abstractmethod
    async def receive(self) -> Message:
        """Return the next message from the wire."""

    @abstractmethod
    async def close(self) -> None: ...

    async def next(self) -> Message:
        """Return the next message, held ones first."""
        if self.held:
            return self.held.popleft()
        async with asyncio.timeout(PATIENCE_S):
            return await self.receive()

    async def next_items(self, number: int) -> list[Message]:
        """Return the items of the next live messages, and take nothing else."""
        found = []
        while len(found) < number:
            message = await self.next()
            assert message["msg"] == "item", message
            found.append(message["item"])
        return found


class Session(Reader):
    """A client that may ask: raw WebSocket, framed WebSocket or polling."""

    @abstractmethod
    async def send(self, text: str) -> None:
        """Send one message as it is."""

    async def tell(self, **message: Any) -> None:
        await self.send(json.dumps(message))

    async def ask(self, msg: str, **fields: Any) -> Message:
        """Ask, and return the answer that carries the same id."""
        asked_id = next(_numbers)
        await self.tell(msg=msg, id=asked_id, **fields)
        return await self.answer(asked_id)

    async def answer(self, asked_id: object) -> Message:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.receive()
                if message.get("id") == asked_id and message["msg"] != "item":
                    return message
                self.held.append(message)

    async def refusal(self, msg: str, **fields: Any) -> str:
        """Ask for what is refused, and return the code."""
        answer = await self.ask(msg, **fields)
        assert answer["msg"] == "error", answer
        assert answer["text"]
        return str(answer["code"])

    async def subscribe(self, channel: str, **options: Any) -> Message:
        answer = await self.ask("subscribe", channel=channel, **options)
        assert answer["msg"] == "subscribed", answer
        return answer

    async def auth(self, token: str) -> Message:
        answer = await self.ask("auth", token=token)
        assert answer["msg"] == "authenticated", answer
        return answer

    async def heard_by_now(self) -> list[Message]:
        """Return everything that had been sent before a ping was answered."""
        await self.ask("ping")
        heard = list(self.held)
        self.held.clear()
        return heard


class RawSocket(Session):
    """``/live/websocket``: messages as they are."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__()
        self.socket = socket

    @classmethod
    async def open(cls, url: str, **options: Any) -> Self:
        address = url.replace("http", "ws", 1) + "/live/websocket"
        return cls(await connect(address, proxy=None, max_size=None, **options))

    async def send(self, text: str) -> None:
        await self.socket.send(text)

    async def receive(self) -> Message:
        message: Message = json.loads(await self.socket.recv())
        return message

    async def close(self) -> None:
        await self.socket.close()

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the service to close; return its code and reason."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason


class FramedSocket(Session):
    """``/live/S/I/websocket``: messages in SockJS frames."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__()
        self.socket = socket
        self.frames = 0
        self.close_frame: list[Any] | None = None
        self._messages: deque[Message] = deque()

    @classmethod
    async def open(cls, url: str, **options: Any) -> Self:
        address = url.replace("http", "ws", 1) + f"/live/1/{next(_numbers)}f/websocket"
        socket = await connect(address, proxy=None, max_size=None, **options)
        assert await socket.recv() == "o"
        return cls(socket)

    async def send(self, text: str) -> None:
        await self.socket.send(json.dumps([text]))

    async def receive(self) -> Message:
        while not self._messages:
            frame = str(await self.socket.recv())
            if frame.startswith("a"):
                self.frames += 1
                self._messages += [json.loads(text) for text in json.loads(frame[1:])]
            elif frame.startswith("c"):
                self.close_frame = json.loads(frame[1:])
        return self._messages.popleft()

    async def close(self) -> None:
        await self.socket.close()


class Polling(Session):
    """``/live/S/I/xhr``: one frame for each request."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._http = Http(f"{url}/live/1/{next(_numbers)}p")
        self._messages: deque[Message] = deque()

    @classmethod
    async def open(cls, url: str) -> Self:
        polling = cls(url)
        opened = await polling._http.ask("POST", "/xhr", body=b"")
        assert opened.body == b"o\n"
        return polling

    async def send(self, text: str) -> None:
        sent = await self._http.ask("POST", "/xhr_send", json_body=[text])
        assert sent.status == 204, sent.body

    async def receive(self) -> Message:
        while not self._messages:
            answer = await self._http.ask("POST", "/xhr", body=b"")
            frame = answer.body.decode()
            assert frame[0] in "ah", frame
            if frame.startswith("a"):
                self._messages += [json.loads(text) for text in json.loads(frame[1:])]
        return self._messages.popleft()

    async def close(self) -> None:
        self._http.close()


class EventStream(Reader):
    """``/api/channels/{channel}/events``: server-sent events, over a bare socket."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._url = url
        self._token = token
        self._headers = headers or {}
        self._events: deque[Message] = deque()
        self._rest = b""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.head = ""
        self.last_id = ""
        self.kinds: list[str] = []

    @classmethod
    async def open(cls, url: str, **options: Any) -> Self:
        return cls(url, **options)

    async def subscribe(
        self, channel: str, *, last_event_id: str | None = None, **options: Any
    ) -> Message:
        """Begin the stream and return its first event."""
        address = urlsplit(self._url)
        path = f"/api/channels/{quote(channel, safe='')}/events"
        lines = [f"GET {path}?{urlencode(options, doseq=True)} HTTP/1.1", "Host: test"]
        if last_event_id is not None:
            lines.append(f"Last-Event-ID: {last_event_id}")
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        if self._token is not None:
            lines.append(f"Authorization: Bearer {self._token}")
        self._reader, self._writer = await asyncio.open_connection(
            address.hostname, address.port
        )
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        self.head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        assert self.head.startswith("HTTP/1.1 200 "), self.head
        return await self.next()

    async def receive(self) -> Message:
        while not self._events:
            chunk = await self._chunk()
            if not chunk:
                raise EOFError("the stream is over")
            *events, self._rest = (self._rest + chunk).split(b"\n\n")
            for event in events:
                self._take(event.decode())
        return self._events.popleft()

    async def ended(self) -> None:
        """Read to the end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            while await self._chunk():
                pass

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def _chunk(self) -> bytes:
        assert self._reader is not None
        size = int(await self._reader.readline(), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    def _take(self, event: str) -> None:
        fields = dict(line.partition(": ")[::2] for line in event.split("\n"))
        if "data" in fields:
            self.kinds.append(fields["event"])
            self.last_id = fields.get("id", self.last_id)
            self._events.append(json.loads(fields["data"]))


def items_path(channel: str) -> str:
    return f"/api/channels/{quote(channel, safe='')}/items"


def item_path(item_id: str) -> str:
    return f"/api/items/{quote(item_id, safe='')}"
