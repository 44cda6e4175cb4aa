/* log: see log.h. One write(2) per line, so that lines never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 2048, IDS_MAX = 64 };

static struct {
	const char *process;
	enum log_level least;
	bool journal; /* stderr is systemd's journal */
	char ids[IDS_MAX];
} self = { .process = "bulkhead", .least = LOG_LV_INFO };

static const struct {
	const char *name;
	int priority; /* syslog's, in the journal */
} levels[] = {
	[LOG_LV_DEBUG] = { "debug", 7 },
	[LOG_LV_INFO] = { "info", 6 },
	[LOG_LV_WARN] = { "warn", 4 },
	[LOG_LV_ERROR] = { "error", 3 },
};

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < ARRAY_SIZE(levels) ? levels[level].name : NULL;
}

/* JOURNAL_STREAM has device and inode of the journal's socket. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	return stream && fstat(STDERR_FILENO, &st) == 0 &&
	       str_printf(ours, sizeof(ours), "%llu:%llu",
			  (unsigned long long)st.st_dev,
			  (unsigned long long)st.st_ino) > 0 &&
	       !strcmp(stream, ours);
}

void log_init(const char *process, enum log_level least)
{
	const char *inherited = getenv(LOG_ENV);

	self.process = process;
	self.least = least;
	self.ids[0] = 0;
	self.journal = inherited ? inherited[0] == 'j' : stderr_is_journal();
	if (inherited && inherited[0] && inherited[1] &&
	    str_copy(self.ids, sizeof(self.ids), span_str(inherited + 2)) < 0)
		self.ids[0] = 0;
}

void log_run(const char *run)
{
	(void)str_printf(self.ids, sizeof(self.ids), "run=%s", run);
}

int log_env(char *dst, size_t cap, const char *ids)
{
	const char *gap = self.ids[0] && ids ? " " : "";

	return str_printf(dst, cap, "%s=%c %s%s%s", LOG_ENV,
			  self.journal ? 'j' : 's', self.ids, gap,
			  ids ? ids : "");
}

/* Days since 1970 to a date; gmtime_r would read /etc/localtime first, which
 * no sandboxed process can. */
static void date_of(long long days, int *year, int *month, int *day)
{
	long long era, rest, y, m;

	days += 719468; /* from the 1st of March of the year 0 */
	era = days / 146097;
	rest = days % 146097;
	y = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
	rest -= 365 * y + y / 4 - y / 100;
	m = (5 * rest + 2) / 153;
	*day = (int)(rest - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

void log_time(char dst[LOG_TIME], const struct timespec *t)
{
	long long s = t->tv_sec < 0 ? 0 : t->tv_sec;
	int year, month, day;

	date_of(s / 86400, &year, &month, &day);
	(void)str_printf(dst, LOG_TIME, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ",
			 year % 10000, month, day, (int)(s / 3600 % 24),
			 (int)(s / 60 % 60), (int)(s % 60),
			 t->tv_nsec / 1000000);
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

/* The journal stamps each line itself, and wants its priority first. */
static int put_head(char line[LINE_MAX_BYTES], enum log_level level,
		    const char *event)
{
	char when[LOG_TIME];
	struct timespec t = { 0 };
	const char *gap = self.ids[0] ? " " : "";

	if (self.journal)
		return str_printf(line, LINE_MAX_BYTES,
				  "<%d>level=%s process=%s event=%s%s%s ",
				  levels[level].priority, levels[level].name,
				  self.process, event, gap, self.ids);
	(void)clock_gettime(CLOCK_REALTIME, &t);
	log_time(when, &t);
	return str_printf(line, LINE_MAX_BYTES,
			  "time=%s level=%s process=%s event=%s%s%s ", when,
			  levels[level].name, self.process, event, gap,
			  self.ids);
}

static void log_line(enum log_level level, const char *event, const char *fmt,
		     va_list ap)
{
	char line[LINE_MAX_BYTES];
	char text[LINE_MAX_BYTES];
	int head = put_head(line, level, event);
	size_t n = head < 0 ? 0 : (size_t)head;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	put_escaped(line, &n, text);
	while (n && line[n - 1] == ' ')
		n--;
	line[n++] = '\n';
	(void)fd_write_all(STDERR_FILENO, span_of(line, n));
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	if (level < self.least)
		return;
	va_start(ap, fmt);
	log_line(level, event, fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	char why[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	log_event(LOG_LV_ERROR, "die", "text=%s", why);
	_exit(1);
}
