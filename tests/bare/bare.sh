#!/bin/sh
# Goal of this test: the README's two commands work on a Debian 12 that has
# nothing installed, with an empty cache, from a clone of what is committed
# here; first as root, then as a user who has sudo; and that the package that
# `make deb` has made works where nothing else was installed (deb.sh).
# usage: tests/bare/bare.sh [deb] [run] [check] [run-user]      (as root)
#
# A minbase tree with git and certificates alone is made by mmdebstrap, and
# entered by pivot_root in a mount and pid namespace of its own: in a chroot
# the kernel refuses user namespaces, which the jails of bulkhead need. The
# tree lies under build/bare and is removed at the end (KEEP=1 keeps it).
set -eu
cd "$(dirname "$0")/../.."
. tools/lib.sh

[ "$(id -u)" = 0 ] || die "needs root: it makes a tree of devices and mounts"
[ $# -gt 0 ] || set -- deb run check run-user
top=$PWD
tree=$top/build/bare/tree
log=$top/build/log/bare.log
mkdir -p "$(dirname "$tree")" build/log
need_space "$tree" 6000 "a bare Debian tree with all that bulkhead needs"

# remove: the tree; nothing is mounted in it outside the namespace
remove() { rm -rf --one-file-system "$tree"; }

make_tree() {
	remove
	say "Making the tree (about a minute)"
	# Without a mirror of its own, mmdebstrap takes Debian's, with security
	# and updates. apt's proxy and the like come from this machine.
	mmdebstrap --variant=minbase --include=git,ca-certificates \
		--skip=output/mknod bookworm "$tree" >"$log" 2>&1 || {
		show_tail "$log"
		die "mmdebstrap failed; the whole log is $log"
	}
	for f in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf; do
		[ ! -f "$f" ] || cp "$f" "$tree$f"
	done
	rm -f "$tree/etc/resolv.conf"
	cp -L /etc/resolv.conf /etc/hosts "$tree/etc/"
	mkdir -p "$tree/old"
}

# The clone is of the committed state, and made before the tree is entered.
clone() {
	rm -rf "$tree/$1"
	git clone -q "$top" "$tree/$1"
}

add_user() {
	grep -q '^owner:' "$tree/etc/passwd" && return
	inside 'apt-get -qq update && apt-get -qq -y install sudo' >>"$log" 2>&1 || {
		show_tail "$log"
		die "sudo could not be installed in the tree"
	}
	chroot "$tree" useradd -m -s /bin/sh owner
	echo 'owner ALL=(ALL) NOPASSWD: ALL' >"$tree/etc/sudoers.d/owner"
}

# inside COMMAND: runs in the tree as its own root, with /proc and a small /dev
inside() {
	unshare --mount --pid --fork --propagation private sh -eu -c '
		tree=$1
		mount --bind "$tree" "$tree"
		mount -t proc proc "$tree/proc"
		mount -t sysfs -o ro sysfs "$tree/sys"
		mount -t tmpfs -o mode=755 dev "$tree/dev"
		mkdir "$tree/dev/pts" "$tree/dev/shm"
		mount -t devpts -o newinstance,ptmxmode=0666 pts "$tree/dev/pts"
		mount -t tmpfs -o mode=1777 shm "$tree/dev/shm"
		ln -s pts/ptmx "$tree/dev/ptmx"
		for d in null zero full random urandom tty kvm; do
			[ -e /dev/$d ] || continue
			: >"$tree/dev/$d"
			mount --bind /dev/$d "$tree/dev/$d"
		done
		ln -s /proc/self/fd "$tree/dev/fd"
		cd "$tree"
		pivot_root . old
		umount -l /old
		cd /
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			HOME="$HOME" TERM=dumb ${CI:+CI="$CI"} sh -c "$2"
	' sh "$tree" "$1" </dev/null
}

# timed NAME COMMAND
timed() {
	say "== $1"
	began=$(date +%s)
	if inside "$2"; then result=pass; else result=fail; fi
	say "$result bare/$1: $(minutes $(($(date +%s) - began)))"
	[ $result = pass ] && passed=$((passed + 1)) || failed=$((failed + 1))
}

HOME=/root
export HOME
passed=0
failed=0
[ -n "${KEEP:-}" ] && [ -d "$tree" ] || make_tree
[ -n "${KEEP:-}" ] || trap remove EXIT
for what in "$@"; do
	case $what in
	deb)
		mkdir -p "$tree/root/deb"
		cp build/bulkhead_*_amd64.deb "$tree/root/deb/bulkhead.deb"
		cp tests/bare/deb.sh "$tree/root/deb/"
		cp tests/data/mail/attachments.eml "$tree/root/deb/a.eml"
		timed deb /root/deb/deb.sh
		# What it depends on is there now: the rest wants a bare one.
		[ $# = 1 ] || make_tree ;;
	run | check)
		[ -d "$tree/root/bulkhead" ] || clone root/bulkhead
		timed "$what" "/root/bulkhead/$what" ;;
	run-user)
		add_user
		clone home/owner/bulkhead
		chroot "$tree" chown -R owner: /home/owner
		timed run-user "su - owner -c ./bulkhead/run"
		strangers=$(find "$tree/home/owner" ! -user \
			"$(stat -c %u "$tree/home/owner")" | head -n 3)
		[ -z "$strangers" ] || {
			say "fail bare/owner: not the user's own: $strangers"
			failed=$((failed + 1))
		} ;;
	*) die "usage: tests/bare/bare.sh [deb] [run] [check] [run-user]" ;;
	esac
done
say "$passed passed, $failed failed"
[ "$failed" = 0 ]
