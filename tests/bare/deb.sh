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

# The pages, and the units, as systemd and man of this Debian see them.
need "man and systemd" apt --no-install-recommends install man-db systemd
for page in bulkhead bulkhead-up bulkhead-audit bulkhead.yaml bulkhead-policy; do
	need "man $page" test -n "$(man -w "$page")"
done
need "man shows one" sh -c 'man bulkhead-up | grep -q foreground'
unit=/usr/lib/systemd/system/bulkhead.service
need "systemd understands the unit" systemd-analyze verify --man=no "$unit"
need "and the user's" env XDG_RUNTIME_DIR=/run systemd-analyze --user verify --man=no \
	/usr/lib/systemd/user/bulkhead.service
systemd-analyze security --offline=true "$unit" | tail -n 1

# As the unit says: configuration in /etc, the user that was made, its home.
id bulkhead
bulkhead init --yes --dir /etc/bulkhead
chgrp -R bulkhead /etc/bulkhead
chmod -R g+rX /etc/bulkhead
install -d -o bulkhead -g bulkhead -m 700 /var/lib/bulkhead
# service COMMAND...: what the unit runs, as it runs it
service() {
	runuser -u bulkhead -- env HOME=/var/lib/bulkhead \
		bulkhead --config /etc/bulkhead/bulkhead.yaml "$@"
}
service up --foreground 2>service.log &
for i in $(seq 100); do
	! service status >status 2>&1 || break
	sleep 0.3
done
need "the service is up" service status
install -o bulkhead -g bulkhead a.eml /var/lib/bulkhead/Maildir/new/1
need "and reads a mail" sh -c "$(command -v runuser) -u bulkhead -- \
	env HOME=/var/lib/bulkhead bulkhead \
	--config /etc/bulkhead/bulkhead.yaml items --wait 180 >items"
grep -q READ items || { cat items service.log; echo "FAILED: READ"; exit 1; }
need "an upgrade beneath it" apt --reinstall install ./bulkhead.deb
need "down" service down
wait
need "its log verifies" service audit verify
systemctl --quiet enable bulkhead.service
need "it is enabled" test -L \
	/etc/systemd/system/multi-user.target.wants/bulkhead.service

need "removes" apt remove bulkhead
need "is not enabled any more" test ! -L \
	/etc/systemd/system/multi-user.target.wants/bulkhead.service
need "purges" apt purge bulkhead
need "the service's state is the owner's" test -d /var/lib/bulkhead/.local/state
need "so is its configuration" test -f /etc/bulkhead/bulkhead.yaml
rm -r /var/lib/bulkhead /etc/bulkhead
left=$(find / -xdev -path /proc -prune -o -path "$HOME" -prune -o \
	-path /var/lib/dpkg/info -prune -o -name '*bulkhead*' -print)
need "leaves nothing outside of the owner's home: $left" test -z "$left"
