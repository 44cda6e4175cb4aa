/*
 * peer_init: all that the machine does that bulkhead's is measured against:
 * the first process, without a library, writes one line to the console and
 * waits. Whatever Debian's kernel is slower by, it is not this.
 */
static long call(long n, long a, const char *b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}

_Noreturn void _start(void);

_Noreturn void _start(void)
{
	enum { SYS_WRITE = 1, SYS_PAUSE = 34, CONSOLE = 1 };

	(void)call(SYS_WRITE, CONSOLE, "ready\n", 6);
	for (;;)
		(void)call(SYS_PAUSE, 0, 0, 0);
}
