/*
 * zone: see zone.h. A file has the times at which the offset changed, and for
 * the time behind the last of them a rule in the words of POSIX:
 * "CET-1CEST,M3.5.0,M10.5.0/3". Both are read here and nothing else of it.
 */
#include "policy/zone.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rd.h"

enum {
	DAY_S = 86400,
	WEEK_M = 7 * 1440,
	THURSDAY_M = 3 * 1440,
	V1_TIME = 4, /* bytes of a time in the first block, */
	V2_TIME = 8, /* and in the second */
	OFFSET_MAX = 26 * 3600,
	RULE_HOURS = 167,
};

enum rule_kind { RULE_JULIAN, RULE_DAY, RULE_MONTH };

/* The day of the year on which the offset changes, and when on that day. */
struct change {
	enum rule_kind kind;
	int month, week, day;
	int32_t time_s;
};

struct zone {
	size_t n, n_types;
	int64_t at[ZONE_TRANSITIONS];
	uint8_t type[ZONE_TRANSITIONS];
	int32_t offset[ZONE_TYPES];
	bool ruled, summer; /* a rule, and one that changes twice a year */
	int32_t rule_offset, summer_offset;
	struct change begin, end;
};

bool zone_name_ok(const char *name)
{
	size_t i, words = 1, n = strlen(name);

	if (n > ZONE_NAME_MAX || name[0] < 'A' || name[0] > 'Z' ||
	    name[n - 1] == '/')
		return false;
	for (i = 0; i < n; i++) {
		char c = name[i];

		if (c == '/') {
			if (++words > 3 || name[i - 1] == '/')
				return false;
			continue;
		}
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && !strchr("_+-", c))
			return false;
	}
	return true;
}

/* numbers in a file: the greatest byte first */

static uint32_t be32(struct rd *rd)
{
	struct span b = rd_bytes(rd, 4);

	if (rd->bad)
		return 0;
	return (uint32_t)b.p[0] << 24 | (uint32_t)b.p[1] << 16 |
	       (uint32_t)b.p[2] << 8 | b.p[3];
}

static int64_t be64(struct rd *rd)
{
	uint64_t high = be32(rd);

	return (int64_t)(high << 32 | be32(rd));
}

struct header {
	uint32_t isut, isstd, leap, times, types, chars;
};

static void read_header(struct rd *rd, struct header *h)
{
	struct span magic = rd_bytes(rd, 4);
	uint8_t version = rd_u8(rd);

	(void)rd_bytes(rd, 15);
	h->isut = be32(rd);
	h->isstd = be32(rd);
	h->leap = be32(rd);
	h->times = be32(rd);
	h->types = be32(rd);
	h->chars = be32(rd);
	if (rd->bad || !span_is(magic, "TZif") || version < '2' ||
	    h->isut > ZONE_TYPES || h->isstd > ZONE_TYPES || h->leap > 1024 ||
	    h->times > ZONE_TRANSITIONS || h->types > ZONE_TYPES ||
	    h->chars > 2048)
		rd->bad = true;
}

/* The block of the old format: there, and of no use. */
static void skip_block(struct rd *rd, const struct header *h)
{
	if (!rd->bad)
		(void)rd_bytes(rd, (size_t)h->times * (V1_TIME + 1) +
					   (size_t)h->types * 6 + h->chars +
					   (size_t)h->leap * (V1_TIME + 4) +
					   h->isstd + h->isut);
}

static void read_block(struct rd *rd, const struct header *h, struct zone *z)
{
	size_t i;

	z->n = h->times;
	z->n_types = h->types;
	for (i = 0; i < z->n; i++) {
		z->at[i] = be64(rd);
		if (i && z->at[i] <= z->at[i - 1])
			rd->bad = true;
	}
	for (i = 0; i < z->n; i++) {
		z->type[i] = rd_u8(rd);
		if (z->type[i] >= z->n_types)
			rd->bad = true;
	}
	for (i = 0; i < z->n_types; i++) {
		z->offset[i] = (int32_t)be32(rd);
		if (z->offset[i] > OFFSET_MAX || z->offset[i] < -OFFSET_MAX)
			rd->bad = true;
		(void)rd_bytes(rd, 2);
	}
	(void)rd_bytes(rd, h->chars + (size_t)h->leap * (V2_TIME + 4) +
				   h->isstd + h->isut);
}

/* the rule */

static uint8_t peek(const struct rd *rd)
{
	return rd->pos < rd->n ? rd->p[rd->pos] : 0;
}

static bool take(struct rd *rd, char c)
{
	if (peek(rd) != (uint8_t)c)
		return false;
	(void)rd_u8(rd);
	return true;
}

static int number(struct rd *rd, int most)
{
	int v = 0, digits = 0;

	while (peek(rd) >= '0' && peek(rd) <= '9' && digits < 4) {
		v = v * 10 + rd_u8(rd) - '0';
		digits++;
	}
	if (!digits || v > most)
		rd->bad = true;
	return rd->bad ? 0 : v;
}

/* "<+0330>" or "CET": three bytes and more. */
static void rule_name(struct rd *rd)
{
	bool quoted = take(rd, '<');
	size_t n = 0;

	for (; !rd->bad && rd->pos < rd->n; n++) {
		uint8_t c = peek(rd);
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(quoted && c && c != '>'))
			break;
		(void)rd_u8(rd);
	}
	if (n < 3 || (quoted && !take(rd, '>')))
		rd->bad = true;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static int32_t rule_time(struct rd *rd)
{
	bool minus = take(rd, '-');
	int32_t v;

	if (!minus)
		(void)take(rd, '+');
	v = number(rd, RULE_HOURS) * 3600;
	if (take(rd, ':'))
		v += number(rd, 59) * 60;
	if (take(rd, ':'))
		v += number(rd, 59);
	return minus ? -v : v;
}

/* Offsets are written west of Greenwich. */
static int32_t rule_offset(struct rd *rd)
{
	int32_t v = -rule_time(rd);

	if (v > OFFSET_MAX || v < -OFFSET_MAX)
		rd->bad = true;
	return v;
}

static struct change rule_change(struct rd *rd)
{
	struct change c = { .time_s = 2 * 3600 };

	if (!take(rd, ','))
		rd->bad = true;
	if (take(rd, 'M')) {
		c.kind = RULE_MONTH;
		c.month = number(rd, 12);
		rd->bad |= !take(rd, '.') || !c.month;
		c.week = number(rd, 5);
		rd->bad |= !take(rd, '.') || !c.week;
		c.day = number(rd, 6);
	} else if (take(rd, 'J')) {
		c.kind = RULE_JULIAN;
		c.day = number(rd, 365);
		rd->bad |= !c.day;
	} else {
		c.kind = RULE_DAY;
		c.day = number(rd, 365);
	}
	if (take(rd, '/'))
		c.time_s = rule_time(rd);
	return c;
}

/* The line feed, the rule (which may be empty), a line feed, the end. */
static void read_rule(struct rd *rd, struct zone *z)
{
	if (!take(rd, '\n') || rd_left(rd) > ZONE_RULE_MAX)
		rd->bad = true;
	if (take(rd, '\n'))
		return;
	z->ruled = true;
	rule_name(rd);
	z->rule_offset = z->summer_offset = rule_offset(rd);
	if (!take(rd, '\n')) {
		z->summer = true;
		rule_name(rd);
		z->summer_offset = z->rule_offset + 3600;
		if (peek(rd) != ',')
			z->summer_offset = rule_offset(rd);
		z->begin = rule_change(rd);
		z->end = rule_change(rd);
		rd->bad |= !take(rd, '\n');
	}
}

int zone_parse(struct span tzif, struct zone **ret)
{
	struct header h = { 0 };
	struct zone *z;
	struct rd rd;

	if (tzif.n > ZONE_BYTES)
		return -EINVAL;
	z = calloc(1, sizeof(*z));
	if (!z)
		return -ENOMEM;
	rd_init(&rd, tzif);
	read_header(&rd, &h);
	skip_block(&rd, &h);
	read_header(&rd, &h);
	if (!rd.bad && h.types)
		read_block(&rd, &h, z);
	else
		rd.bad = true;
	if (!rd.bad)
		read_rule(&rd, z);
	if (!rd_end(&rd)) {
		free(z);
		return -EINVAL;
	}
	*ret = z;
	return 0;
}

int zone_utc(struct zone **ret)
{
	struct zone *z = calloc(1, sizeof(*z));

	if (!z)
		return -ENOMEM;
	z->ruled = true;
	*ret = z;
	return 0;
}

void zone_free(struct zone *z)
{
	free(z);
}

/* days of years by the rule; years are counted from 1 */

static bool leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int64_t year_start(int64_t y)
{
	y--;
	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static int64_t year_of(int64_t day)
{
	int64_t y = (day + 719162) / 366 + 1;

	while (year_start(y + 1) <= day)
		y++;
	return y;
}

/* The seconds since 1970 of a change in that year, by the clock of before. */
static int64_t change_at(const struct change *c, int64_t y)
{
	static const uint16_t before[] = { 0,	31,  59,  90,  120, 151, 181,
					   212, 243, 273, 304, 334, 365 };
	int64_t first, day = year_start(y), length;

	if (c->kind == RULE_DAY) {
		day += c->day;
	} else if (c->kind == RULE_JULIAN) {
		day += c->day - 1 + (leap(y) && c->day > 59);
	} else {
		first = day + before[c->month - 1] + (leap(y) && c->month > 2);
		length = before[c->month] - before[c->month - 1] +
			 (leap(y) && c->month == 2);
		/* 1970-01-01 was a Thursday; Sunday is 0 */
		day = first + (c->day - (first % 7 + 7 + 4) % 7 + 7) % 7;
		day += (int64_t)(c->week - 1) * 7;
		while (day >= first + length)
			day -= 7;
	}
	return day * DAY_S + c->time_s;
}

static int32_t offset_by_rule(const struct zone *z, int64_t t)
{
	int64_t y, begin, end;

	if (!z->summer)
		return z->rule_offset;
	y = year_of((t + z->rule_offset) / DAY_S);
	begin = change_at(&z->begin, y) - z->rule_offset;
	end = change_at(&z->end, y) - z->summer_offset;
	if (begin < end)
		return t >= begin && t < end ? z->summer_offset
					     : z->rule_offset;
	return t >= end && t < begin ? z->rule_offset : z->summer_offset;
}

int32_t zone_offset(const struct zone *z, int64_t utc_s)
{
	size_t low = 0, high = z->n;

	/* A time that no calendar of ours has: no rule is asked. */
	if (utc_s < 0 || utc_s > INT64_C(253402300799))
		return z->n_types ? z->offset[0] : z->rule_offset;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->at[mid] <= utc_s)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->n && z->ruled)
		return offset_by_rule(z, utc_s);
	return z->offset[low ? z->type[low - 1] : 0];
}

uint32_t zone_week_minute(const struct zone *z, int64_t utc_s)
{
	int64_t local = utc_s + zone_offset(z, utc_s);
	int64_t minute = local / 60 - (local % 60 < 0);

	/* Thursday is the fourth day of a week that begins on Monday. */
	minute = (minute % WEEK_M + THURSDAY_M) % WEEK_M;
	return (uint32_t)(minute < 0 ? minute + WEEK_M : minute);
}

int64_t zone_day(const struct zone *z, int64_t utc_s)
{
	int64_t local = utc_s + zone_offset(z, utc_s);

	return local / DAY_S - (local % DAY_S < 0);
}

int64_t zone_at(const struct zone *z, int64_t day, uint32_t minute)
{
	const int64_t local = day * DAY_S + (int64_t)minute * 60;
	/* Changes of the clock are further apart than two days. */
	const int64_t before = local - zone_offset(z, local - DAY_S);
	const int64_t after = local - zone_offset(z, local + DAY_S);

	if (before + zone_offset(z, before) == local)
		return before;
	return after + zone_offset(z, after) == local ? after : before;
}
