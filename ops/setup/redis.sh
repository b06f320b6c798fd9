#!/bin/sh
# See to it that there is a redis-server: the bridge from Redis is tested with one.
set -eu
cd "$(dirname "$0")/../.."
command -v redis-server >/dev/null ||
    ops/setup/packages.sh "Redis for the tests of its bridge" redis-server
