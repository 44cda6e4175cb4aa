/*
 * log: one line per event on stderr, as key=value:
 *
 *	time=2026-11-22T07:30:00.125Z level=warn process=vmm event=qemu vm=vm-17
 *	why="..."
 *
 * The keys time, level, process and event come first, then the run and the
 * ids that the process was started with, then those of the event. A value with
 *blanks stands in quotes; `text=` is the last key and goes to the end of the
 *line. Where stderr is systemd's journal, a line begins with its priority (<4>)
 *and has no time. Only processes log, libraries never do. Foreign text is
 *escaped and cut here; secrets are never given to it.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

struct timespec;

enum log_level { LOG_LV_DEBUG, LOG_LV_INFO, LOG_LV_WARN, LOG_LV_ERROR };

enum { LOG_TIME = 32, LOG_ENV_MAX = 96 };

/* What a child knows of it: "j" (journal) or "s", a blank, its ids. */
#define LOG_ENV "BULKHEAD_LOG"

/* The name that each line has, e.g. "broker"; call once, first. */
void log_init(const char *process, enum log_level least);

/* The run, in hex: in each line of ours, and of children, from now on. */
void log_run(const char *run);

/* "debug" to "error"; NULL past the last. */
const char *log_level_name(enum log_level level);

/* The environment entry for a child with these ids ("vm=vm-17"), or NULL. The
 * length, or -1 if it does not fit. */
int log_env(char *dst, size_t cap, const char *ids);

/* A time as lines have it, in UTC. */
void log_time(char dst[LOG_TIME], const struct timespec *t);

/* The text after the event; control and non-ASCII bytes become \xNN. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(...) log_event(LOG_LV_DEBUG, __VA_ARGS__)
#define log_info(...)  log_event(LOG_LV_INFO, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_LV_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_LV_ERROR, __VA_ARGS__)

/* Start-up failures and our own broken invariants only: log and _exit(1). */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
