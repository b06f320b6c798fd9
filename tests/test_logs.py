"""Log lines: an event and its fields, for people and for machines."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feedsvc import logs

ROOT = Path(__file__).parents[1]
GRAMMAR = re.compile(r"[^=%]+( [a-z_]+=%[-.\d]*[a-z])*")


class Log:
    """A logger of the test's own and what it has written."""

    def __init__(self, form: str) -> None:
        self._written = io.StringIO()
        self.logger = logging.Logger("feedsvc.tests")  # noqa: LOG001 of its own
        self.logger.addHandler(logs.handler(self._written, form))

    @property
    def text(self) -> str:
        return self._written.getvalue()

    @property
    def line(self) -> dict[str, Any]:
        [line] = self.text.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


def test_a_line_of_json_has_the_event_and_its_fields() -> None:
    """Numbers as numbers, texts without the quotes that people get."""
    log = Log("json")

    log.logger.warning(
        "run finished source=%s new=%d seconds=%.2f error=%r", "a", 5, 0.256, "b c=d"
    )

    line = log.line
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "WARNING",
        "logger": "feedsvc.tests",
        "event": "run finished",
        "source": "a",
        "new": 5,
        "seconds": 0.26,
        "error": "b c=d",
    }


@pytest.mark.parametrize("value", ['a"b', "a\nb", "a event=x", "ü %s", "\x00"])
def test_a_value_cannot_make_a_line_or_a_field(value: str) -> None:
    """Whatever it is: it comes from outside."""
    log = Log("json")

    log.logger.info("refused reason=%s by=%s", value, "us")

    assert (log.line["reason"], log.line["by"]) == (value, "us")
    assert log.line["event"] == "refused"


def test_a_field_does_not_hide_what_every_line_has() -> None:
    """Time, level, logger and event are the line's own."""
    log = Log("json")

    log.logger.info("odd level=%s event=%s", "mine", "mine")

    assert (log.line["level"], log.line["event"]) == ("INFO", "odd")


def test_a_traceback_is_one_field() -> None:
    """And the line stays one line."""
    log = Log("json")

    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log.logger.exception("run broke source=%s", "a")

    assert log.line["traceback"].startswith("Traceback")
    assert "ZeroDivisionError: division by zero" in log.line["traceback"]


@pytest.mark.parametrize("form", logs.FORMATS)
def test_messages_of_other_packages_are_written_too(form: str) -> None:
    """They follow no grammar of ours."""
    log = Log(form)

    log.logger.info("100 % done = well %(name)s", {"name": "x"})
    log.logger.info({"not": "a text"})
    log.logger.info("plain 100% =")

    assert "x" in log.text
    assert "not" in log.text
    assert "plain 100% =" in log.text


def test_a_line_names_the_session_it_belongs_to() -> None:
    """Those before and after it do not."""
    log = Log("text")

    with logs.in_session(7):
        log.logger.info("within")
    log.logger.info("after")

    within, after = log.text.splitlines()
    assert within.endswith("feedsvc.tests: within session=7")
    assert after.endswith("feedsvc.tests: after")


@pytest.mark.parametrize(
    "asked", ["12345678", "a.b_c-d9", "x" * 64, "req-0a1b2c3d"], ids=repr
)
def test_a_sane_request_id_is_taken(asked: str) -> None:
    """So one id can be followed through a proxy and us."""
    assert logs.name_request(asked) == asked


@pytest.mark.parametrize(
    "asked", [None, "", "short", "x" * 65, "with blank", "a\r\nb: c 123", "öööööööö"]
)
def test_any_other_request_id_is_replaced(asked: str | None) -> None:
    """By one that nobody else has."""
    made = {logs.name_request(asked) for _ in range(2)}

    assert len(made) == 2
    assert asked not in made


def messages() -> Iterator[tuple[str, str]]:
    """Yield every message of the program, with its place."""
    for path in sorted([*ROOT.glob("feedsvc/**/*.py"), *ROOT.glob("ingest/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(ast.Name("log")), args=args):
                    texts = [one.value for one in args if isinstance(one, ast.Constant)]
                    if texts:
                        place = f"{path.relative_to(ROOT)}:{node.lineno}"
                        yield place, str(texts[0])


def test_every_message_is_an_event_and_then_fields() -> None:
    """The same words each time, and what varies has a name."""
    found = list(messages())

    wrong = [one for one in found if not GRAMMAR.fullmatch(one[1])]

    assert len(found) > 50
    assert wrong == []
