"""htmlfile: frames as script elements of a page that never ends."""

from __future__ import annotations

from feedsvc.sockjs.http import HTML_TYPE, Exchange, nocache
from feedsvc.sockjs.transports.callback import callback_name, script_string
from feedsvc.sockjs.transports.receiver import StreamReceiver

# Conformance tests compare this document letter by letter.
HEAD = """\
<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.{callback};
    c.start();
    function p(d) {{c.message(d);}};
    window.onload = function() {{c.stop();}};
  </script>"""
# Browsers run no script of a page before they have this much of it.
HEAD_BYTES = 1024


def wrap(frame: str) -> bytes:
    """Return the frame as one script element."""
    return f"<script>\np({script_string(frame)});\n</script>\r\n".encode()


def stream(exchange: Exchange) -> StreamReceiver | None:
    """Begin the page; without a good callback answer that and return None."""
    callback = callback_name(exchange)
    if callback is None:
        return None
    head = HEAD.format(callback=callback).ljust(HEAD_BYTES + 1) + "\r\n\r\n"
    headers = nocache() | exchange.cookie()
    return StreamReceiver(exchange, wrap, HTML_TYPE, headers, head.encode())
