#!/bin/sh
# The system calls that the kernel's headers name, as C initialisers.
# usage: syscall_names.sh CC...
set -eu
echo '#include <asm/unistd_64.h>' | "$@" -E -dM - |
	sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/{ "\1", \2 },/p' |
	LC_ALL=C sort
