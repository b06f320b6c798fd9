"""A backlog as pages that people read, with or without scripts.

Rendering is pure: the same items, words and time make the same page.
"""

from __future__ import annotations

from feedsvc.pages.admin import render_admin
from feedsvc.pages.articles import playing_now
from feedsvc.pages.builder import render_builder
from feedsvc.pages.embed import Embed, render, render_error
from feedsvc.pages.oembed import oembed, oembed_xml
from feedsvc.pages.view import FIELDS, View
from feedsvc.pages.words import load_words, speech

__all__ = [
    "FIELDS",
    "Embed",
    "View",
    "load_words",
    "oembed",
    "oembed_xml",
    "playing_now",
    "render",
    "render_admin",
    "render_builder",
    "render_error",
    "speech",
]
