/*
 * closure: the files that a program needs to run, found by reading its ELF
 * headers and those of its libraries (DT_NEEDED, breadth first). The jail's
 * root holds these files and nothing else.
 */
#ifndef VMM_CLOSURE_H
#define VMM_CLOSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { CLOSURE_FILES = 160, CLOSURE_PATH = 256 };

struct closure {
	size_t n;
	struct closure_file {
		char src[CLOSURE_PATH]; /* on the host */
		char dst[CLOSURE_PATH]; /* in the jail, absolute */
		size_t name;		/* where in dst its last part begins */
	} files[CLOSURE_FILES];
};

/* One file as it is (firmware, a static program). 0 or -errno. */
[[nodiscard]] int closure_add(struct closure *c, const char *src,
			      const char *dst, struct err *err);

/*
 * A program or loadable module at its own path, its loader, and all libraries
 * it needs, which land in the directory that the loader searches first. A
 * library that is not found is an error with its name. 0 or -errno.
 */
[[nodiscard]] int closure_add_elf(struct closure *c, const char *path,
				  struct err *err);

#endif
