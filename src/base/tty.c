/* tty: see tty.h. */
#include "base/tty.h"

#include <errno.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/span.h"

enum { CTRL_C = 3 };

ssize_t tty_read_hidden(int tty, const char *prompt, void *ret, size_t cap)
{
	struct termios was, hidden;
	const char *line = ret;
	ssize_t n;

	if (tcgetattr(tty, &was) < 0)
		return -errno;
	hidden = was;
	/* Ctrl-C ends the line: it is not to end us while nothing is shown. */
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	hidden.c_cc[VEOL] = CTRL_C;
	if (tcsetattr(tty, TCSAFLUSH, &hidden) < 0)
		return -errno;
	(void)fd_write_all(tty, span_str(prompt));
	(void)fd_write_all(tty, SPAN_LIT(": "));
	n = read(tty, ret, cap);
	if (n < 0)
		n = -errno;
	(void)tcsetattr(tty, TCSAFLUSH, &was);
	(void)fd_write_all(tty, SPAN_LIT("\n"));
	if (n < 0)
		return n;
	if (n && line[n - 1] == CTRL_C)
		return -ECANCELED;
	return n && line[n - 1] == '\n' ? n - 1 : -EMSGSIZE;
}
