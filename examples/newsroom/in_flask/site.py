"""A newsroom in Flask: who is signed in publishes, and reads what is private.

::

    export FEEDSVC_SECRET=…  # the service's own
    export SITE_PASSWORD=…   # what the staff sign in with
    flask --app examples.newsroom.in_flask.site run
"""

from __future__ import annotations

import hmac
import os
import secrets
import time

import jwt
from flask import Flask, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from feedsvc.client import Feed, ServiceError

SERVICE = os.environ.get("FEEDSVC_URL", "http://127.0.0.1:8080")
SECRET = os.environ["FEEDSVC_SECRET"]
PASSWORD = os.environ["SITE_PASSWORD"]
NEWS, STAFF = "radio.news", "radio.staff"
TOKEN_LIFETIME_S = 600

app = Flask(__name__, static_folder="../static", static_url_path="")
app.config.update(
    SECRET_KEY=secrets.token_hex(),  # sessions end with this process
    SESSION_COOKIE_SAMESITE="Lax",
)
CSRFProtect(app)  # no POST without the form's own token


def issue_token(user: str, **rights: list[str]) -> str:
    """Return a token of the service for this user."""
    expires = int(time.time()) + TOKEN_LIFETIME_S
    return jwt.encode({"sub": user, "exp": expires, **rights}, SECRET, "HS256")


def show(error: str = "", text: str = "") -> str:
    """Return the page, with what went wrong and the text that must not be lost."""
    user = session.get("user")
    return render_template(
        "page.html",
        service=SERVICE,
        channels={NEWS: "Everybody", STAFF: "The staff"},
        user=user,
        token=issue_token(user, read=[STAFF]) if user else None,
        error=error,
        text=text,
    )


@app.get("/")
def page() -> str:
    return show()


@app.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Stand in for the login that a site has."""
    given = request.form["password"]
    if not hmac.compare_digest(given.encode(), PASSWORD.encode()):
        return show("That is not the password."), 403
    session["user"] = request.form["name"]
    return redirect("/")


@app.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    session.clear()
    return redirect("/")


@app.get("/token")
def token() -> ResponseReturnValue:
    """Give the page the next token when its own has expired."""
    if "user" not in session:
        return {"error": "sign in first"}, 403
    issued = issue_token(session["user"], read=[STAFF])
    return {"token": issued}, {"Cache-Control": "no-store"}


@app.post("/publish")
def publish() -> ResponseReturnValue:
    """Publish as the user, who is kept waiting for some seconds at most."""
    if "user" not in session:
        return show("Sign in first."), 403
    user, text = session["user"], request.form["text"]
    feed = Feed(
        SERVICE, issue_token(user, publish=[NEWS, STAFF]), timeout_s=5, retries=1
    )
    item = {"type": "post", "content_text": text, "authors": [{"name": user}]}
    try:
        feed.publish(request.form["channel"], item)
    except ServiceError as error:
        return show(error.told, text), 502
    return redirect("/")
