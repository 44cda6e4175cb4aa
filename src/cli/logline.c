/* logline: see logline.h. */
#include "cli/logline.h"

#include <time.h>

#include "base/str.h"
#include "conf/value.h"

static struct span from(struct span s, size_t at)
{
	return span_of(s.p + at, s.n - at);
}

static bool key_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

/* Where a value ends: at a quote that ends a word, or at a blank. */
static size_t value_end(struct span s, bool quoted)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (!quoted && s.p[i] == ' ')
			return i;
		if (quoted && s.p[i] == '"' &&
		    (i + 1 == s.n || s.p[i + 1] == ' '))
			return i;
	}
	return s.n;
}

bool logline_next(struct span *rest, struct span *key, struct span *value)
{
	size_t n = 0, end;
	bool quoted;

	while (rest->n && rest->p[0] == ' ')
		*rest = from(*rest, 1);
	while (n < rest->n && key_char(rest->p[n]))
		n++;
	if (!n || n == rest->n || rest->p[n] != '=')
		return false;
	*key = span_of(rest->p, n);
	*rest = from(*rest, n + 1);
	if (span_is(*key, "text")) {
		*value = *rest;
		*rest = from(*rest, rest->n);
		return true;
	}
	quoted = rest->n && rest->p[0] == '"';
	if (quoted)
		*rest = from(*rest, 1);
	end = value_end(*rest, quoted);
	*value = span_of(rest->p, end);
	*rest = from(*rest, end + (quoted && end < rest->n ? 1 : 0));
	return true;
}

struct span logline_get(struct span line, const char *key)
{
	struct span k, v;

	while (logline_next(&line, &k, &v))
		if (span_is(k, key))
			return v;
	return span_of(NULL, 0);
}

int logline_level(const char *name)
{
	int i;

	for (i = LOG_LV_DEBUG; i <= LOG_LV_ERROR; i++)
		if (!strcmp(log_level_name((enum log_level)i), name))
			return i;
	return -1;
}

const char *logline_number(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	uint64_t v;

	if (!strncmp(text, prefix, n))
		text += n;
	return num_parse(span_str(text), 0, UINT64_MAX, &v) < 0 ? NULL : text;
}

/* Sets level to that of the line; false if the line is none of ours. */
static bool level_of(struct span line, enum log_level *ret)
{
	struct span v = logline_get(line, "level");
	char name[8];
	int level;

	if (!v.n || str_copy(name, sizeof(name), v) < 0)
		return false;
	level = logline_level(name);
	if (level < 0)
		return false;
	*ret = (enum log_level)level;
	return true;
}

static bool is_since(const char *since, struct span when)
{
	size_t n = strlen(since);
	int r = memcmp(when.p, since, when.n < n ? when.n : n);

	return r > 0 || (r == 0 && when.n >= n);
}

bool logline_chosen(const struct logline_filter *f, struct span line,
		    bool *last)
{
	enum log_level level;
	struct span when;

	if (!level_of(line, &level))
		return *last;
	when = logline_get(line, "time");
	*last = level >= f->level &&
		(!f->since[0] || (when.n && is_since(f->since, when))) &&
		(!f->vm || span_is(logline_get(line, "vm"), f->vm)) &&
		(!f->item || span_is(logline_get(line, "item"), f->item));
	return *last;
}

/* Whether the text is the beginning of a time, to the day at least. */
static bool is_time(const char *text)
{
	static const char like[] = "0000-00-00T00:00:00.000";
	size_t n = strlen(text), i;

	if (n < 10 || n > sizeof(like) - 1)
		return false;
	for (i = 0; i < n; i++)
		if (like[i] == '0' ? text[i] < '0' || text[i] > '9'
				   : text[i] != like[i])
			return false;
	return true;
}

int logline_since(const char *text, int64_t now_s, char dst[LOG_TIME])
{
	struct timespec t = { 0 };
	size_t n = strlen(text);
	uint64_t ago;

	if (value_duration(text, &ago) == 0) {
		t.tv_sec = ago < (uint64_t)now_s ? now_s - (int64_t)ago : 0;
		log_time(dst, &t);
		dst[strlen(dst) - 1] = 0; /* the Z: this is a beginning */
		return 0;
	}
	if (n && text[n - 1] == 'Z')
		n--;
	if (str_copy(dst, LOG_TIME, span_of(text, n)) < 0 || !is_time(dst))
		return -1;
	return 0;
}
