/* Tests of rpc: what a waiting process takes from auditd's answers. */
#include "privsep/rpc.h"

#include <errno.h>

#include "base/str.h"
#include "base/testing.h"

static struct chan mine, auditd;
static struct audit_record record;
static struct msg m;

static int open_pair(void **)
{
	int fds[2];

	record = (struct audit_record){ 0 };
	return chan_pair(fds) < 0 || chan_init(&mine, fds[0]) < 0 ||
			       chan_init(&auditd, fds[1]) < 0
		       ? -1
		       : 0;
}

static int close_pair(void **)
{
	chan_done(&mine);
	chan_done(&auditd);
	return 0;
}

static void say(enum msg_type t)
{
	m.type = t;
	assert_int_equal(chan_send(&auditd, &m, NULL, 0), 0);
}

static void say_ok(uint64_t size, const char *root_hex)
{
	m.audit_ok = (struct m_audit_ok){ .index = size - 1, .size = size };
	assert_true(hex_decode(m.audit_ok.root, 4, span_str(root_hex)) >= 0);
	say(MSG_AUDIT_OK);
}

static int append(void)
{
	audit_begin(&record, "test", &(struct msg_ids){ 0 });
	return audit_append(&mine, &record, NULL);
}

/* Size and root stand as the last answer had them, whatever comes after. */
static void head_is_kept(void **)
{
	assert_int_equal(record.head.size, 0);
	say_ok(481, "1a2b3c4d");
	assert_int_equal(append(), 0);
	assert_int_equal(record.head.size, 481);
	assert_int_equal(record.head.root, 0x1a2b3c4d);
	say_ok(482, "00000001");
	assert_int_equal(append(), 0);
	m.text.text = SPAN_LIT("the disk");
	say(MSG_AUDIT_FAIL);
	assert_int_equal(append(), -EIO);
	assert_int_equal(record.head.size, 482);
	assert_int_equal(record.head.root, 1);
}

static void signs_are_none(void **)
{
	m.ping.number = 7;
	say(MSG_PONG);
	m.audit_room = (struct m_audit_room){ .full = 1, .reserve = 10 };
	say(MSG_AUDIT_ROOM);
	say_ok(1, "ffffffff");
	assert_int_equal(append(), 0);
	assert_int_equal(record.pong, 7);
	assert_true(record.room.full);
	assert_int_equal(record.head.root, UINT32_MAX);
}

int main(void)
{
#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		WITH_PAIR(head_is_kept),
		WITH_PAIR(signs_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
