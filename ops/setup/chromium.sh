#!/bin/sh
# Print the path of a Chromium for the browser tests; install one if there is none.
set -eu
cd "$(dirname "$0")/../.."
find_chromium() {
    for name in ${CHROMIUM:-chromium chromium-browser google-chrome}; do
        command -v "$name" && return
    done
    return 1
}
find_chromium && exit
ops/setup/packages.sh "Chromium for the browser tests" chromium fonts-dejavu-core
find_chromium
