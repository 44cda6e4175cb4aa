# What is built once and kept in a cache outside the tree: tools/kernel and
# tools/qemu. Sourced after lib.sh, with these set:
#	cache	the folder
#	key	of what is to be built, in its name all that it depends on
#	product	the file that is wanted
#	what	it is called in messages
#	out	where the product goes
#	mib	room that the build takes
#
# The build happens in a folder of its own in the cache, which is deleted
# afterwards, also after a failure or an interrupt; the result gets its name by
# one rename, with SHA256SUMS, against which it is verified before each use. A
# lock keeps two builds apart.
# shellcheck shell=sh disable=SC2154

verified() {
	[ -f "$cache/$key/SHA256SUMS" ] &&
		(cd "$cache/$key" && sha256sum --status -c SHA256SUMS)
}

# The product in place, by rename, and only where it differs.
deliver() {
	mkdir -p "$(dirname "$out")"
	cmp -s "$cache/$key/$product" "$out" 2>/dev/null && return
	cp "$cache/$key/$product" "$out.new"
	chmod 0644 "$out.new"
	mv "$out.new" "$out"
}

deliver_if_cached() {
	verified || return 0
	deliver
	exit 0
}

# A killed build leaves its folder behind; whoever holds the lock may remove it.
# A build still at work is ended first: make passes a TERM on to its children.
builder=
clean_work() {
	[ -z "$builder" ] || ! kill "$builder" 2>/dev/null || wait "$builder" || :
	rm -rf "$cache"/work.*
}

# From here on we are the only build, in the folder $work, or another has just
# made what we want and we are done.
begin_build() {
	mkdir -p "$cache" build/log
	exec 9>"$cache/lock"
	if ! flock -n 9; then
		say "Another build of $what is at work; waiting for it."
		flock 9
	fi
	deliver_if_cached
	[ ! -e "$cache/$key" ] || say \
		"The cached $product does not match its SHA256SUMS: building again."
	clean_work
	need_space "$cache" "$mib" "building $what"
	work=$cache/work.$$
	trap clean_work EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	mkdir "$work"
}

# What the build has put into $work/new becomes the cache's.
store() {
	(cd "$work/new" && sha256sum -- * >../sums && mv ../sums SHA256SUMS)
	rm -rf "${cache:?}/$key"
	mv "$work/new" "$cache/$key"
	verified || die "$product does not match the sums just written to" \
		"$cache/$key"
	deliver
}
