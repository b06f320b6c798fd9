"""Build the load client; with --peers, install the servers to compare with.

All of it goes to ``var/bench``, except Debian's packages (nginx with Nchan, Mosquitto),
which need root and are left out with a word when they cannot be had.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from peers import (
    DEBIAN_PACKAGES,
    HERE,
    NODE_FOLDER,
    SOCKJS_TORNADO,
    SOCKJS_TORNADO_PINS,
    WORK,
    debian_version,
)

_ZLIB = Path("/usr/include/zlib.h")
_COMPILE = ("gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o")


def _run(command: Sequence[str | Path], folder: Path = HERE) -> None:
    subprocess.run(command, cwd=folder, check=True)


def build() -> None:
    """Compile the load client and the bare send() loop if their sources are newer."""
    WORK.mkdir(parents=True, exist_ok=True)
    if not _ZLIB.exists():
        _install_debian("zlib1g-dev")
    _run((*_COMPILE, WORK / "load", *sorted((HERE / "load").glob("*.c")), "-lz"))
    _run((*_COMPILE, WORK / "bare", HERE / "servers" / "bare.c", "-lz"))


def _install_node() -> None:
    NODE_FOLDER.mkdir(exist_ok=True)
    shutil.copy(HERE / "servers" / "package.json", NODE_FOLDER)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    _run(("npm", "install", *options), NODE_FOLDER)


def _install_sockjs_tornado() -> None:
    venv.create(SOCKJS_TORNADO, with_pip=True)
    pip = (SOCKJS_TORNADO / "bin" / "python", "-m", "pip", "--quiet")
    _run((*pip, "install", *SOCKJS_TORNADO_PINS))


def _install_brokers() -> None:
    if not all(map(debian_version, DEBIAN_PACKAGES)):
        _install_debian(*DEBIAN_PACKAGES)


def _install_debian(*packages: str) -> None:
    if os.geteuid() or not shutil.which("apt-get"):
        print("not root: leaving out", *packages)
        return
    # A policy of "never start" keeps the packages' own daemons off this machine.
    policy = Path("/usr/sbin/policy-rc.d")
    made = not policy.exists()
    if made:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        _run(("apt-get", "update", "-qq"))
        _run(("apt-get", "install", "-qqy", "--no-install-recommends", *packages))
    finally:
        if made:
            policy.unlink()


def install_peers() -> None:
    """Install whatever can be installed here; a server that can't is left out later."""
    for step in (_install_node, _install_sockjs_tornado, _install_brokers):
        try:
            step()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"left out: {step.__name__.removeprefix('_install_')}: {error}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", action="store_true", help="install the peers too")
    arguments = parser.parse_args()
    build()
    if arguments.peers:
        install_peers()
    return 0


if __name__ == "__main__":
    sys.exit(main())
