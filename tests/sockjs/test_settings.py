"""Settings: faults name the setting and its rule."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from feedsvc.sockjs import Settings, SettingsError, SockJSConnection, SockJSRouter
from feedsvc.sockjs.settings import make_settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"heartbeat": 3}, "unknown settings: heartbeat"),
        ({"max_sessions": -1}, "max_sessions must not be negative"),
        ({"heartbeat_delay": 5}, "pong_timeout_s must be above 0"),
        ({"pong_timeout_s": 0}, "pong_timeout_s must be above 0"),
        ({"disconnect_delay": 0}, "disconnect_delay must be above 0"),
        ({"response_limit": 0}, "response_limit must be above 0"),
        ({"origins": ("http://a/",)}, "origins must look like"),
        ({"origins": ("*",)}, "origins must look like"),
        ({"trusted_proxies": ("10.0.0.300",)}, "trusted_proxies: "),
        ({"exempt_networks": ("10.0.0.1/8",)}, "exempt_networks: "),
    ],
)
def test_fault_is_named(settings: dict[str, Any], words: str) -> None:
    """When the router is made, not when the first client comes."""
    with pytest.raises(SettingsError, match=words):
        SockJSRouter(SockJSConnection, "/live", settings)


def test_overrides_go_on_top() -> None:
    """One set of settings serves several services."""
    base = Settings(response_limit=10, jsonp=True)

    settings = make_settings(base, {"response_limit": 20})

    assert (settings.response_limit, settings.jsonp) == (20, True)
    assert make_settings({"jsonp": True}, None).jsonp
    assert make_settings(None, None) == Settings()


def test_page_has_every_setting_with_its_default() -> None:
    """As a row of its table; durations and limits alike."""
    page = Path(__file__).parents[2].joinpath("docs", "sockjs.md").read_text("utf-8")
    table = page.partition("## Settings")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))

    for field in fields(Settings):
        assert field.name in told
        default = field.default
        if isinstance(default, bool):
            assert told[field.name] == ("on" if default else "off")
        elif isinstance(default, (int, float)):
            assert float(told[field.name].replace(",", "")) == default
    assert len(told) == len(fields(Settings))


def test_zero_is_no_limit() -> None:
    """For what waits for a client, as for the rest."""
    settings = Settings(max_queued_bytes=0, max_queued_messages=0)

    assert not settings.is_too_slow(10**9, 10**9)
    assert Settings(max_queued_bytes=1).is_too_slow(2, 0)
    assert Settings(max_queued_messages=1).is_too_slow(0, 2)
