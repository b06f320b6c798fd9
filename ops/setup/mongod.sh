#!/bin/sh
# See to it that the private mongod starts: it needs a library that Debian may lack.
#
#   mongod.sh STAMP     touches the file once a mongod is usable
set -eu
cd "$(dirname "$0")/../.."

usable() {
    .venv/bin/python -c "
import asyncio
from feedsvc.store.binary import find_mongod
asyncio.run(find_mongod())" 2>/dev/null
}

if ! usable && [ "$(id -u)" -eq 0 ]; then
    ops/setup/packages.sh "The library libcurl4 for the private mongod" libcurl4 || true
fi
# Without one the service says what is missing, unless it is told to use another's.
usable && touch "$1" || true
