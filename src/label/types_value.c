/*
 * types_value: handles, points in time and amounts of money.
 */
#include <string.h>

#include "base/str.h"
#include "label/types_inner.h"

static const char not_a_time[] =
	"is not a time as 2026-11-20T09:14:00Z or with an offset";

const char *canon_handle(struct span v, struct buf *out)
{
	static const char why[] = "is not a handle, @12 or @12.field";
	size_t n, i;

	if (v.n < 2 || v.p[0] != '@' || v.p[1] == '0')
		return why;
	n = type_digits(skip(v, 1));
	if (!n || n > HANDLE_DIGITS)
		return why;
	buf_span(out, v);
	v = skip(v, n + 1);
	if (!v.n)
		return NULL;
	if (v.p[0] != '.' || v.n < 2 || v.n > HANDLE_FIELD_MAX + 1 ||
	    v.p[1] < 'a' || v.p[1] > 'z')
		return why;
	for (i = 1; i < v.n; i++)
		if (v.p[i] != '_' &&
		    (!is_alnum(v.p[i]) || v.p[i] != lower(v.p[i])))
			return why;
	return NULL;
}

/* datetime */

/* Digits and marks as in a pattern of 0 (any digit), other bytes themselves. */
static bool shaped(struct span v, const char *pattern)
{
	size_t i;

	for (i = 0; pattern[i]; i++) {
		if (i >= v.n)
			return false;
		if (pattern[i] == '0' ? v.p[i] < '0' || v.p[i] > '9'
				      : v.p[i] != (uint8_t)pattern[i])
			return false;
	}
	return true;
}

static int64_t two(struct span v, size_t at)
{
	return (v.p[at] - '0') * 10 + (v.p[at + 1] - '0');
}

static int64_t days_in(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01 to a day of the years 0 to 9999. */
static int64_t days_until(int64_t year, int64_t month, int64_t day)
{
	/* March begins the year, so that the leap day ends it. */
	int64_t y = month <= 2 ? year + 399 : year + 400;
	int64_t m = (month + 9) % 12;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day -
	       1 - 719468 - 146097;
}

/* Seconds since 1970 of "2026-11-20T09:14:00", or false. */
static bool civil_seconds(struct span v, int64_t *ret)
{
	int64_t year = two(v, 0) * 100 + two(v, 2), month = two(v, 5);
	int64_t day = two(v, 8), hour = two(v, 11), minute = two(v, 14);
	int64_t second = two(v, 17);

	if (month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;
	*ret = days_until(year, month, day) * 86400 + hour * 3600 +
	       minute * 60 + second;
	return true;
}

/* "Z" or "+01:00" as seconds east, or false. */
static bool offset_of(struct span v, int64_t *ret)
{
	*ret = 0;
	if (v.n == 1 && lower(v.p[0]) == 'z')
		return true;
	if (v.n != 6 || (v.p[0] != '+' && v.p[0] != '-') ||
	    !shaped(skip(v, 1), "00:00") || two(v, 1) > 23 || two(v, 4) > 59)
		return false;
	*ret = two(v, 1) * 3600 + two(v, 4) * 60;
	if (v.p[0] == '-')
		*ret = -*ret;
	return true;
}

void type_put_datetime(struct buf *out, int64_t seconds)
{
	int64_t days = seconds / 86400, left = seconds % 86400;
	int64_t year, month = 1;

	if (left < 0) {
		left += 86400;
		days--;
	}
	year = 1970 + (days < 0 ? days / 365 - 1 : days / 366);
	while (days_until(year + 1, 1, 1) <= days)
		year++;
	days -= days_until(year, 1, 1);
	while (days >= days_in(year, month))
		days -= days_in(year, month++);
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month,
		   (int)days + 1, (int)(left / 3600), (int)(left / 60 % 60),
		   (int)(left % 60));
}

const char *canon_datetime(struct span v, struct buf *out)
{
	static const char form[] = "0000-00-00T00:00:00";
	enum { FORM = sizeof(form) - 1 };
	struct span part = { 0 };
	int64_t seconds, east;
	uint8_t head[FORM];

	if (v.n <= FORM)
		return not_a_time;
	memcpy(head, v.p, FORM);
	head[10] = head[10] == 't' ? 'T' : head[10];
	if (!shaped(span_of(head, FORM), form) ||
	    !civil_seconds(span_of(head, FORM), &seconds))
		return not_a_time;
	v = skip(v, FORM);
	if (v.p[0] == '.') {
		part = span_of(v.p + 1, type_digits(skip(v, 1)));
		if (!part.n || part.n > NUMBER_DIGITS)
			return not_a_time;
		v = skip(v, part.n + 1);
	}
	if (!offset_of(v, &east))
		return not_a_time;
	seconds -= east;
	if (seconds < days_until(1, 1, 1) * 86400 ||
	    seconds >= days_until(10000, 1, 1) * 86400)
		return not_a_time;
	type_put_datetime(out, seconds);
	while (part.n && part.p[part.n - 1] == '0')
		part.n--;
	if (part.n) {
		buf_str(out, ".");
		buf_span(out, part);
	}
	buf_str(out, "Z");
	return NULL;
}

int64_t datetime_seconds(struct span canonical)
{
	int64_t seconds = 0;

	(void)(canonical.n > 19 && civil_seconds(canonical, &seconds));
	return seconds;
}

/* money */

/* ISO 4217, by how many digits stand behind the point. */
static const char *const currencies[] = {
	[0] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF "
	      "XPF",
	[2] = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND "
	      "BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK "
	      "DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
	      "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
	      "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
	      "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON "
	      "RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
	      "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD "
	      "YER ZAR ZMW",
	[3] = "BHD IQD JOD KWD LYD OMR TND",
};

int type_minor_digits(struct span code)
{
	size_t i, k;

	for (i = 0; code.n >= 3 && i < ARRAY_SIZE(currencies); i++)
		for (k = 0; currencies[i] && k < strlen(currencies[i]); k += 4)
			if (!memcmp(currencies[i] + k, code.p, 3))
				return (int)i;
	return -1;
}

const char *canon_money(struct span v, struct buf *out)
{
	static const char why[] = "is not an amount of money as EUR 12.50";
	int minor = v.n > 4 && v.p[3] == ' ' ? type_minor_digits(v) : -1;
	struct span whole, part = { 0 };
	size_t n;

	if (minor < 0)
		return why;
	whole = skip(v, 4);
	n = type_digits(whole);
	if (!n || n > MONEY_DIGITS || (n > 1 && whole.p[0] == '0'))
		return why;
	if (n < whole.n) {
		part = skip(whole, n + 1);
		if (whole.p[n] != '.' || !part.n || part.n > (size_t)minor ||
		    type_digits(part) != part.n)
			return why;
	}
	buf_put(out, v.p, 4 + n);
	if (minor)
		buf_str(out, ".");
	buf_span(out, part);
	for (n = part.n; n < (size_t)minor; n++)
		buf_str(out, "0");
	return NULL;
}

int64_t money_minor(struct span canonical)
{
	int64_t v = 0;
	size_t i;

	for (i = 4; i < canonical.n; i++)
		if (canonical.p[i] != '.')
			v = v * 10 + (canonical.p[i] - '0');
	return v;
}

struct span type_currency(struct span canonical)
{
	return span_of(canonical.p, canonical.n < 3 ? canonical.n : 3);
}
