"""The settings: sessions live in signed cookies, so that no database is needed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

HERE = Path(__file__).parent

SECRET_KEY = os.environ.get("SITE_KEY") or secrets.token_hex()
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "examples.newsroom.in_django.site"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
TIME_ZONE = "UTC"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
    }
]

FEED_URL = os.environ.get("FEEDSVC_URL", "http://127.0.0.1:8080")
FEED_SECRET = os.environ["FEEDSVC_SECRET"]
STAFF_PASSWORD = os.environ["SITE_PASSWORD"]
