/* log: see log.h. One write(2) per line, so that lines never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 2048 };

static const char *process_name = "bulkhead";
static enum log_level least_level = LOG_LV_INFO;

static const char *const level_names[] = {
	[LOG_LV_DEBUG] = "debug",
	[LOG_LV_INFO] = "info",
	[LOG_LV_WARN] = "warn",
	[LOG_LV_ERROR] = "error",
};

void log_init(const char *process, enum log_level least)
{
	process_name = process;
	least_level = least;
}

static void put_escaped(char *line, size_t *n, const char *text)
{
	for (; *text && *n + 6 < LINE_MAX_BYTES; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c < 0x7f)
			line[(*n)++] = (char)c;
		else
			*n += (size_t)str_printf(line + *n, LINE_MAX_BYTES - *n,
						 "\\x%02x", c);
	}
}

static void log_line(enum log_level level, const char *event, const char *fmt,
		     va_list ap)
{
	char line[LINE_MAX_BYTES];
	char text[LINE_MAX_BYTES];
	int head;
	size_t n;

	head = str_printf(line, sizeof(line), "bulkhead-%s: level=%s %s ",
			  process_name, level_names[level], event);
	n = head < 0 ? 0 : (size_t)head;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	put_escaped(line, &n, text);
	line[n++] = '\n';
	(void)fd_write_all(STDERR_FILENO, span_of(line, n));
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	if (level < least_level)
		return;
	va_start(ap, fmt);
	log_line(level, event, fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LV_ERROR, "die", fmt, ap);
	va_end(ap);
	_exit(1);
}
