/*
 * zone: times of zones whose files are written here, against what their rules
 * say; the system's own zones against the C library; damage at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "conf/zoneinfo.h"
#include "policy/zone.h"

static void be32(struct buf *b, uint32_t v)
{
	buf_u8(b, (uint8_t)(v >> 24));
	buf_u8(b, (uint8_t)(v >> 16));
	buf_u8(b, (uint8_t)(v >> 8));
	buf_u8(b, (uint8_t)v);
}

static void head(struct buf *b, uint32_t times)
{
	static const uint8_t none[15];

	buf_str(b, "TZif2");
	buf_put(b, none, sizeof(none));
	be32(b, 0);
	be32(b, 0);
	be32(b, 0);
	be32(b, times);
	be32(b, 2);
	be32(b, 8);
}

/* Two offsets, and one change to the second of them at `at`. */
static void file_of(struct buf *b, int64_t at, const char *rule)
{
	int block;

	buf_init(b, ZONE_BYTES);
	for (block = 0; block < 2; block++) {
		head(b, 1);
		if (block)
			be32(b, (uint32_t)((uint64_t)at >> 32));
		be32(b, (uint32_t)at);
		buf_u8(b, 1);
		be32(b, (uint32_t)-1800);
		buf_u16(b, 0);
		be32(b, 3600);
		buf_u16(b, 4 << 8);
		buf_put(b, "LMT\0CET", 8);
	}
	buf_printf(b, "\n%s\n", rule);
}

static void offsets(void **)
{
	static const struct {
		const char *rule;
		int64_t at;
		int32_t want;
	} rows[] = {
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 999, -1800 },
		/* 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792889999, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 3600 },
		{ "EST5EDT,M3.2.0,M11.1.0", 1783000000, -14400 },
		{ "EST5EDT,M3.2.0,M11.1.0", 1767225600, -18000 },
		/* the south: summer over the new year */
		{ "NZST-12NZDT,M9.5.0,M4.1.0/3", 1767225600, 46800 },
		{ "NZST-12NZDT,M9.5.0,M4.1.0/3", 1783000000, 43200 },
		{ "<+0330>-3:30", 1783000000, 12600 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1783000000, -3600 },
		{ "XXX0YYY,J60,J300", 1772323200, 0 }, /* 2026-03-01 00:00 */
		{ "XXX0YYY,J60,J300", 1772330400, 3600 },
		{ "XXX0YYY,59,300", 1772330400, 3600 },
		{ "", 1783000000, 3600 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;
		struct zone *z = NULL;

		file_of(&b, 1000, rows[i].rule);
		assert_int_equal(zone_parse(buf_view(&b), &z), 0);
		if (zone_offset(z, rows[i].at) != rows[i].want)
			fail_msg("%s at %lld: %d", rows[i].rule,
				 (long long)rows[i].at,
				 zone_offset(z, rows[i].at));
		zone_free(z);
	}
}

static void refused_rules(void **)
{
	static const char *const rules[] = {
		"CE-1",
		"CET",
		"CET-1CEST",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/168",
		"CET-1CEST,J0,J300",
		"CET-1CEST,J366,J300",
		"CET-1CEST,366,300",
		"CET-27",
		"CET-1:60",
		"<+01-1",
		"CET-1CEST,M3.5.0,M10.5.0 ",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		CLEAN_BUF struct buf b;
		struct zone *z = NULL;

		file_of(&b, 1000, rules[i]);
		if (zone_parse(buf_view(&b), &z) != -EINVAL)
			fail_msg("passed: %s", rules[i]);
	}
}

/* No byte less, none more, no wrong type, no times out of order. */
static void damage(void **)
{
	CLEAN_BUF struct buf b;
	struct zone *z = NULL;
	size_t n;

	file_of(&b, 1000, "CET-1CEST,M3.5.0,M10.5.0/3");
	for (n = 0; n < b.n; n++)
		assert_int_equal(zone_parse(buf_part(&b, 0, n), &z), -EINVAL);
	for (n = 0; n < b.n; n++) {
		b.p[n] ^= 0xff;
		if (zone_parse(buf_view(&b), &z) == 0) {
			(void)zone_week_minute(z, 1783000000);
			zone_free(z);
		}
		b.p[n] ^= 0xff;
	}
	buf_u8(&b, '\n');
	assert_int_equal(zone_parse(buf_view(&b), &z), -EINVAL);
	assert_int_equal(zone_parse(SPAN_LIT("TZif1"), &z), -EINVAL);
}

/* A wrong type, and then a name where the line feed should be: it ends. */
static void ends(void **)
{
	static const char rule[] = "CET-1";
	CLEAN_BUF struct buf b;
	struct zone *z = NULL;
	size_t feed;

	file_of(&b, 1000, rule);
	feed = b.n - strlen(rule) - 2;
	b.p[feed] = 'A';
	b.p[feed - (8 + 2 * 6 + 1)] = 9;
	assert_int_equal(zone_parse(buf_view(&b), &z), -EINVAL);
}

static void week(void **)
{
	struct zone *z = NULL;

	assert_int_equal(zone_utc(&z), 0);
	/* 1970-01-01 was a Thursday, 2026-11-23 a Monday */
	assert_int_equal(zone_week_minute(z, 0), 3 * 1440);
	assert_int_equal(zone_week_minute(z, 1795392000), 0);
	assert_int_equal(zone_week_minute(z, 1795391999), 7 * 1440 - 1);
	assert_int_equal(zone_week_minute(z, -1), 3 * 1440 - 1);
	assert_int_equal(zone_week_minute(z, INT64_C(1) << 60) < 7 * 1440, 1);
	zone_free(z);
}

static void names(void **)
{
	assert_true(zone_name_ok("Europe/Paris"));
	assert_true(zone_name_ok("America/Argentina/Buenos_Aires"));
	assert_true(zone_name_ok("Etc/GMT+5"));
	assert_false(zone_name_ok(""));
	assert_false(zone_name_ok("/Europe/Paris"));
	assert_false(zone_name_ok("Europe//Paris"));
	assert_false(zone_name_ok("Europe/"));
	assert_false(zone_name_ok("Europe/../etc"));
	assert_false(zone_name_ok("A/B/C/D"));
	assert_false(zone_name_ok("posixrules"));
}

/* Every zone that is here, as the C library has it: to 2100, each week. */
static void as_the_library(void **)
{
	static const char *const zones[] = {
		"Europe/Paris",	    "Europe/Berlin",	   "America/New_York",
		"Asia/Kolkata",	    "Australia/Lord_Howe", "Africa/Casablanca",
		"America/Nuuk",	    "Pacific/Apia",	   "Asia/Tehran",
		"Antarctica/Troll", "Europe/Dublin",
	};
	size_t i, compared = 0;

	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		CLEAN_BUF struct buf b;
		struct zone *z = NULL;
		time_t t;

		buf_init(&b, ZONE_BYTES);
		if (conf_zone_read(NULL, zones[i], &b) < 0)
			continue;
		assert_int_equal(zone_parse(buf_view(&b), &z), 0);
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		for (t = 86400; t < 4102444800; t += 555555) {
			struct tm tm;

			if (!localtime_r(&t, &tm))
				continue;
			if (zone_offset(z, t) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", zones[i],
					 (long long)t, zone_offset(z, t),
					 tm.tm_gmtoff);
			assert_int_equal(zone_week_minute(z, t),
					 (tm.tm_wday + 6) % 7 * 1440 +
						 tm.tm_hour * 60 + tm.tm_min);
		}
		compared++;
		zone_free(z);
	}
	if (!compared)
		skip();
}

/* Each minute of each day is once, and the days follow one another. */
static void each_day(void **)
{
	/* 2026: forward on March 29, day 20541, at 01:00Z, back on October 25,
	 * day 20751, at 01:00Z. */
	static const struct {
		int64_t day;
		uint32_t minute;
		int64_t at;
	} rows[] = {
		{ 20540, 150, INT64_C(20540) * 86400 + INT64_C(90) * 60 },
		{ 20541, 90, INT64_C(20541) * 86400 + INT64_C(30) * 60 },
		{ 20541, 150, INT64_C(20541) * 86400 + INT64_C(90) * 60 },
		{ 20541, 210, INT64_C(20541) * 86400 + INT64_C(90) * 60 },
		{ 20542, 150, INT64_C(20542) * 86400 + INT64_C(30) * 60 },
		{ 20751, 90, INT64_C(20750) * 86400 + INT64_C(1410) * 60 },
		{ 20751, 150, INT64_C(20751) * 86400 + INT64_C(30) * 60 },
		{ 20751, 240, INT64_C(20751) * 86400 + INT64_C(180) * 60 },
		{ 20752, 150, INT64_C(20752) * 86400 + INT64_C(90) * 60 },
	};
	CLEAN_BUF struct buf b = { 0 };
	struct zone *z = NULL;
	uint32_t minute;
	int64_t day;
	size_t i;

	file_of(&b, 0, "CET-1CEST,M3.5.0,M10.5.0/3");
	assert_int_equal(zone_parse(buf_view(&b), &z), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(zone_at(z, rows[i].day, rows[i].minute),
				 rows[i].at);
	for (minute = 0; minute < 1440; minute += 30)
		for (day = 20454; day < 20454 + 730; day++) {
			int64_t at = zone_at(z, day, minute);

			assert_int_equal(zone_day(z, at), day);
			assert_true(at < zone_at(z, day + 1, minute));
		}
	assert_int_equal(zone_day(z, -4000), -1);
	zone_free(z);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets),
		cmocka_unit_test(refused_rules),
		cmocka_unit_test(damage),
		cmocka_unit_test(ends),
		cmocka_unit_test(week),
		cmocka_unit_test(names),
		cmocka_unit_test(as_the_library),
		cmocka_unit_test(each_day),
	};

	return cmocka_run_group_tests_name("policy/zone", tests, NULL, NULL);
}
