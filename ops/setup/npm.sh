#!/bin/sh
# Install the packages of each named folder as its lock file says.
#
#   npm.sh FOLDER...
set -eu
cd "$(dirname "$0")/../.."
for folder in "$@"; do
    echo "Installing the packages of $folder"
    (
        cd "$folder"
        npm ci --silent --no-audit --no-fund || npm install --no-audit --no-fund
    )
done
