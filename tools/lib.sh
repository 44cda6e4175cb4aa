# Shell functions that the tools share: messages, disk space, and long steps
# with a progress line and a log. Sourced from the root of the tree.
# shellcheck shell=sh

LC_ALL=C
export LC_ALL
progress_every=${PROGRESS_EVERY:-5}

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# minutes SECONDS: "40 s" or "3 min"
minutes() {
	if [ "$1" -lt 90 ]; then echo "$1 s"; else
		echo "$((($1 + 30) / 60)) min"; fi
}

# group NAME...: the packages of these groups in deps/apt.txt, a line each
group() {
	for g in "$@"; do
		grep -q "^\[$g\]" deps/apt.txt ||
			die "deps/apt.txt has no group '$g'"
		awk -v want="[$g]" '{ sub(/#.*/, "") }
			/^\[/ { on = ($1 == want); next }
			on && NF { print $1 }' deps/apt.txt
	done | sort -u
}

# existing_parent DIR: the nearest directory upwards that exists
existing_parent() {
	p=$1
	while [ ! -d "$p" ]; do p=$(dirname "$p"); done
	echo "$p"
}

# need_space DIR MIB WHAT: refuses where the file system of DIR has less
need_space() {
	where=$(existing_parent "$1")
	free=$(df -Pk "$where" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "$free" -ge "$2" ] || die "$3 needs $2 MiB in $1," \
		"but only $free MiB are free there. Free some space, or" \
		"point \$XDG_CACHE_HOME (kernel) elsewhere, and start again."
}

# show_tail LOG: the end of a log that tells of a failure, and the errors in it
show_tail() {
	grep -nE 'error:|No rule to make|: Error |^E: ' "$1" | head -n 5 |
		cut -c 1-300 >&2
	printf -- '--- the last 20 lines of %s:\n' "$1" >&2
	# apt's status lines are for the progress display alone
	grep -v '^[dp][lm]status:' "$1" | tail -n 20 | cut -c 1-300 >&2
	printf -- '---\n' >&2
}

# watch PID LOG LABEL PERCENT_COMMAND: a line every few seconds until PID ends,
# with the percentage that the command reads out of LOG and an estimate.
# Returns what PID returned.
watch() {
	start=$(date +%s)
	next=$progress_every
	while kill -0 "$1" 2>/dev/null; do
		sleep 1
		spent=$(($(date +%s) - start))
		[ "$spent" -ge "$next" ] || continue
		next=$((spent + progress_every))
		percent=$("$4" "$2")
		progress_line "$3" "${percent:-0}" "$spent"
	done
	wait "$1"
}

progress_line() {
	[ "$2" -le 99 ] || set -- "$1" 99 "$3"
	if [ "$2" -ge 3 ]; then
		left="about $(minutes $(($3 * (100 - $2) / $2))) left"
	else
		left="estimating"
	fi
	printf '  %s: %3d %%, %s so far, %s\n' "$1" "$2" "$(minutes "$3")" "$left"
}
