"""``/api/``: the OpenAPI document as a page for people, without any script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from typing import Any

from feedsvc.core.messages import encode
from feedsvc.net.handler import Handler
from feedsvc.net.openapi import api_document

JSON = Mapping[str, Any]

STYLE = """
:root { color-scheme: light dark; --ink: #1a1f29; --dim: #5a6475; --edge: #d8dde6;
  --panel: #fff; --link: #0b57c2; --page: #f5f7fa; --lock: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #9aa4b5;
  --edge: #2b3342; --panel: #171c26; --link: #7cc4ff; --page: #0f131a;
  --lock: #f2c66d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 44rem;
  background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
a { color: var(--link); }
h1 { margin: 0; font-size: 1.7rem; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.1rem; color: var(--dim);
  text-transform: uppercase; letter-spacing: .08em; }
h3 { margin: 0; font: 600 .95rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
h4 { margin: 1rem 0 .35rem; font-size: .85rem; color: var(--dim); }
p { margin: .5rem 0; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
section > article { margin: 0 0 1rem; padding: 1rem; background: var(--panel);
  border: 1px solid var(--edge); border-radius: .6rem; }
.method { display: inline-block; min-width: 4.2em; margin-right: .6em;
  padding: .05em .5em; border-radius: .3em; color: #0f131a; text-align: center; }
.get, .head { background: #7cc4ff; } .post { background: #7ee2a8; }
.put { background: #f2c66d; } .delete { background: #ff9c8f; }
.lock { color: var(--lock); font-size: .85rem; }
dl { display: grid; grid-template-columns: minmax(6rem, 11rem) 1fr; gap: .3rem .9rem;
  margin: 0; font-size: .9rem; }
dt { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
dd { margin: 0; overflow-wrap: anywhere; }
.kind { color: var(--dim); }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1rem; padding: 0;
  list-style: none; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: .1rem; }
  dd { margin-bottom: .5rem; } }
"""
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_DIGEST}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class DocumentHandler(Handler):
    """``/api/openapi.json``: for programs."""

    def get(self) -> None:
        self.set_header("Cache-Control", "public, max-age=300")
        self.reply(encode(api_document()))


class PageHandler(Handler):
    """``/api/``: for people."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "public, max-age=300")
        self.set_header("Content-Security-Policy", POLICY)
        self.finish(page())


@cache
def page() -> str:
    """Return the page; it is the same for as long as the process lives."""
    spec = api_document()
    info = spec["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}: HTTP API"
    by_tag: dict[str, list[str]] = {}
    for path, operations in spec["paths"].items():
        for method, one in operations.items():
            by_tag.setdefault(one["tags"][0], []).append(_operation(method, path, one))
    parts = [*by_tag, "Schemas"]
    links = "".join(f'<li><a href="#{name}">{name}</a></li>' for name in parts)
    sections = [_section(tag, articles) for tag, articles in by_tag.items()]
    schemas = spec["components"]["schemas"].items()
    sections.append(_section("Schemas", [_schema(*one) for one in schemas]))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style>"
        f"<header><h1>{title}</h1>{_text(info['description'])}"
        '<p><a href="openapi.json">openapi.json</a>, for programs</p></header>'
        f'<nav aria-label="Parts"><ul>{links}</ul></nav>'
        f"<main>{''.join(sections)}</main></html>"
    )


def _section(name: str, articles: Iterable[str]) -> str:
    return f'<section id="{name}"><h2>{name}</h2>{"".join(articles)}</section>'


def _operation(method: str, path: str, one: JSON) -> str:
    needs_token = one["security"] and {} not in one["security"]
    lock = '<p class="lock">needs a token</p>' if needs_token else ""
    body = one.get("requestBody", {}).get("content", {}).get("application/json")
    asked = f"<h4>Body</h4><p>{_kind(body['schema'])}</p>" if body else ""
    given = [_parameter(each) for each in one.get("parameters", [])]
    answers = [_answer(*each) for each in one["responses"].items()]
    return (
        f'<article id="{one["operationId"]}"><h3>'
        f'<span class="method {method}">{method.upper()}</span>{escape(path)}</h3>'
        f"<p>{_inline(one['summary'])}.</p>{_text(one.get('description', ''))}{lock}"
        f"{_list('Parameters', given)}{asked}{_list('Answers', answers)}</article>"
    )


def _schema(name: str, schema: JSON) -> str:
    required = schema.get("required", ())
    rows = [
        f"<dt>{escape(field)}</dt><dd>{_kind(one)}"
        f"{' · required' if field in required else ''}"
        f"{_told(one.get('description', ''))}</dd>"
        for field, one in schema.get("properties", {}).items()
    ]
    return (
        f'<article id="schema-{name}"><h3>{escape(name)}</h3>'
        f"{_text(schema.get('description', ''))}{_list('', rows)}</article>"
    )


def _parameter(one: JSON) -> str:
    kind = f"{_kind(one['schema'])} · in {escape(one['in'])}"
    return f"<dt>{escape(one['name'])}</dt><dd>{kind}{_told(one['description'])}</dd>"


def _answer(status: str, answer: JSON) -> str:
    if "$ref" in answer:
        name = answer["$ref"].rpartition("/")[2]
        answer = api_document()["components"]["responses"][name]
    kinds = {
        _kind(one["schema"]) if mime == "application/json" else escape(mime)
        for mime, one in answer.get("content", {}).items()
    }
    told = f'<span class="kind">{", ".join(sorted(kinds))}</span>'
    return f"<dt>{status}</dt><dd>{_inline(answer['description'])} {told}</dd>"


def _list(title: str, rows: Iterable[str]) -> str:
    inner = "".join(rows)
    heading = f"<h4>{title}</h4>" if title else ""
    return f"{heading}<dl>{inner}</dl>" if inner else ""


def _kind(schema: JSON) -> str:
    """Return what a value looks like, with links to the schemas that it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " or ".join(_kind(one) for one in schema[key])
    if "enum" in schema:
        words = (f"<code>{escape(str(one))}</code>" for one in schema["enum"] if one)
        return " ".join(words)
    types = schema.get("type", "any")
    name = types if isinstance(types, str) else types[0]
    if name == "array":
        inner = _kind(schema["items"]) if schema.get("items") else "any"
        most = f" of up to {schema['maxItems']:,}" if "maxItems" in schema else " of"
        return f'<span class="kind">list{most}</span> {inner}'
    return f'<span class="kind">{escape(schema.get("format", name))}</span>'


def _told(text: str) -> str:
    return f"<br>{_inline(text)}" if text else ""


def _text(text: str) -> str:
    return "".join(f"<p>{_inline(line)}</p>" for line in text.splitlines() if line)


def _inline(text: str) -> str:
    """Return the text as HTML, with its code in backticks marked up."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
