#!/bin/sh
# Installs the Debian packages that tests need and the machine lacks: the header files of
# Berkeley DB, against which its Python package is built, the tools that check archives, and the
# browser in which the displays are looked at.
set -eu

missing=""
for package in gcc libc6-dev libdb-dev unzip zip p7zip-full chromium; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
$as_root apt-get update -qq
# shellcheck disable=SC2086  # the names are meant to be separate words
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
