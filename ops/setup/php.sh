#!/bin/sh
# See to it that there is PHP: a site in PHP is tested with its built-in server.
set -eu
cd "$(dirname "$0")/../.."
command -v php >/dev/null ||
    ops/setup/packages.sh "PHP for the test of the newsroom in PHP" php-cli
