/*
 * tty: a line of a terminal that is typed unseen.
 */
#ifndef BASE_TTY_H
#define BASE_TTY_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Shows "PROMPT: " and reads one line into ret, at most cap bytes, without its
 * end. Its length; -ECANCELED: Ctrl-C; -EMSGSIZE: there is more of it than cap
 * or than a terminal's line holds, or it ended without a line; -errno. The
 * terminal is as it was before, in any case.
 */
[[nodiscard]] ssize_t tty_read_hidden(int tty, const char *prompt, void *ret,
				      size_t cap);

#endif
