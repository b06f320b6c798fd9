"""The project as a package: built, installed where nothing else is, and started."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tarfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest
from tornado.httpclient import AsyncHTTPClient

from feedsvc.store.binary import find_mongod

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).parent.parent
START_S = 60.0
# There is one wherever this environment could be given one: with a C compiler.
HAS_EXTENSION = find_spec("feedsvc.sockjs._fanout") is not None
EXTENSION = {"feedsvc/sockjs/_fanout.abi3.so"} if HAS_EXTENSION else set()

PAGES = {
    "/": "<feed-widget",
    "/api/": "<h2",
    "/api/openapi.json": '"openapi"',
    "/builder": "builder.js",
    "/client.js": "export",
    "/embed/radio": "On air",
    "/feeds/radio.atom": "On air",
    "/readyz": '"ready"',
    "/sockjs.min.js": "SockJS",
    "/widget.de.js": "export",
    "/widget.js": "feed-widget",
    "/words.fr.js": "export",
}


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> str:
    """Run a program and return its output; show it if it fails."""
    everything = os.environ | environ
    done = subprocess.run(
        command, cwd=cwd, env=everything, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel made of nothing else."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder)
    [wheel] = built.glob("*.whl")
    run(folder / "bin" / "pip", "install", "--quiet", "--no-input", wheel)
    return folder / "bin"


def names(wheel: Path) -> set[str]:
    """Return the files in a wheel, what describes it aside."""
    with ZipFile(wheel) as archive:
        return {one for one in archive.namelist() if ".dist-info/" not in one}


def test_the_wheel_has_all_that_the_checkout_serves(built: Path) -> None:
    """Each module and template, each built file of the widget, and the extension."""
    [wheel] = built.glob("*.whl")
    dist = ROOT / "web" / "dist"

    wanted = {
        str(file.relative_to(ROOT))
        for package in ("feedsvc", "ingest")
        for file in (ROOT / package).rglob("*")
        if file.suffix in {".py", ".html", ".typed", ".pyi"}
    }
    wanted |= {
        f"feedsvc/_web/{file.relative_to(dist)}"
        for file in dist.rglob("*")
        if file.is_file()
    }
    assert wanted | EXTENSION <= names(wheel)


def test_the_source_distribution_brings_its_sources_and_nothing_installed(
    built: Path,
) -> None:
    """The extension's, the widget's; no packages of others, no data."""
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        found = {one.partition("/")[2] for one in archive.getnames()}

    assert {"feedsvc/sockjs/_fanout.c", "web/src/client.js", "web/build.js"} <= found
    assert not [one for one in found if re.search(r"node_modules|\.venv|^var/", one)]


def test_a_machine_without_a_compiler_gets_the_same_but_the_extension(
    built: Path, tmp_path: Path
) -> None:
    """It is built all the same; frames are sent by plain Python then."""
    [source] = built.glob("*.tar.gz")

    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps",
        "--wheel-dir", tmp_path, source, CC="false")  # fmt: skip

    [plain], [full] = tmp_path.glob("*.whl"), built.glob("*.whl")
    assert names(full) - names(plain) == EXTENSION
    assert names(plain) <= names(full)


def test_both_programs_are_installed(installed: Path) -> None:
    """And know their version; what they need is there and fits together."""
    for program in ("feedsvc", "feedsvc-ingest"):
        assert re.search(r"\d+\.\d+\.\d+", run(installed / program, "--version"))
    run(installed / "pip", "check")


@asynccontextmanager
async def serving(installed: Path, folder: Path) -> AsyncIterator[str]:
    """Start the installed service on a MongoDB of its own; yield its address."""
    mongod = folder / "bin" / "mongod"
    mongod.parent.mkdir()
    mongod.symlink_to(await find_mongod())
    environ = {name: os.environ[name] for name in os.environ if "FEEDSVC" not in name}
    environ |= {
        "PATH": f"{mongod.parent}:{environ['PATH']}",
        "FEEDSVC_PORT": "0",
        "FEEDSVC_DEMO": "true",
    }
    process = await asyncio.create_subprocess_exec(
        installed / "feedsvc", "serve", cwd=folder, env=environ, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            told = (await process.stdout.readline()).decode()
        yield told.split()[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_the_installed_service_serves_every_page(
    installed: Path, tmp_path: Path
) -> None:
    """Far from the checkout: pages, scripts, feeds, and it is ready."""
    async with serving(installed, tmp_path) as url:
        feedsvc = installed / "feedsvc"
        token = run(feedsvc, "token", "--publish", "radio", cwd=tmp_path).strip()
        item = ("radio", "--text", "On air", "--service", url, "--token", token)
        run(feedsvc, "publish", *item)
        client = AsyncHTTPClient(force_instance=True)
        for path, content in PAGES.items():
            answer = await client.fetch(url.rstrip("/") + path, raise_error=False)
            assert answer.code == 200, path
            assert content in answer.body.decode(), path
        client.close()
