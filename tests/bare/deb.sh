#!/bin/sh
# Goal of this test: the package installs on a Debian 12 that has nothing of
# ours, reads a mail there, and leaves nothing but the owner's state and
# configuration when it is purged. Runs in the bare tree, as root, beside
# bulkhead.deb and a.eml.
set -eu
export DEBIAN_FRONTEND=noninteractive
cd "$(dirname "$0")"

need() {
	what=$1
	shift
	"$@" || { echo "FAILED: $what"; exit 1; }
	echo "ok: $what"
}

# apt's own words are many; they are shown where it fails.
apt() { apt-get -qq -y "$@" >apt.log 2>&1 || { cat apt.log; return 1; }; }

apt update
need "installs with what it depends on" \
	apt --no-install-recommends install ./bulkhead.deb
getent passwd bulkhead >/dev/null || { echo "FAILED: no user"; exit 1; }
need "its files are as packed" dpkg --verify bulkhead

mkdir -p "$HOME/Maildir/new" "$HOME/Maildir/cur" "$HOME/Maildir/tmp"
need "init" bulkhead init --yes
need "config check" bulkhead config check
need "doctor" bulkhead doctor
need "up" bulkhead up
cp a.eml "$HOME/Maildir/new/1"
need "a mail is read" bulkhead items --wait 180
bulkhead items --json | grep -q '"verdict": "read"' ||
	{ echo "FAILED: its verdict"; exit 1; }
need "status" bulkhead status
need "backup" bulkhead backup backup.tar
need "down" bulkhead down
need "logs" bulkhead logs
need "audit verify" bulkhead audit verify
mv "$HOME/.local/state/bulkhead" "$HOME/.local/state/before"
need "restore" bulkhead restore backup.tar
need "audit verify of what was restored" bulkhead audit verify

need "removes" apt remove bulkhead
need "purges" apt purge bulkhead
left=$(find / -xdev -path /proc -prune -o -path "$HOME" -prune -o \
	-path /var/lib/dpkg/info -prune -o -name '*bulkhead*' -print)
need "leaves nothing outside of the owner's home: $left" test -z "$left"
