#!/bin/sh
# See to it that there are nginx and HAProxy: the files of ops/deploy are tested in them.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
missing=
for program in nginx haproxy; do
    command -v $program >/dev/null || missing="$missing $program"
done
# Only their programs are wanted: no service of theirs is to take a port of the machine.
[ -z "$missing" ] || RUNLEVEL=1 ops/setup/packages.sh \
    "Balancers for the tests of ops/deploy" $missing
