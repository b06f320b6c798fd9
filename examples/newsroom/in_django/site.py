"""A newsroom in Django: who is signed in publishes, and reads what is private.

::

    export FEEDSVC_SECRET=…  # the service's own
    export SITE_PASSWORD=…   # what the staff sign in with
    python -m examples.newsroom.in_django runserver 5000
"""

from __future__ import annotations

import time
from pathlib import Path

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.static import serve

from feedsvc.client import Feed, ServiceError

STATIC = Path(__file__).parents[1] / "static"
NEWS, STAFF = "radio.news", "radio.staff"
TOKEN_LIFETIME_S = 600


def issue_token(user: str, **rights: list[str]) -> str:
    """Return a token of the service for this user."""
    expires = int(time.time()) + TOKEN_LIFETIME_S
    claims = {"sub": user, "exp": expires, **rights}
    return jwt.encode(claims, settings.FEED_SECRET, "HS256")


def show(
    request: HttpRequest, error: str = "", text: str = "", status: int = 200
) -> HttpResponse:
    """Return the page, with what went wrong and the text that must not be lost."""
    user = request.session.get("user")
    context = {
        "service": settings.FEED_URL,
        "channels": {NEWS: "Everybody", STAFF: "The staff"},
        "user": user,
        "token": issue_token(user, read=[STAFF]) if user else None,
        "error": error,
        "text": text,
    }
    return render(request, "page.html", context, status=status)


@require_GET
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    return show(request)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Stand in for the login that a site has."""
    given = request.POST.get("password", "")
    if not constant_time_compare(given, settings.STAFF_PASSWORD):
        return show(request, "That is not the password.", status=403)
    request.session["user"] = request.POST.get("name", "")
    return redirect("/")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return redirect("/")


@require_GET
@never_cache
def token(request: HttpRequest) -> HttpResponse:
    """Give the page the next token when its own has expired."""
    if "user" not in request.session:
        return JsonResponse({"error": "sign in first"}, status=403)
    return JsonResponse({"token": issue_token(request.session["user"], read=[STAFF])})


@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Publish as the user, who is kept waiting for some seconds at most."""
    if "user" not in request.session:
        return show(request, "Sign in first.", status=403)
    user, text = request.session["user"], request.POST.get("text", "")
    may = issue_token(user, publish=[NEWS, STAFF])
    feed = Feed(settings.FEED_URL, may, timeout_s=5, retries=1)
    item = {"type": "post", "content_text": text, "authors": [{"name": user}]}
    try:
        feed.publish(request.POST.get("channel", ""), item)
    except ServiceError as error:
        return show(request, error.told, text, status=502)
    return redirect("/")


urlpatterns = [
    path("", page),
    path("sign-in", sign_in),
    path("sign-out", sign_out),
    path("token", token),
    path("publish", publish),
    path("<str:path>", serve, {"document_root": STATIC}),
]
