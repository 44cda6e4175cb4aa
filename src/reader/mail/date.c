/*
 * date: see date.h. The words of a date are told apart by their form, not by
 * their place, so that a missing day of the week, a comma too many, the order
 * of asctime() and dashes all read the same.
 */
#include "reader/mail/date.h"

#include "reader/mail/lex.h"

enum { UNSET = -1 };

struct date {
	int year, month, day;
	int hour, minute, second;
	int zone; /* minutes */
};

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

/* Up to four digits at the cursor; UNSET if there are none, or more. */
static int number(struct lex *l, size_t *digits)
{
	int v = 0;

	*digits = 0;
	while (lex_is_digit(lex_peek(l))) {
		if (++*digits <= 4)
			v = v * 10 + (lex_peek(l) - '0');
		l->pos++;
	}
	return *digits >= 1 && *digits <= 4 ? v : UNSET;
}

/* The hour was read, the colon is next. */
static void time_of_day(struct lex *l, int hour, struct date *d)
{
	size_t digits;

	d->hour = hour;
	l->pos++;
	lex_skip(l, NULL);
	d->minute = number(l, &digits);
	d->second = 0;
	lex_skip(l, NULL);
	if (lex_peek(l) != ':')
		return;
	l->pos++;
	lex_skip(l, NULL);
	d->second = number(l, &digits);
	/* a leap second is no time elsewhere */
	if (d->second == 60)
		d->second = 59;
	if (lex_peek(l) == '.') {
		l->pos++;
		(void)number(l, &digits);
	}
}

/* A sign and four digits, behind the time. */
static void zone_number(struct lex *l, struct date *d)
{
	bool minus = lex_peek(l) == '-';
	size_t digits;
	int v;

	l->pos++;
	v = number(l, &digits);
	if (digits == 2)
		v *= 100;
	if (digits == 2 && lex_peek(l) == ':') {
		l->pos++;
		v += number(l, &digits);
	}
	if (v == UNSET || (digits != 4 && digits != 2) || v / 100 > 23 ||
	    v % 100 > 59)
		return;
	d->zone = v / 100 * 60 + v % 100;
	if (minus)
		d->zone = -d->zone;
}

static bool month_name(struct span s, struct date *d)
{
	for (int i = 0; s.n >= 3 && i < 12; i++) {
		bool same = true;

		for (int k = 0; k < 3; k++)
			same &= lex_lower(s.p[k]) == (uint8_t)months[i * 3 + k];
		if (same) {
			d->month = i + 1;
			return true;
		}
	}
	return false;
}

/* Names of months and zones, halves of the day; days of the week are none. */
static void name(struct lex *l, struct date *d)
{
	static const struct {
		const char *name;
		int zone;
	} zones[] = {
		{ "est", -300 }, { "edt", -240 }, { "cst", -360 },
		{ "cdt", -300 }, { "mst", -420 }, { "mdt", -360 },
		{ "pst", -480 }, { "pdt", -420 },
	};
	size_t from = l->pos;
	struct span s;

	while (lex_is_alpha(lex_peek(l)))
		l->pos++;
	s = span_of(l->s.p + from, l->pos - from);
	if (d->month == UNSET && month_name(s, d))
		return;
	if (lex_same(s, "pm") && d->hour >= 1 && d->hour < 12)
		d->hour += 12;
	if (lex_same(s, "am") && d->hour == 12)
		d->hour = 0;
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		if (lex_same(s, zones[i].name))
			d->zone = zones[i].zone;
	}
}

static int full_year(int v, size_t digits)
{
	if (digits == 2)
		return v < 50 ? v + 2000 : v + 1900;
	return digits == 3 ? v + 1900 : v;
}

/* A number that is no time: a year first, or a day, then the rest. */
static void number_token(struct lex *l, struct date *d)
{
	size_t digits;
	int v = number(l, &digits);

	lex_skip(l, NULL);
	if (lex_peek(l) == ':' && d->hour == UNSET)
		time_of_day(l, v, d);
	else if (d->year == UNSET &&
		 (digits > 2 || (digits == 2 && d->day != UNSET)))
		d->year = full_year(v, digits);
	else if (d->month == UNSET && d->year != UNSET)
		d->month = v;
	else if (d->day == UNSET)
		d->day = digits <= 2 ? v : UNSET;
}

static void token(struct lex *l, struct date *d)
{
	uint8_t c = lex_peek(l);

	if (lex_is_digit(c))
		number_token(l, d);
	else if ((c == '+' || c == '-') && d->hour != UNSET)
		zone_number(l, d);
	else if (lex_is_alpha(c))
		name(l, d);
	else
		l->pos += !lex_end(l);
}

static int month_days(int year, int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool is_date(const struct date *d)
{
	return d->year >= 1000 && d->month >= 1 && d->month <= 12 &&
	       d->day >= 1 && d->day <= month_days(d->year, d->month) &&
	       d->hour >= 0 && d->hour < 24 && d->minute >= 0 &&
	       d->minute < 60 && d->second >= 0 && d->second < 60;
}

static uint8_t *digits_put(uint8_t *p, unsigned int v, size_t n, char behind)
{
	for (size_t i = n; i-- > 0; v /= 10)
		p[i] = (uint8_t)('0' + v % 10);
	if (behind)
		p[n++] = (uint8_t)behind;
	return p + n;
}

bool date_rfc3339(struct span field, uint8_t ret[DATE_TEXT])
{
	struct date d = { UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, 0 };
	struct lex l = { field, 0 };
	unsigned int zone;
	uint8_t *p = ret;

	for (size_t i = 0; i < DATE_TOKENS_MAX && !lex_end(&l); i++) {
		lex_skip(&l, NULL);
		token(&l, &d);
	}
	if (!is_date(&d))
		return false;
	zone = (unsigned int)(d.zone < 0 ? -d.zone : d.zone);
	p = digits_put(p, (unsigned int)d.year, 4, '-');
	p = digits_put(p, (unsigned int)d.month, 2, '-');
	p = digits_put(p, (unsigned int)d.day, 2, 'T');
	p = digits_put(p, (unsigned int)d.hour, 2, ':');
	p = digits_put(p, (unsigned int)d.minute, 2, ':');
	p = digits_put(p, (unsigned int)d.second, 2, d.zone < 0 ? '-' : '+');
	p = digits_put(p, zone / 60, 2, ':');
	(void)digits_put(p, zone % 60, 2, 0);
	return true;
}
