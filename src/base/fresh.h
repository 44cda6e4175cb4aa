/*
 * fresh: new secrets for a process that was copied with its whole machine.
 *
 * A reader starts in a template, so every copy of it has the same stack
 * canary and the same AT_RANDOM bytes. An attacker who learnt them in one copy
 * would know them in all; so each message is read behind new ones.
 *
 * What stays common to the copies of one template, and is why templates are
 * retired: the layout of the address space, glibc's pointer guard (function
 * pointers that it keeps are mangled with it) and the marks in its heap.
 */
#ifndef BASE_FRESH_H
#define BASE_FRESH_H

/*
 * On a function that calls fresh_draw, and on each of its callers up to main:
 * none of them may have put the old canary on the stack and check it later.
 * main and whoever calls it are in order if they never return.
 */
#define FRESH_CALLER __attribute__((no_stack_protector, noinline))

/*
 * Draws a new canary and new AT_RANDOM bytes from the kernel. 0 or -errno,
 * and then they are the old ones.
 */
[[nodiscard]] int fresh_draw(void);

#endif
