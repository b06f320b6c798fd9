"""The operator's page: a frame that its script fills."""

from __future__ import annotations

from feedsvc.pages.template import Asset, templates

# Its sections: the name of their place and their title, in order.
SECTIONS = (
    ("overview", "Overview"),
    ("queue", "Queue"),
    ("channels", "Channels"),
    ("sources", "Sources"),
    ("audit", "Audit"),
)


def render_admin(asset: Asset) -> bytes:
    """Return the page; it tells nothing before a token is shown to it."""
    return templates().load("admin.html").generate(sections=SECTIONS, asset=asset)
