#!/bin/sh
# Collects the system calls that each process keeps from the comments beside
# the functions that need them:
#
#	#syscalls:PROC name name COND... name ...
#
# PROC is a row of src/privsep/graph.c, '*' for all rows that have a list, or a
# part of the program in a VM's jail (see `parts` below). A name may be followed
# by conditions and !ERRNO as in tools/bpfgen.c; 'int1=A,B' are two lines, one
# for each value.
# usage: seccomp.sh SRCDIR OUTDIR: writes OUTDIR/PROC.list, where it changes
set -eu
src=$1
out=$2

# list -> the PROCs whose comments make it
parts() {
	case $1 in
	qemu-*-cold) echo "qemu qemu-cold ${1%-cold}" ;;
	qemu-*) echo "qemu $1" ;;
	sanitizer) echo "sanitizer sanitizer-open" ;;
	sanitizer-reads) echo sanitizer ;;
	*) echo "* $1" ;;
	esac
}

find "$src" \( -name '*.c' -o -name '*.h' \) -exec grep -h '#syscalls:' {} + |
	awk '
	# One line for each combination of alternatives.
	function put(proc, rule,	at, head, tail, values, n, i) {
		if (!match(rule, /=[^ ]*,[^ ]*/)) {
			print proc, rule
			return
		}
		head = substr(rule, 1, RSTART)
		tail = substr(rule, RSTART + RLENGTH)
		n = split(substr(rule, RSTART + 1, RLENGTH - 1), values, ",")
		for (i = 1; i <= n; i++)
			put(proc, head values[i] tail)
	}
	{
		sub(/.*#syscalls:/, "")
		sub(/\*\/.*/, "")
		n = split($0, w, /[ \t]+/)
		rule = ""
		for (i = 2; i <= n; i++)
			if (w[i] ~ /^(arg|int)[0-9]|^!/)
				rule = rule " " w[i]
			else {
				if (rule != "")
					put(w[1], rule)
				rule = w[i]
			}
		if (rule != "")
			put(w[1], rule)
	}' > "$out/collected"

for p in control broker auditd store telemetry envelope connector \
	vault netd online porter vmm \
	qemu-tcg qemu-tcg-cold qemu-kvm qemu-kvm-cold sanitizer sanitizer-reads; do
	{
		echo "# $p: made by tools/seccomp.sh, compared by" \
			"tools/check-seccomp."
		awk -v parts="$(parts $p)" '
		BEGIN {
			n = split(parts, w, / /)
			for (i = 1; i <= n; i++)
				want[w[i]] = 1
		}
		($1 in want) { sub(/^[^ ]+ /, ""); print }' \
			"$out/collected" | LC_ALL=C sort -u
	} > "$out/$p.new"
	if cmp -s "$out/$p.new" "$out/$p.list"; then
		rm "$out/$p.new"
	else
		mv "$out/$p.new" "$out/$p.list"
	fi
done
rm "$out/collected"
