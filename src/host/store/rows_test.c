/*
 * rows_test: the broker's own rows, seen from the broker: what is put together
 * is there together, over a kill too; each bound refuses and changes nothing;
 * a database without the table gets it.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "db.h"
#include "rig.h"

static struct rig r;
static struct m_r_put rows_put; /* gathered */

static int setup(void **)
{
	r = (struct rig){ 0 };
	rig_dir(&r);
	if (!rig_start(&r))
		fail_msg("%s", r.why);
	return 0;
}

static int teardown(void **)
{
	rig_done(&r);
	return 0;
}

static void restart(void)
{
	rig_kill(&r);
	if (!rig_start(&r))
		fail_msg("%s", r.why);
}

static void add(unsigned kind, const char *key, struct span value)
{
	rows_put.rows[rows_put.n++] =
		(struct m_r_row){ (uint8_t)kind, span_str(key), value };
}

static enum msg_type put(void)
{
	r.out.r_put = rows_put;
	rows_put.n = 0;
	return rig_ask(&r, MSG_R_PUT);
}

static enum msg_type put_one(unsigned kind, const char *key, const char *value)
{
	add(kind, key, span_str(value));
	return put();
}

/* All rows of a kind: "a=1 b=2 ". */
static const char *rows(unsigned kind)
{
	static char text[512];
	uint8_t after[LIMIT_ROW_KEY];
	size_t n = 0, at = 0;

	text[0] = 0;
	for (;;) {
		r.out.r_next =
			(struct m_r_next){ (uint8_t)kind, span_of(after, n) };
		if (rig_ask(&r, MSG_R_NEXT) != MSG_R_ROW)
			break;
		assert_int_equal(r.in.r_row.kind, kind);
		n = r.in.r_row.key.n;
		memcpy(after, r.in.r_row.key.p, n);
		at += (size_t)str_printf(
			text + at, sizeof(text) - at, "%.*s=%.*s ", (int)n,
			(const char *)after, (int)r.in.r_row.value.n,
			(const char *)r.in.r_row.value.p);
	}
	assert_int_equal(r.in.type, MSG_S_NONE);
	return text;
}

static void test_put_and_walk(void **)
{
	assert_string_equal(rows(ROW_STATE), "");
	assert_int_equal(put_one(ROW_STATE, "b", "2"), MSG_S_OK);
	assert_int_equal(put_one(ROW_STATE, "a", "1"), MSG_S_OK);
	assert_int_equal(put_one(ROW_STATE, "aa", "3"), MSG_S_OK);
	assert_int_equal(put_one(ROW_TASK, "a", "9"), MSG_S_OK);
	assert_int_equal(put_one(ROW_STATE, "b", "4"), MSG_S_OK);
	assert_string_equal(rows(ROW_STATE), "a=1 aa=3 b=4 ");
	assert_string_equal(rows(ROW_TASK), "a=9 ");
	assert_int_equal(put_one(ROW_STATE, "a", ""), MSG_S_OK);
	assert_int_equal(put_one(ROW_STATE, "not there", ""), MSG_S_OK);
	restart();
	assert_string_equal(rows(ROW_STATE), "aa=3 b=4 ");
	assert_string_equal(rows(ROW_TASK), "a=9 ");
}

static void test_together(void **)
{
	static const uint8_t big[LIMIT_ROW];

	add(ROW_STATE, "a", SPAN_LIT("1"));
	add(ROW_APPROVAL, "q1", SPAN_LIT("2"));
	assert_int_equal(put(), MSG_S_OK);
	/* The last one is refused: so are those before it. */
	add(ROW_STATE, "a", SPAN_LIT("changed"));
	add(ROW_APPROVAL, "q1", SPAN_LIT(""));
	add(ROW_STATE, "b", span_of(big, (4 << 10) + 1));
	assert_int_equal(put(), MSG_S_FAIL);
	assert_string_equal(rows(ROW_STATE), "a=1 ");
	restart();
	assert_string_equal(rows(ROW_STATE), "a=1 ");
	assert_string_equal(rows(ROW_APPROVAL), "q1=2 ");
	/* One key twice: the last word counts. */
	add(ROW_STATE, "a", SPAN_LIT("x"));
	add(ROW_STATE, "a", SPAN_LIT(""));
	add(ROW_STATE, "a", SPAN_LIT("y"));
	assert_int_equal(put(), MSG_S_OK);
	assert_string_equal(rows(ROW_STATE), "a=y ");
}

static void test_refused(void **)
{
	static const struct {
		unsigned kind;
		const char *key;
	} bad[] = { { 0, "a" }, { ROW_KIND_MAX, "a" }, { ROW_STATE, "" } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(put_one(bad[i].kind, bad[i].key, "1"),
				 MSG_S_FAIL);
	assert_string_equal(rows(ROW_STATE), "");
	assert_string_equal(rows(0), "");
	assert_string_equal(rows(ROW_KIND_MAX), "");
}

static void test_bytes_of_a_value(void **)
{
	static const uint8_t bytes[LIMIT_ROW];
	static const struct {
		unsigned kind;
		size_t most;
	} kinds[] = { { ROW_STATE, 4 << 10 },	   { ROW_CLAUSE, 16 << 10 },
		      { ROW_SECRET, 4 << 10 },	   { ROW_KILL, 4 << 10 },
		      { ROW_APPROVAL, LIMIT_ROW }, { ROW_TASK, LIMIT_ROW },
		      { ROW_ASIDE, LIMIT_ROW },	   { ROW_CHAT, 16 << 10 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		add(kinds[i].kind, "a", span_of(bytes, kinds[i].most));
		assert_int_equal(put(), MSG_S_OK);
		if (kinds[i].most == LIMIT_ROW)
			continue;
		add(kinds[i].kind, "b", span_of(bytes, kinds[i].most + 1));
		assert_int_equal(put(), MSG_S_FAIL);
	}
}

/* As many as there may be of a kind; and a kill that comes then. */
static void test_bound_of_a_kind(void **)
{
	char key[256][8];
	unsigned i, most = 256;

	for (i = 0; i < most; i++) {
		(void)str_printf(key[i], sizeof(key[i]), "k%03u", i);
		add(ROW_KILL, key[i], SPAN_LIT("1"));
		if (rows_put.n == LIMIT_ROWS)
			assert_int_equal(put(), MSG_S_OK);
	}
	assert_int_equal(put_one(ROW_KILL, "more", "1"), MSG_S_FAIL);
	assert_string_equal(r.why,
			    "there are 256 rows of the kind: no room for more");
	restart();
	assert_int_equal(put_one(ROW_KILL, "more", "1"), MSG_S_FAIL);
	assert_int_equal(put_one(ROW_KILL, "k000", "2"), MSG_S_OK);
	assert_int_equal(put_one(ROW_STATE, "more", "1"), MSG_S_OK);
	assert_int_equal(put_one(ROW_KILL, "k000", ""), MSG_S_OK);
	assert_int_equal(put_one(ROW_KILL, "more", "1"), MSG_S_OK);
}

/* Whether any file of the store has the text. */
static bool is_on_disk(const char *text)
{
	static const char *const names[] = { DB_FILE, DB_FILE "-wal" };
	static uint8_t bytes[1 << 20];
	char path[64];
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		CLEAN_FD int fd = -1;
		ssize_t n;

		(void)str_printf(path, sizeof(path), "%s/%s", r.dir, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : fd_read_all(fd, bytes, sizeof(bytes));
		assert_in_range(n, 0, sizeof(bytes) - 1);
		found |= memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
	}
	return found;
}

/* Salt and bytes of an argument, erased: in no file, while others stay. */
static void test_erased(void **)
{
	assert_int_equal(put_one(ROW_ASIDE, "a", "notebooks-in-may"), MSG_S_OK);
	assert_int_equal(put_one(ROW_ASIDE, "b", "notebooks-in-june"),
			 MSG_S_OK);
	assert_true(is_on_disk("notebooks-in-may"));
	assert_int_equal(put_one(ROW_ASIDE, "a", ""), MSG_S_OK);
	assert_false(is_on_disk("notebooks-in-may"));
	assert_true(is_on_disk("notebooks-in-june"));
	restart();
	assert_string_equal(rows(ROW_ASIDE), "b=notebooks-in-june ");
}

static void run_sql(const char *sql)
{
	char path[64];
	sqlite3 *db = NULL;

	(void)str_printf(path, sizeof(path), "%s/%s", r.dir, DB_FILE);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

/* The plan of an effect as version 1 kept it: a message of version 4. */
#define PLAN_1                                                                 \
	"0400"                                                                 \
	"2200"                                                                 \
	"abababababababababababababababab"                                     \
	"0000000000000000"                                                     \
	"0000000000000000"                                                     \
	"0100000000000000"                                                     \
	"0700000000000000"                                                     \
	"0000000000000000"                                                     \
	"0100000063"                                                           \
	"030000006f7574"                                                       \
	"01000000"                                                             \
	"02000000746f"                                                         \
	"01"                                                                   \
	"00"                                                                   \
	"0100000078"

/* One of version 1, which had no rows: what it held is there, and rows are. */
static void test_upgrade(void **)
{
	rig_put(&r, "inbox", "one", "hello");
	rig_stop(&r);
	run_sql("DROP TABLE rows; PRAGMA user_version = 1;"
		"INSERT INTO effects(item, task, repeats, state, recorded,"
		" plan, planned) VALUES(1, 7, 0, 3, 1, x'" PLAN_1 "', 5)");
	assert_true(rig_start(&r));
	assert_int_equal(r.state.waiting, 1);
	assert_true(rig_row(&r, MSG_E_GET, 0, S_ALL));
	assert_true(span_is(r.in.e_row.capability, "c"));
	assert_true(span_is(r.in.e_row.connector, "out"));
	assert_int_equal(r.in.e_row.ticket, 0);
	assert_int_equal(r.in.e_row.n, 1);
	assert_true(span_is(r.in.e_row.args[0].value, "x"));
	assert_string_equal(rows(ROW_STATE), "");
	assert_int_equal(put_one(ROW_STATE, "a", "1"), MSG_S_OK);
	restart();
	assert_string_equal(rows(ROW_STATE), "a=1 ");
	assert_int_equal(r.state.waiting, 1);
}

/* One whose plans are no such thing stays as it was. */
static void test_upgrade_refused(void **)
{
	rig_stop(&r);
	run_sql("DROP TABLE rows; PRAGMA user_version = 1;"
		"INSERT INTO effects(item, task, repeats, state, recorded,"
		" plan, planned) VALUES(1, 7, 0, 3, 1, x'0400', 5)");
	assert_false(rig_start(&r));
	assert_non_null(strstr(r.why, "what effect 1 was to do"));
	run_sql("DELETE FROM effects; SELECT count(*) FROM items");
	assert_true(rig_start(&r));
}

/* What was approved may come when its item has had its verdict. */
static void test_effect_of_a_ticket(void **)
{
	r.out.e_plan = (struct m_e_plan){ .item = 1,
					  .task = 7,
					  .ticket = 3,
					  .capability = SPAN_LIT("c"),
					  .connector = SPAN_LIT("d") };
	assert_int_equal(rig_ok(&r, MSG_E_PLAN), 1);
	rig_started(&r, 1, 5);
	rig_outcome(&r, 1, EFFECT_DONE);
	assert_true(rig_row(&r, MSG_E_GET, 0, S_ALL));
	assert_int_equal(r.in.e_row.ticket, 3);
	assert_int_equal(r.in.e_row.state, EFFECT_DONE);
}

/* A kind that only a newer one has is not for this one to count. */
static void test_unknown_kind(void **)
{
	rig_stop(&r);
	run_sql("INSERT INTO rows VALUES(99, x'61', x'62')");
	assert_false(rig_start(&r));
	assert_non_null(strstr(r.why, "rows of no kind that is known"));
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(put_and_walk),     T(together),	 T(refused),
		T(bytes_of_a_value), T(bound_of_a_kind), T(erased),
		T(upgrade),	     T(upgrade_refused), T(effect_of_a_ticket),
		T(unknown_kind),
	};

	(void)umask(077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
