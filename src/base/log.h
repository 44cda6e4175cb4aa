/*
 * log: one line per event on stderr: process, event, key=value. Only
 * processes log, libraries never do. Foreign text is escaped and cut here;
 * secrets are never given to it.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LV_DEBUG, LOG_LV_INFO, LOG_LV_WARN, LOG_LV_ERROR };

/* The name that starts each line, e.g. "broker"; call once, first. */
void log_init(const char *process, enum log_level least);

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
