"""The ``[[source]]`` tables: jobs, or all of their faults at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from feedsvc.config import load
from feedsvc.errors import ConfigError
from ingest.config import Job, jobs

Configure = Callable[..., list[Job]]

GOOD = """
[[source]]
name = "news"
type = "feed"
url = "https://radio.example/feed?key=${KEY:-none}"
channel = "radio.news"
schedule = "every 5m"
"""


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def configured(text: str, **environ: str) -> list[Job]:
        path = tmp_path / "feedsvc.toml"
        path.write_text(text)
        return jobs(load(path, {}), environ)

    return configured


def faults_of(configure: Configure, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configure(text, **environ)
    return [fault.partition("feedsvc.toml:")[2] for fault in caught.value.faults]


def test_a_table_becomes_a_job(configure: Configure) -> None:
    """With defaults for all that is not said."""
    (job,) = configure(GOOD)

    assert job.source.name == "news"
    assert job.source.url == "https://radio.example/feed?key=none"
    assert job.template.text == "radio.news"
    assert job.schedule.interval_s == 300
    assert job.policy.max_items == 500
    assert not job.allow_private


def test_the_environment_fills_the_gaps(configure: Configure) -> None:
    """Secrets and ports stay out of the file."""
    (job,) = configure(GOOD, KEY="secret")

    assert job.source.url.endswith("key=secret")


def test_every_fault_is_told_with_its_line(configure: Configure) -> None:
    """So that one look at the list mends the file."""
    told = faults_of(
        configure,
        """
[[source]]
name = "News!"
type = "feed"
url = "ftp://radio.example"
channel = "radio.{nobody}"
schedule = "now and then"
max_items = 0
colour = "red"

[[source]]
type = "gopher"
url = "https://radio.example:99999/"

[[source]]
name = "posts"
type = "mastodon"
url = "https://${HOST}/"
channel = "radio.posts"
schedule = "0 8 * * 1"
replies = "yes"
""",
    )

    assert [fault.rpartition(": ")[0] for fault in told] == [
        "3: source News!: name",
        "5: source News!: url",
        "6: source News!: channel",
        "7: source News!: schedule",
        "8: source News!: max_items",
        "9: source News!: colour",
        "11: source ?: name",
        "13: source ?: url",
        "11: source ?: channel",
        "11: source ?: schedule",
        "12: source ?: type",
        "18: source posts: url",
        "21: source posts: replies",
    ]


def test_options_are_checked_together(configure: Configure) -> None:
    """An account needs one name, not two."""
    text = GOOD.replace('"feed"', '"mastodon"')

    assert "acct" in faults_of(configure, text)[0]
    assert configure(f'{text}acct = "radio"\n')
    assert faults_of(configure, f'{text}acct = "radio"\naccount_id = "1"\n')


def test_two_sources_may_not_have_one_name(configure: Configure) -> None:
    """Their items would overwrite each other."""
    told = faults_of(configure, GOOD + GOOD)

    assert told == ["10: source news: name: is the name of another source too"]


def test_a_source_that_is_not_enabled_is_left_out_but_checked(
    configure: Configure,
) -> None:
    """It will be enabled one day."""
    assert configure(f"{GOOD}enabled = false\n") == []
    assert faults_of(configure, f"{GOOD}enabled = false\nmax_age = 'old'\n")


def test_a_secret_may_lie_in_a_file(configure: Configure, tmp_path: Path) -> None:
    """The variable itself comes first; a file that cannot be read is told."""
    (tmp_path / "key").write_text("from-file\n")
    file = str(tmp_path / "key")
    text = GOOD.replace("${KEY:-none}", "${KEY}")

    (of_file,) = configure(text, KEY_FILE=file)
    (of_both,) = configure(text, KEY_FILE=file, KEY="own")
    (told,) = faults_of(configure, text, KEY_FILE=f"{file}.not")
    (missing,) = faults_of(configure, text)

    assert of_file.source.url.endswith("key=from-file")
    assert of_both.source.url.endswith("key=own")
    assert told.startswith("5: source news: url: KEY_FILE: ")
    assert missing.endswith("needs the environment variable KEY or KEY_FILE")


def test_the_environment_fills_lists_and_tables_too(configure: Configure) -> None:
    """Wherever a text may stand."""
    (job,) = configure(f'{GOOD}exclude = ["${{WORD}}", "ad"]\n', WORD="jingle")

    assert [one.text for one in job.source.filters.exclude] == ["jingle", "ad"]


def test_faults_of_filters_are_told_with_their_lines(configure: Configure) -> None:
    """Before anything is fetched."""
    told = faults_of(
        configure,
        f"""{GOOD}include = "word"
exclude = ["/(/"]
languages = ["german"]
reposts = "no"
""",
    )

    assert [fault.split(": ")[::2][:2] for fault in told] == [
        ["8", "include"],
        ["9", "exclude"],
        ["10", "languages"],
        ["11", "reposts"],
    ]


def test_a_type_may_know_its_address(configure: Configure) -> None:
    """And another may be told all the same; others need one."""
    text = GOOD.replace('"feed"', '"bluesky"') + 'actor = "radio.example"\n'
    without = "".join(line for line in text.splitlines(True) if "url" not in line)

    (own,) = configure(without)
    (given,) = configure(text)

    assert own.source.url == "https://public.api.bsky.app"
    assert given.source.url.startswith("https://radio.example")
    assert faults_of(configure, GOOD.replace("url", "# url")) == [
        "2: source news: url: is required"
    ]
