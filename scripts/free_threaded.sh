#!/bin/sh
# Builds a free-threaded Python into a folder, from the source packages of Debian:
#
#     sh scripts/free_threaded.sh .pythons/free-threaded 3.14 3.13
#
# Of the versions named, the first is taken whose source the mirror has. It is built with
# little optimisation, which takes minutes, and only once. Where that cannot be, it says so.
set -eu

folder=$1
shift

skip() {
    echo "Skipped: free-threaded Python ($1)."
    exit 0
}

[ -x "$folder/bin/python3" ] && exit 0
command -v apt-get >/dev/null || skip "needs the source packages of Debian"
command -v gcc >/dev/null || skip "needs a C compiler"

mkdir -p "$folder/source" "$folder/lists/partial"
folder=$(cd "$folder" && pwd)
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' |
    sort -u | head -n 1)
key=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in unstable stable; do
    echo "deb-src [signed-by=$key] $site $suite main"
done >"$folder/sources.list"

# Lists of its own, so that the settings of this machine stay as they are. What unstable says is
# valid for a week, which mirrors and clocks do not always keep.
apt() {
    apt-get -qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$folder/lists" -o Acquire::Check-Valid-Until=false "$@"
}

fetched() (
    cd "$folder/source"
    for suite in unstable stable; do
        apt source --download-only "python$1/$suite" 2>/dev/null && exit 0
    done
    exit 1
)

apt update || skip "no list of source packages"
for version in "$@"; do
    if fetched "$version"; then
        break
    fi
    echo "The mirror has no source of Python $version."
    version=
done
[ -n "$version" ] || skip "no source"

cd "$folder/source"
tar --extract --strip-components=1 --file="$(echo python"$version"_*.orig.tar.xz)"
echo "Building free-threaded Python $version, which takes minutes."
{
    ./configure -q --disable-gil --disable-test-modules --prefix="$folder"
    make -s -j "$(nproc)" OPT="-DNDEBUG -fwrapv -O1"
    make -s OPT="-DNDEBUG -fwrapv -O1" install
} >"$folder/build.log" 2>&1 || {
    echo "The build failed, see $folder/build.log" >&2
    exit 1
}
