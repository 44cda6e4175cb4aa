/*
 * console: the serial console of a machine, kept in a file and within a bound.
 *
 * QEMU writes whatever its guest says, without end. So it gets a pipe; what
 * comes out of that is copied into the file until CONSOLE_MAX bytes are there,
 * then a line says so and the pipe is closed: QEMU's writes fail from then on,
 * and it ignores that.
 */
#ifndef VM_CONSOLE_H
#define VM_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

enum { CONSOLE_MAX = 1 << 20 };

struct console {
	int file;  /* owned, -1: there is no console */
	int write; /* for vm_launch, until the machine has it; owned */
	int read;  /* to be polled for input; -1: closed; owned */
	size_t n;  /* bytes in the file */
};

/* No console. */
void console_init(struct console *c);

/* Takes the file over. 0 or -errno. */
[[nodiscard]] int console_open(struct console *c, int file);

/* The machine has its end: ours would keep the pipe open. */
void console_started(struct console *c);

/* Copies what is there and does not wait; once, or until the pipe is empty. */
void console_copy(struct console *c, bool all);

void console_done(struct console *c);

#endif
