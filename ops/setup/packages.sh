#!/bin/sh
# Install Debian packages; without root, say in one sentence which ones are wanted.
#
#   packages.sh REASON PACKAGE...
set -eu
reason=$1
shift
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "$reason: please have it installed, on Debian with: apt-get install $*" >&2
    exit 1
fi
echo "$reason: installing $*" >&2
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
        --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" \
        </dev/null >/dev/null 2>&1
}
# The package lists of a bare machine are missing or too old: only then fetch them.
if ! install "$@"; then
    apt-get update -qq </dev/null >/dev/null || true
    install "$@" || {
        echo "$reason: apt-get could not install $*" >&2
        exit 1
    }
fi
