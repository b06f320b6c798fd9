"""HTML on its way in: sanitised once, so that no reader has to; imports nh3 alone."""

from __future__ import annotations

import html
import re

import nh3

# What an item's HTML may hold: text, links, lists, quotes and images.
HTML_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "cite", "code", "dd", "del", "dl", "dt"),
    *("em", "figcaption", "figure", "h2", "h3", "h4", "hr", "i", "img", "ins", "li"),
    *("mark", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup"),
    *("table", "tbody", "td", "th", "thead", "time", "tr", "u", "ul"),
}
HTML_ATTRIBUTES = {
    "*": {"lang", "dir", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "time": {"datetime"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# What is left of it where there is little room; images are an item's attachments.
SMALL_TAGS = {
    *("a", "b", "blockquote", "br", "code", "del", "em", "hr", "i", "li", "ol", "p"),
    *("pre", "s", "strong", "sub", "sup", "u", "ul"),
}
LINK_REL = "noopener noreferrer nofollow"

_BLOCK_END = re.compile(r"(?i)<br\s*/?>|</(?:p|div|li|h[1-6]|tr|blockquote|pre)\s*>")
# From the first space of each run on: from every one, a long run would take for ever.
_BLANK_LINES = re.compile(r"(?<!\s)\s*\n\s*\n\s*")


def sanitize(markup: str) -> str:
    """Return the HTML with nothing in it that could run or load code."""
    return nh3.clean(
        markup,
        tags=HTML_TAGS,
        attributes=HTML_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel=LINK_REL,
    )


def small_markup(markup: str) -> str:
    """Return HTML for a small place: text, links and lists, whatever came before."""
    return nh3.clean(
        markup,
        tags=SMALL_TAGS,
        attributes={"a": {"href"}},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https"},
        url_relative="deny",
        link_rel=f"{LINK_REL} ugc",
    )


def plain_text(markup: str) -> str:
    """Return the text of the HTML; block ends become line breaks."""
    text = nh3.clean(_BLOCK_END.sub("\\g<0>\n", markup), tags=set(), link_rel=None)
    return _BLANK_LINES.sub("\n\n", html.unescape(text)).strip()
