"""``[[webhook]]``: what is read, and what is told of faults."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from feedsvc.config import load
from feedsvc.core.item import Change
from feedsvc.errors import ConfigError

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
GOOD = f"""
[[webhook]]
name = "site"
url = "https://www.radio.example/hooks/feed"
secret = "{SECRET}"
channels = ["radio.news", "Radio.Events"]
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "feedsvc.toml"
    file.write_text(text, "utf-8")
    return file


def faults(tmp_path: Path, text: str) -> list[str]:
    """Return what is wrong, without the file's name."""
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    return [fault.removeprefix(f"{file}:") for fault in caught.value.faults]


def test_an_endpoint_needs_four_keys_and_has_defaults_for_the_rest(
    tmp_path: Path,
) -> None:
    """All events; a quarter of a minute for an answer; a day until it is given up."""
    [one] = load(written(tmp_path, GOOD), {}).webhooks

    assert (one.name, one.url) == ("site", "https://www.radio.example/hooks/feed")
    assert one.secrets == (b"0123456789abcdef01234567",)
    assert [channel.path for channel in one.channels] == ["radio.news", "radio.events"]
    assert one.events == set(Change)
    assert (one.timeout_s, one.give_up_s) == (15, 86_400)


def test_a_secret_may_stand_in_a_file_and_the_old_one_beside_it(tmp_path: Path) -> None:
    """Both sign while the receiver changes over."""
    (tmp_path / "secret").write_text(f"{SECRET}\n{SECRET}\n", "utf-8")
    text = GOOD.replace(f'secret = "{SECRET}"', f'secret_file = "{tmp_path}/secret"')

    [one] = load(written(tmp_path, text), {}).webhooks

    assert len(one.secrets) == 2


def test_all_faults_of_an_endpoint_are_told_at_once(tmp_path: Path) -> None:
    """Each with its line, and no secret among them."""
    text = """
[[webhook]]
name = "My Site"
url = "ftp://radio.example"
secret = "hunter2"
channels = ["no channel!"]
events = ["item.seen"]
timeout = "10m"
retries = 3
"""

    found = faults(tmp_path, text)

    assert [fault.split(": ")[:2] for fault in found] == [
        ["3", "webhook.name"],
        ["4", "webhook.url"],
        ["5", "webhook.secret"],
        ["6", "webhook.channels"],
        ["7", "webhook.events"],
        ["8", "webhook.timeout"],
        ["9", "webhook.retries"],
    ]
    assert "hunter2" not in "\n".join(found)
    assert found[4].endswith("a list of item.created, item.updated, item.removed")


def test_an_endpoint_that_lacks_what_it_needs_says_what(tmp_path: Path) -> None:
    """At the line of its table."""
    assert faults(tmp_path, "\n[[webhook]]\n") == [
        f"2: webhook.{key}: is required"
        for key in ("name", "url", "secret", "channels")
    ]


def test_two_endpoints_have_two_names(tmp_path: Path) -> None:
    """By its name an endpoint is known again after a restart."""
    assert faults(tmp_path, GOOD + GOOD) == [
        "9: webhook.name: site has a [[webhook]] already"
    ]


def test_a_url_has_no_password(tmp_path: Path) -> None:
    """It would stand in logs; the signature says who we are."""
    text = GOOD.replace("www.radio", "me:secret@www.radio")

    assert faults(tmp_path, text) == [
        "4: webhook.url: must not have a user name or a password in it"
    ]
