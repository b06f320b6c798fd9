#!/bin/sh
# Install the npm packages of a folder, as its lock file says if it has one.
#
#   npm.sh FOLDER
set -eu
cd "$(dirname "$0")/../../$1"
echo "Installing the npm packages of $1"
options="--no-audit --no-fund --loglevel=error"
if [ ! -f package-lock.json ] || ! npm ci $options >/dev/null; then
    npm install $options >/dev/null
fi
