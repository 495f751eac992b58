#!/bin/sh
# Installs the Debian packages that tests need and the machine lacks: the header files of
# Berkeley DB, against which its Python package is built, the tools that check archives, the
# browser in which the displays are looked at, and what mounts a volume that ignores case.
#
# Without apt it says what to install by other means, and goes on: tests of what is missing are
# skipped, and the Python package for Berkeley DB is left out.
set -eu

packages="gcc libc6-dev libdb-dev unzip zip p7zip-full chromium fuse3"

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    echo "Skipped: system packages (no apt). Tests of missing programs are skipped; on Debian" \
        "they would be: $packages"
    exit 0
fi

missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
$as_root apt-get update -qq
# The newest Debian has the program 7z in another package.
if ! apt-cache show p7zip-full >/dev/null 2>&1; then
    missing=$(echo "$missing" | sed s/p7zip-full/7zip/)
fi
# shellcheck disable=SC2086  # the names are meant to be separate words
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
