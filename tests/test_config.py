"""Settings: the file, the environment over it, and every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedsvc.config import Settings, load
from feedsvc.core.channel import Channel
from feedsvc.core.item import ItemType
from feedsvc.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "feed.toml"
    path.write_text(text, "utf-8")
    return path


def faults(
    tmp_path: Path, text: str, environ: dict[str, str] | None = None
) -> list[str]:
    """Return the faults of a file, without its directory."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load(path, environ or {})
    return [fault.replace(f"{tmp_path}/", "") for fault in refused.value.faults]


def test_everything_has_a_default() -> None:
    """No file and no variable are needed."""
    settings = load(None, {})

    assert settings == Settings()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.server.data_dir == Path("var")


def test_a_file_sets_what_it_names(tmp_path: Path) -> None:
    """And leaves the rest."""
    path = write(
        tmp_path,
        """
        [server]
        port = 9000
        origins = ["https://Radio.example", "http://localhost:8000"]
        demo = true
        drain_seconds = "2m"
        log_level = "debug"
        [limits]
        sessions = 10
        [auth]
        secret = "0123456789abcdef"
        [[channel]]
        path = "Radio.Staff"
        access = "private"
        retention = { age = "90d", count = 1000 }
        types = ["post", "event"]
        delay = "30s"
        [[channel]]
        path = "radio"
        retention = "7d"
        [[source]]
        name = "ada"
        """,
    )

    settings = load(path, {})

    staff, radio = settings.rules
    assert settings.server.port == 9000
    assert settings.server.origins == ("https://radio.example", "http://localhost:8000")
    assert (settings.server.demo, settings.server.drain_seconds) == (True, 120)
    assert settings.server.log_level == "DEBUG"
    assert settings.limits.sessions == 10
    assert settings.limits.subscriptions == Settings().limits.subscriptions
    assert staff.path == Channel("radio.staff")
    assert (staff.private, staff.retention_s, staff.retention_count) == (
        True,
        90 * 86_400,
        1_000,
    )
    assert staff.types == {ItemType.POST, ItemType.EVENT}
    assert (staff.delay_s, radio.delay_s) == (30, None)
    assert settings.channel_rules.delay_s(Channel("radio.staff.plans")) == 30
    assert (radio.private, radio.retention_s) == (None, 7 * 86_400)
    assert settings.sources[0].values == {"name": "ada"}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Each key has its variable; an empty one is unset."""
    path = write(tmp_path, "[server]\nport = 9000\nhost = '0.0.0.0'\n")
    environ = {
        "FEEDSVC_PORT": "9001",
        "FEEDSVC_HOST": "",
        "FEEDSVC_ORIGINS": "https://a.example, https://b.example",
        "FEEDSVC_DEMO": "0",
        "FEEDSVC_SESSIONS": "5",
    }

    settings = load(path, environ)

    assert (settings.server.port, settings.server.host) == (9001, "0.0.0.0")  # noqa: S104 a value
    assert settings.server.origins == ("https://a.example", "https://b.example")
    assert settings.server.demo is False
    assert settings.limits.sessions == 5


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    """As ``FEEDSVC_CONFIG``; an option on the command line wins."""
    named = write(tmp_path, "[server]\nport = 9000\n")
    other = tmp_path / "other.toml"
    other.write_text("[server]\nport = 9002\n")
    environ = {"FEEDSVC_CONFIG": str(named)}

    assert load(None, environ).server.port == 9000
    assert load(other, environ).server.port == 9002


def test_secrets_may_be_read_from_files(tmp_path: Path) -> None:
    """Without the line break at the end; the variable itself wins."""
    secret = tmp_path / "secret"
    secret.write_text("from-the-file-0123\n")
    uri = tmp_path / "uri"
    uri.write_text("mongodb://db.example\n")
    environ = {"FEEDSVC_SECRET_FILE": str(secret), "FEEDSVC_MONGODB_URI_FILE": str(uri)}

    from_file = load(None, environ)
    from_variable = load(None, {**environ, "FEEDSVC_SECRET": "from-the-variable-0"})

    assert from_file.auth.secret == "from-the-file-0123"
    assert from_file.server.mongodb_uri == "mongodb://db.example"
    assert from_variable.auth.secret == "from-the-variable-0"


def test_all_faults_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    """The operator corrects the file in one go."""
    text = """\
colour = "red"
[server]
prot = 9000
port = "soon"
origins = ["radio.example"]
log_level = "loud"
[limits]
sessions = 0
[auth]
secret = ""
[[channel]]
access = "hidden"
path = "radio..news"
[[channel]]
path = "radio"
types = ["tweet"]
retention = { age = "soon" }
size = 5
[[channel]]
access = "private"
"""
    environ = {
        "FEEDSVC_ADMIN_PORT": "70000",
        "FEEDSVC_DEMO": "maybe",
        "FEEDSVC_SECRET_FILE": "/nowhere/secret",
    }

    told = faults(tmp_path, text, environ)

    assert told == [
        "feed.toml:1: colour: is not one of server, limits, auth, channel, source,"
        " webhook",
        "feed.toml:3: server.prot: is not a key of [server]",
        "feed.toml:4: server.port: must be a whole number",
        "FEEDSVC_ADMIN_PORT: must be 0 to 65535",
        "feed.toml:5: server.origins: must have origins such as"
        " https://radio.example: radio.example",
        "FEEDSVC_DEMO: must be true or false",
        "feed.toml:6: server.log_level: must be one of"
        " DEBUG, INFO, WARNING, ERROR, CRITICAL",
        "feed.toml:8: limits.sessions: must be 1 to 1000000000",
        "FEEDSVC_SECRET_FILE: /nowhere/secret cannot be read:"
        " No such file or directory",
        "feed.toml:10: auth.secret: must be a text",
        "feed.toml:12: channel.access: must be public or private",
        "feed.toml:13: channel.path: each segment must start with a-z or 0-9"
        " and have 1 to 63 of a-z, 0-9, '_' and '-'; '' has not",
        "feed.toml:16: channel.types: must be a list of"
        " post, article, event, track, episode",
        "feed.toml:17: channel.retention: must be a duration such as"
        " 90s, 5m, 12h or 30d",
        "feed.toml:18: channel.size: is not a key of [[channel]]",
        "feed.toml:19: channel.path: is required",
    ]


def test_two_rules_of_one_channel_are_a_fault(tmp_path: Path) -> None:
    """Else the private one could get lost without a word."""
    text = "[[channel]]\npath='a'\naccess='private'\n[[channel]]\npath='A'\n"

    assert faults(tmp_path, text) == [
        "feed.toml:5: channel.path: a has a [[channel]] already"
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("server = 5", "feed.toml:1: server: must be a table, [server]"),
        (
            "\n[[server]]\n[[server]]",
            "feed.toml:2: server: must be one table, [server]",
        ),
        ("channel = ['radio']", "feed.toml:1: channel: must be a table, [channel]"),
    ],
)
def test_what_should_be_a_table_and_is_none_is_a_fault(
    tmp_path: Path, text: str, fault: str
) -> None:
    """Nothing in the file is passed over."""
    assert faults(tmp_path, text) == [fault]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[server\n", "feed.toml: is not TOML: "),
        ("port = 1\nport = 2\n", "feed.toml: is not TOML: "),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_the_place(
    tmp_path: Path, text: str, fault: str
) -> None:
    """The reader of TOML knows the line."""
    [told] = faults(tmp_path, text)

    assert told.startswith(fault)
    assert "line" in told


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(
        ConfigError, match=r"absent\.toml: cannot be read: No such file"
    ):
        load(tmp_path / "absent.toml", {})


@pytest.mark.parametrize(
    ("value", "seconds"), [(90, 90), ('"90s"', 90), ('"5m"', 300), ('"12h"', 43_200)]
)
def test_durations_are_seconds_or_have_a_unit(
    tmp_path: Path, value: object, seconds: int
) -> None:
    """In the file and in the environment."""
    path = write(tmp_path, f"[limits]\nring_seconds = {value}\n")
    environ = {"FEEDSVC_RING_SECONDS": str(value).strip('"')}

    assert load(path, {}).limits.ring_seconds == seconds
    assert load(None, environ).limits.ring_seconds == seconds


@pytest.mark.parametrize("value", ["-5", "1.5", "true", '"5 weeks"', '""', "[]"])
def test_other_durations_are_a_fault(tmp_path: Path, value: str) -> None:
    """With an example of good ones."""
    [told] = faults(tmp_path, f"[server]\ndrain_seconds = {value}")

    assert told.startswith("feed.toml:2: server.drain_seconds: must be a duration")


def test_a_dotted_key_has_its_line_too(tmp_path: Path) -> None:
    """TOML has more than one way to write a table."""
    assert faults(tmp_path, "\nserver.port = 'x'\n") == [
        "feed.toml:2: server.port: must be a whole number"
    ]
