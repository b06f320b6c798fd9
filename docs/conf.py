"""How the pages become a site: ``make docs``."""

from __future__ import annotations

from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "feedsvc"
version = release = version_of("feedsvc")
extensions = ["myst_parser"]
# Links to headings are checked like links to pages.
myst_heading_anchors = 4
nitpicky = True
# Snippets for frameworks are no JSX or HTML that stands by itself.
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = f"feedsvc {version}"
html_show_copyright = False
html_copy_source = False

# Pages that lie elsewhere in the project, and where the site has them.
ELSEWHERE = {"../ops/bench/RESULTS.md": "results.md", "../web/README.md": "package.md"}


def lead_to_the_site(app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to those pages stay inside of the site."""
    for file, own in ELSEWHERE.items():
        source[0] = source[0].replace(f"]({file}", f"]({own}")


def setup(app: Sphinx) -> None:
    """Take part in the reading of the pages."""
    app.connect("source-read", lead_to_the_site)
