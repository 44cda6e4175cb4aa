/*
 * machine: what a guest can do with its machine instead of its work. All of
 * it is the guest's own to do; the host's part is that nobody else notices.
 */
#include "guest/hostile/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

enum { PORT_OPENS = 1000, HOG_STEP = 1 << 20 };

/* ---- the port */

static void power_off(struct hostile *)
{
	off();
}

/* Closes its end and lives on. */
static void port_close(struct hostile *g)
{
	fd_close(&g->port.fd);
	silent();
}

/* Each opening and closing is a message to the device's backend. */
static void port_storm(struct hostile *g)
{
	fd_close(&g->port.fd);
	for (;;) {
		int fd = open("/dev/vport0p1", O_RDWR | O_NONBLOCK);

		if (fd >= 0)
			(void)close(fd);
	}
}

/* A kick of the queue for each byte, of frames that are in order. */
static void kick_storm(struct hostile *g)
{
	uint32_t log = log_open(g);
	size_t i;

	flush(g);
	for (;;) {
		frame_with(g, 0, log, SPAN_LIT("twelve bytes"));
		for (i = 0; i < g->mux.out.n;) {
			if (write(g->port.fd, g->mux.out.p + i, 1) == 1)
				i++;
		}
		buf_reset(&g->mux.out);
	}
}

/* ---- processes, memory, processor */

static void fork_bomb(struct hostile *)
{
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;)
		(void)fork();
}

/* In init, which the kernel cannot kill. */
static void memory_hog(struct hostile *)
{
	for (;;) {
		char *p = mmap(NULL, HOG_STEP, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p != MAP_FAILED)
			memset(p, 0x5a, HOG_STEP);
	}
}

/* Children who eat, die of it, and are followed. */
static void memory_storm(struct hostile *g)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			memory_hog(g);
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
	}
}

static void spin(struct hostile *)
{
	volatile unsigned long n = 0;

	for (;;)
		n++;
}

/* The program spins, and init relays on, as it should. */
static void spin_workload(struct hostile *g)
{
	if (fork() == 0)
		spin(g);
	for (;;)
		pump(g, -1);
}

static void on_alarm(int)
{
}

/* As many timer interrupts as the machine can take. */
static void timer_storm(struct hostile *)
{
	const struct itimerval often = { .it_interval = { .tv_usec = 1 },
					 .it_value = { .tv_usec = 1 } };

	(void)signal(SIGALRM, on_alarm);
	(void)setitimer(ITIMER_REAL, &often, NULL);
	for (;;)
		(void)sched_yield();
}

/* ---- time */

static void clock_set(time_t s)
{
	const struct timespec ts = { .tv_sec = s };

	(void)clock_settime(CLOCK_REALTIME, &ts);
}

/* Back and forth over all there is, as fast as it goes. */
static void clock_jumps(struct hostile *)
{
	for (;;) {
		clock_set(1);
		clock_set(1LL << 32);
	}
}

/* Slow or fast as far as the kernel lets it, and asleep meanwhile. */
static void clock_slews(struct hostile *g)
{
	long ticks;

	for (ticks = 9000;; ticks = ticks == 9000 ? 11000 : 9000) {
		struct timex t = { .modes = ADJ_TICK | ADJ_FREQUENCY,
				   .tick = ticks,
				   .freq = ticks < 10000 ? -32768000
							 : 32768000 };

		(void)adjtimex(&t);
		pump(g, 100);
	}
}

/* Until a time that the host would have to believe in. */
static void clock_sleeps(struct hostile *)
{
	struct timespec ts = { .tv_sec = 7200 };

	clock_set(1);
	(void)clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
}

/* Works like any other, 80 years ahead. */
static void clock_wrong(struct hostile *g)
{
	clock_set(4'294'967'296);
	work_answer(g);
}

/* ---- crashes */

/* The kernel panics when init ends, and resets the machine. */
static void crash(struct hostile *)
{
	_exit(1);
}

static void crash_fault(struct hostile *)
{
	__builtin_trap();
}

static const struct mode rows[] = {
	{ "power-off", power_off, WHEN_WORKING },
	{ "port-close", port_close, WHEN_WORKING },
	{ "port-storm", port_storm, WHEN_WORKING },
	{ "kick-storm", kick_storm, WHEN_WORKING },
	{ "fork-bomb", fork_bomb, WHEN_WORKING },
	{ "memory-hog", memory_hog, WHEN_WORKING },
	{ "memory-storm", memory_storm, WHEN_WORKING },
	{ "spin", spin, WHEN_WORKING },
	{ "spin-workload", spin_workload, WHEN_WORKING },
	{ "timer-storm", timer_storm, WHEN_WORKING },
	{ "clock-jumps", clock_jumps, WHEN_WORKING },
	{ "clock-slews", clock_slews, WHEN_WORKING },
	{ "clock-sleeps", clock_sleeps, WHEN_WORKING },
	{ "clock-wrong", clock_wrong, WHEN_WORKING },
	{ "crash", crash, WHEN_WORKING },
	{ "crash-fault", crash_fault, WHEN_WORKING },
	{ "crash-hello", crash, WHEN_GREETED },
	{ "crash-boot", crash, WHEN_BOOTED, IN_BOTH },
	{ "template-crash", crash, WHEN_GREETED, IN_TEMPLATE },
	{ "template-spin", spin, WHEN_WORKING, IN_TEMPLATE },
};

const struct modes modes_machine = { rows, ARRAY_SIZE(rows) };
