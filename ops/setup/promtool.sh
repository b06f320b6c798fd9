#!/bin/sh
# Bring promtool into the virtual environment: the alert rules are tested with it.
#
# Up to version 12 Debian has it in one package with the Prometheus server, which would
# be started if it were installed; so the program is taken out of the package.
set -eu
cd "$(dirname "$0")/../.."
command -v promtool >/dev/null && exit
echo "Bringing promtool into the virtual environment"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() {
    for package in promtool prometheus; do
        (cd "$work" && apt-get download -qq $package >/dev/null 2>&1) && return
    done
    return 1
}
# The package lists of a bare machine are missing or too old: only then fetch them.
if ! fetch; then
    apt-get update -qq </dev/null >/dev/null || true
    fetch || {
        echo "promtool for the tests: apt-get could not download it" >&2
        exit 1
    }
fi
dpkg-deb --fsys-tarfile "$work"/prom*.deb |
    tar --extract --to-stdout ./usr/bin/promtool >"$work/promtool"
install -m 755 "$work/promtool" .venv/bin/promtool
