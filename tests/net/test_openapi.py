"""The OpenAPI document: what it promises is what the service does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import strategies
from hypothesis.provisional import urls
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection
from tornado.routing import PathMatches
from tornado.web import RequestHandler

from feedsvc.client import Feed
from feedsvc.config import Settings
from feedsvc.core.messages import Page
from feedsvc.net.openapi import PATHS, api_document
from feedsvc.net.openapi_page import page
from feedsvc.net.pages import DemoHandler
from feedsvc.net.routes import public_application
from feedsvc.net.tokens import Tokens
from feedsvc.net.traffic import Traffic
from feedsvc.schema.fields import MAX_URL
from tests.net.station import SECRET, post

EXAMPLES = 10
# Formats of our own: what is printable, and what is an address with a host.
schemathesis.openapi.format(
    "printable",
    strategies.text(strategies.characters(exclude_categories=["C", "Z"]), min_size=1),
)
schemathesis.openapi.format("web-url", urls().filter(lambda url: len(url) <= MAX_URL))
# Opaque texts of the service, which nobody else can make.
schemathesis.openapi.format(
    "page",
    strategies.builds(
        lambda at, item_id: str(Page(at, item_id)),
        strategies.datetimes(timezones=strategies.just(UTC)),
        strategies.text(strategies.characters(codec="ascii"), max_size=20),
    ),
)
SCHEMA = schemathesis.openapi.from_dict(
    api_document(),
    config=schemathesis.Config.from_dict(
        {
            "seed": 1,
            "generation": {
                "deterministic": True,
                "max-examples": EXAMPLES,
                "database": "none",
                "no-shrink": True,
                "with-security-parameters": False,
            },
            # The stream has no end.
            "max-stream-events": 1,
            "request-timeout": 30,
        }
    ),
)


@pytest.fixture(scope="module")
def service(mongod_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service of its own, with one item to find."""
    own = {key: value for key, value in os.environ.items() if "FEEDSVC" not in key}
    environ = {
        "FEEDSVC_MONGODB_URI": mongod_uri.replace("/?", "/test_contract?"),
        "FEEDSVC_DATA_DIR": str(tmp_path_factory.mktemp("contract")),
        "FEEDSVC_PORT": "0",
        "FEEDSVC_SECRET": SECRET,
        "FEEDSVC_LOG_LEVEL": "ERROR",
        "FEEDSVC_PUBLISH_PER_SECOND": "1000000",
        "FEEDSVC_REQUESTS_PER_SECOND": "1000000",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "feedsvc", "serve"],
        env={**own, **environ},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().rpartition(" ")[2].strip()
        try:
            Feed(url, token()).publish("radio.artist.news", post("contract"))
            yield url
        finally:
            process.terminate()


def token() -> str:
    """Return a token that publishes anywhere, and reads what anybody reads."""
    return Tokens(SECRET).issue(
        "contract",
        publish=["*"],
        lifetime=timedelta(hours=1),
        now=datetime.now(UTC),
    )


@SCHEMA.parametrize()
def test_the_service_keeps_what_the_document_promises(case: Case, service: str) -> None:
    """For input that is right, and for input that is wrong in any way."""
    # Whoever breaks a format of ours does not know it, and so may not have.
    breaks_a_format = case.meta is not None and "format" in str(case.meta.phase.data)
    excluded = [negative_data_rejection] if breaks_a_format else []

    case.call_and_validate(
        base_url=service,
        headers={"Authorization": f"Bearer {token()}"},
        excluded_checks=excluded,
    )


def routes() -> list[tuple[re.Pattern[str], type[RequestHandler]]]:
    """Return the routes of the public listener, SockJS and the demo aside."""
    service = SimpleNamespace(settings=Settings(), traffic=Traffic())
    application = public_application(
        cast("Any", service), cast("Any", SimpleNamespace(urls=[]))
    )
    return [
        (rule.matcher.regex, rule.target)
        for rule in application.wildcard_router.rules
        if isinstance(rule.matcher, PathMatches)
        and not issubclass(rule.target, DemoHandler)
    ]


def addresses() -> dict[str, str]:
    """Return for each path of the document an address that it stands for."""
    values = {"channel": "radio.news", "id": "1", "format": "atom", "script": "client"}
    return {path: path.format_map(values) for path in PATHS}


@pytest.mark.parametrize(
    ("address", "handler"), routes(), ids=lambda one: getattr(one, "pattern", "")
)
def test_every_route_stands_in_the_document_with_its_methods(
    address: re.Pattern[str], handler: type[RequestHandler]
) -> None:
    """No door that is not written down; OPTIONS, which all have, aside."""
    names = [name.lower() for name in RequestHandler.SUPPORTED_METHODS]
    own = {
        name
        for name in names
        if getattr(handler, name) is not getattr(RequestHandler, name)
    }

    told = {
        method
        for path, example in addresses().items()
        if address.match(example)
        for method in PATHS[path]
    }

    assert told == own - {"options"}


@pytest.mark.parametrize("path", PATHS)
def test_every_path_of_the_document_has_a_route(path: str) -> None:
    """Nothing is promised that is not there."""
    found = [one for one, _ in routes() if one.match(addresses()[path])]

    assert len(found) == 1


def test_the_page_tells_every_operation_and_every_schema() -> None:
    """As text that a person can search, with links that lead somewhere."""
    spec, text = api_document(), page()

    for path, operations in spec["paths"].items():
        assert f"</span>{path}</h3>" in text
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in text
    targets = set(re.findall(r'href="#([^"]+)"', text))
    assert targets <= set(re.findall(r'id="([^"]+)"', text))
    assert {f"schema-{name}" for name in spec["components"]["schemas"]} >= {
        target for target in targets if target.startswith("schema-")
    }
    assert "<script" not in text
