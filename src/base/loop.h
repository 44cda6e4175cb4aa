/*
 * loop: a process's event loop over poll(2): a fixed table of descriptors and
 * of timers, one callback each. No threads, no hidden descriptors, so that the
 * system calls it needs are poll and clock_gettime.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { LOOP_FDS = 512, LOOP_TIMERS = 256 };

typedef void (*loop_fd_fn)(void *arg, int fd, short revents);
typedef void (*loop_timer_fn)(void *arg);

struct loop {
	struct {
		int fd; /* -1: free row */
		short events;
		loop_fd_fn fn;
		void *arg;
		uint64_t round;	  /* in which it was added */
		uint64_t rest_ms; /* not looked at before; 0: always */
	} fds[LOOP_FDS];
	uint64_t round; /* of poll */
	struct {
		uint64_t at_ms; /* 0: free row */
		loop_timer_fn fn;
		void *arg;
	} timers[LOOP_TIMERS];
	bool stop;
};

void loop_init(struct loop *l);

/* Watches fd (borrowed) for POLLIN and/or POLLOUT. 0, or -ENFILE when full. */
[[nodiscard]] int loop_add(struct loop *l, int fd, short events, loop_fd_fn fn,
			   void *arg);

/* Changes what is watched for; the fd must be in the table. */
void loop_events(struct loop *l, int fd, short events);

/* Does not look at fd for so long, whatever comes there. */
void loop_rest(struct loop *l, int fd, uint64_t ms);

/* Stops watching; safe inside a callback, and for fds that are not there. */
void loop_del(struct loop *l, int fd);

/*
 * Calls fn(arg) once after delay_ms. Returns a timer id >= 0, or -ENFILE.
 * loop_timer_del takes the id, and ignores -1.
 */
[[nodiscard]] int loop_timer(struct loop *l, uint64_t delay_ms,
			     loop_timer_fn fn, void *arg);
/* The same in the next round, before anything is waited for. */
[[nodiscard]] int loop_soon(struct loop *l, loop_timer_fn fn, void *arg);
void loop_timer_del(struct loop *l, int id);

/* Runs until loop_stop. Returns 0, or -errno of a failing poll. */
[[nodiscard]] int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* CLOCK_MONOTONIC in milliseconds and microseconds. */
uint64_t now_ms(void);
uint64_t now_us(void);

/* Of any clock, in nanoseconds since its beginning. */
uint64_t clock_ns(clockid_t clock);

#endif
