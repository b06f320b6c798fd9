"""The servers that the benchmark runs: how each starts and how a client joins it.

Every server is used as its own documentation shows it, on one core, and is told each
item by a publisher: a line on a control port, or the broker's own way of publishing.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedsvc.net.tokens import Tokens

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "var" / "bench"  # everything that is built or installed, never committed

NODE_FOLDER = WORK / "node"
SOCKJS_TORNADO = WORK / "sockjs-tornado"
SOCKJS_TORNADO_PINS = ("sockjs-tornado==1.0.7", "tornado==6.5.10")
DEBIAN_PACKAGES = ("nginx", "libnginx-mod-nchan", "mosquitto")
CHANNEL = "radiostation.artist"
BACKLOG = 20  # items that a client asks for when it comes
SECRET = "a secret of the benchmark, guards nothing"  # noqa: S105  # so it says
NGINX_MODULES = Path("/usr/lib/nginx/modules")


@dataclass(frozen=True)
class Server:
    """One server under test.

    ``start`` and ``environment`` may hold ``{port}``, ``{control}`` and ``{folder}``;
    the last is the run's own folder, which gets ``config`` with the same filled in.
    ``has_channels`` says that its clients subscribe as ours do.
    """

    name: str
    package: str
    start: tuple[str, ...]
    client: tuple[str, ...]
    config: str | None = None
    publishes_to_port: bool = False
    has_channels: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str | None:
        """The installed version, or None if the server is not installed."""
        kind, _, name = self.package.partition(":")
        return _VERSIONS[kind](name) if shutil.which(self.start[0]) else None


def _node_version(name: str) -> str | None:
    manifest = NODE_FOLDER / "node_modules" / name / "package.json"
    return json.loads(manifest.read_bytes())["version"] if manifest.exists() else None


def debian_version(name: str) -> str | None:
    command = ("dpkg-query", "-W", "-f", "${Version}", name)
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout or None


def _sockjs_tornado_version(name: str) -> str | None:
    return SOCKJS_TORNADO_PINS[0].partition("==")[2]


_VERSIONS = {
    "npm": _node_version,
    "deb": debian_version,
    "py": importlib.metadata.version,
    "venv": _sockjs_tornado_version,
    "own": lambda name: name,
}

# --- how a client joins -----------------------------------------------------------

WEBSOCKET = ("--path", "/live")
SOCKJS = ("--path", "/live/000/{id}/websocket", "--step", "<o")
SOCKETIO = (
    *("--path", "/socket.io/?EIO=4&transport=websocket"),
    *("--step", "<0{", "--step", ">40", "--step", "<40{"),
    *("--reply", "2=3"),
)
NCHAN = (
    *WEBSOCKET,
    *("--head", r"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 250\r\n\r\n"),
    *("--tail", "", "--accepted", "HTTP/1.1 20"),
)
# MQTT 3.1.1: CONNECT with an id of eight characters and no keep-alive, SUBSCRIBE to
# "items" and PUBLISH to it with quality of service 0.
_MQTT_CONNECT = r">\x10\x14\x00\x04MQTT\x04\x02\x00\x00\x00\x08"
MQTT = (
    "--mqtt",
    *("--step", _MQTT_CONNECT + "{id}", "--step", r"<\x20\x02\x00\x00"),
    *("--step", r">\x82\x0a\x00\x01\x00\x05items\x00", "--step", r"<\x90"),
    *("--control-step", _MQTT_CONNECT + "producer", "--control-step", "<"),
    *("--head", r"\x30\x81\x02\x00\x05items", "--tail", ""),
)


def _node(name: str, package: str, script: str, client: tuple[str, ...]) -> Server:
    return Server(
        name,
        f"npm:{package}",
        ("node", str(HERE / "servers" / script), "{port}", "{control}"),
        client,
        environment={"NODE_PATH": str(NODE_FOLDER / "node_modules")},
    )


def _python(
    name: str,
    package: str,
    script: Path,
    client: tuple[str, ...],
    interpreter: Path | str = sys.executable,
) -> Server:
    start = (str(interpreter), str(script), "{port}", "{control}")
    return Server(name, package, start, client, environment={"PYTHONPATH": str(ROOT)})


def ours(name: str, height: str, client: tuple[str, ...], fan_out: str = "") -> Server:
    """Return our own server, cut at a height of `ours.py`."""
    return Server(
        name,
        "py:feedsvc",
        (sys.executable, str(HERE / "ours.py"), height, "{port}", "{control}"),
        client,
        has_channels=height == "service",
        environment={
            "PYTHONPATH": f"{ROOT}:{HERE / 'servers'}",
            "FEEDSVC_FANOUT": fan_out,
        },
    )


def subscription(channel: str) -> tuple[str, ...]:
    """Return the steps that ask for a channel and its backlog, and await both."""
    request = {"msg": "subscribe", "id": 1, "channel": channel, "backlog": BACKLOG}
    frame = json.dumps([json.dumps(request)])
    return ("--step", ">" + frame.replace("\\", r"\\"), "--step", "<subscribed")


def _whole(name: str) -> Server:
    """Return the service as operators start it, with a private MongoDB."""
    tokens = Tokens(SECRET)
    token = tokens.issue(
        "bench", publish=[CHANNEL], lifetime=timedelta(days=1), now=datetime.now(UTC)
    )
    head = (
        rf"POST /api/channels/{CHANNEL}/items HTTP/1.1\r\nHost: x\r\n"
        rf"Authorization: Bearer {token}\r\nContent-Length: 250\r\n\r\n"
    )
    return Server(
        name,
        "py:feedsvc",
        (sys.executable, "-m", "feedsvc", "serve"),
        (
            *(*SOCKJS, *subscription(CHANNEL)),
            *("--head", head, "--tail", "", "--accepted", "HTTP/1.1 201"),
        ),
        publishes_to_port=True,
        has_channels=True,
        environment={
            "PYTHONPATH": str(ROOT),
            "FEEDSVC_PORT": "{port}",
            "FEEDSVC_ADMIN_PORT": "0",
            "FEEDSVC_DATA_DIR": "{folder}/data",
            "FEEDSVC_SECRET": SECRET,
            "FEEDSVC_DRAIN_SECONDS": "0",
            "FEEDSVC_LOG_LEVEL": "WARNING",
            "FEEDSVC_PUBLISH_PER_SECOND": "1000000",  # one token publishes for all
        },
    )


# --- the table ---------------------------------------------------------------------

FLOOR = Server(
    "bare C send() loop",
    "own:-",
    (str(WORK / "bare"), "{port}", "{control}"),
    WEBSOCKET,
)
CEILING = Server(
    "bare C, coalesced",
    "own:-",
    (str(WORK / "bare"), "{port}", "{control}", "coalesced"),
    WEBSOCKET,
)

_SUBSCRIBED = (*SOCKJS, *subscription(CHANNEL))
OURS = (
    ours("feedsvc, SockJS layer", "layer", SOCKJS),
    ours("feedsvc, realtime path", "service", _SUBSCRIBED),
    ours("feedsvc, uncompressed", "service", (*_SUBSCRIBED, "--plain")),
    ours("feedsvc, sends by C loop", "service", _SUBSCRIBED, "send"),
    ours("feedsvc, sends by Python", "service", _SUBSCRIBED, "python"),
    _whole("feedsvc, with MongoDB"),
)

PEERS = (
    FLOOR,
    CEILING,
    _node("uWebSockets", "uwebsockets", "uws.js", WEBSOCKET),
    Server(
        "Nchan",
        "deb:libnginx-mod-nchan",
        ("/usr/sbin/nginx", "-c", "{folder}/nginx.conf"),
        NCHAN,
        config="nginx.conf",
        publishes_to_port=True,
    ),
    Server(
        "Mosquitto",
        "deb:mosquitto",
        ("/usr/sbin/mosquitto", "-c", "{folder}/mosquitto.conf"),
        MQTT,
        config="mosquitto.conf",
        publishes_to_port=True,
    ),
    _node("ws", "ws", "ws.js", WEBSOCKET),
    _node("socket.io", "socket.io", "socketio.js", SOCKETIO),
    _node("sockjs-node", "sockjs", "sockjs.js", SOCKJS),
    _node("sockjs-node, coalesced", "sockjs", "sockjs_coalesced.js", SOCKJS),
    _python(
        "Tornado write_message",
        "py:tornado",
        HERE / "servers" / "tornado_plain.py",
        WEBSOCKET,
    ),
    _python(
        "sockjs-tornado",
        "venv:sockjs-tornado",
        HERE / "servers" / "sockjs_tornado.py",
        SOCKJS,
        SOCKJS_TORNADO / "bin" / "python",
    ),
)
