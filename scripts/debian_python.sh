#!/bin/sh
# Runs a command in a small Debian of its own that has a newer Python than this machine:
#
#     sh scripts/debian_python.sh unstable 3.14 .pythons/debian-3.14 make test PYTHON=python3.14
#
# That suite of Debian is unpacked into the folder once, with debootstrap. The command runs in
# a copy of the project there, with `chroot`, as root. Where that cannot be, it says so and does
# nothing; where the command fails, so does this.
set -eu

suite=$1 version=$2 folder=$3
shift 3

skip() {
    echo "Skipped: Python $version of Debian ($1)."
    exit 0
}

[ "$(id -u)" = 0 ] || skip "needs root, for chroot"
unshare --mount true 2>/dev/null || skip "needs a system that allows mounts"
command -v apt-get >/dev/null || skip "needs a Debian or one of its relatives, with apt"
if ! command -v debootstrap >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends debootstrap || skip "no debootstrap"
fi

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if ! [ -e "$folder/.complete" ]; then
    include=ca-certificates,git,make,python$version-venv,python$version-dev
    debootstrap --variant=minbase --include="$include" "$suite" "$folder" >"$folder.log" 2>&1 ||
        skip "debootstrap failed, see $folder.log"
    # What unstable says is valid for a week, which mirrors and clocks do not always keep.
    echo 'Acquire::Check-Valid-Until "false";' >"$folder/etc/apt/apt.conf.d/99-any-age"
    touch "$folder/.complete"
fi

# Networks have names, certificates and settings of pip of their own.
for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
    ! [ -e "$file" ] || cp -L "$file" "$folder$file"
done

mkdir -p "$folder/project"
git ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from=- --ignore-failed-read |
    tar --extract --directory="$folder/project"

# In a name space of its own, where mounts end with the command.
exec unshare --mount sh -euc '
    folder=$1
    shift
    mount -t proc proc "$folder/proc"
    mount --rbind /dev "$folder/dev"
    exec chroot "$folder" sh -euc "cd /project; exec \"\$@\"" sh "$@"
' sh "$folder" "$@"
