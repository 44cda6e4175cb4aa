/* chat_test: what the broker hears of an update and of an event. */
#include "chat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char update[] =
	"{\"update_id\":1,\"message\":{\"message_id\":3,\"date\":1,\"from\":"
	"{\"id\":7,\"is_bot\":false},\"chat\":{\"id\":7,\"type\":\"private\"},"
	"\"message_thread_id\":5,\"text\":\"hi\"}}";
static const char event[] =
	"{\"type\":\"event_callback\",\"event\":{\"type\":\"message\","
	"\"channel\":\"C1\",\"user\":\"U1\",\"ts\":\"1.2\",\"text\":\"hi\"}}";

static void known(void **state)
{
	struct chat_facts facts;
	struct m_envelope m;

	(void)state;
	chat_envelope(SORT_TELEGRAM, span_str(update), &facts, &m);
	assert_true(m.ok && m.fault.n == 0 && m.from.n == 0);
	assert_int_equal(m.chat_flags, CHAT_DIRECT);
	assert_true(span_is(m.sender, "7") && span_is(m.chat, "7"));
	assert_true(span_is(m.chat_ref, "3") && span_is(m.thread, "5"));
	assert_true(span_is(m.text, "hi"));
	assert_true(span_is(m.date, "1970-01-01T00:00:01Z"));
	chat_envelope(SORT_SLACK, span_str(event), &facts, &m);
	assert_true(m.ok && span_is(m.sender, "U1") && span_is(m.chat, "C1"));
	assert_true(span_is(m.chat_ref, "1.2") && span_is(m.text, "hi"));
}

/* One sort is never read as the other. */
static void unknown(void **state)
{
	struct chat_facts facts;
	struct m_envelope m;

	(void)state;
	chat_envelope(SORT_SLACK, span_str(update), &facts, &m);
	assert_true(!m.ok && m.fault.n && !m.sender.n && !m.text.n);
	chat_envelope(SORT_TELEGRAM, span_str(event), &facts, &m);
	assert_true(!m.ok && m.fault.n && !m.sender.n && !m.text.n);
	chat_envelope(SORT_TELEGRAM, SPAN_LIT("From: a@b\n\n"), &facts, &m);
	assert_true(!m.ok && m.fault.n && !m.sender.n && !m.text.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known),
		cmocka_unit_test(unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
