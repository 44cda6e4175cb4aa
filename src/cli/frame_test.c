/*
 * Tests of the view of a wire: a session as a porter tells it, hostile bytes
 * and numbers in it, compared with tests/data/cli/wire.txt and wire.json (with
 * BULKHEAD_REGEN set they are written there, for a review of the diff).
 */
#include "cli/frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/str.h"
#include "cli/golden.h"
#include "proto/mux.h"
#include "proto/wire.h"

/* SPAN_LIT for static storage, where a compound literal is no constant. */
#define LIT(s)                                                                 \
	{                                                                      \
		(const uint8_t *)("" s), sizeof(s) - 1                         \
	}

#define LONG                                                                   \
	"0123456789012345678901234567890123456789012345678901234567890123"     \
	"45678901234567890123456789"

static const struct m_frame frames[] = {
	{ .at_us = 1250,
	  .out = 1,
	  .kind = FRAME_MESSAGE,
	  .type = WIRE_HELLO,
	  .length = WIRE_HELLO_LEN },
	/* even if a porter tells it */
	{ .at_us = 812345,
	  .kind = FRAME_MESSAGE,
	  .type = WIRE_ACK,
	  .length = WIRE_ACK_LEN,
	  .first = LIT("secret") },
	{ .at_us = 815000,
	  .kind = FRAME_MUX,
	  .type = MUX_DATA,
	  .flags = MUX_SYN,
	  .stream = 2,
	  .service = 0,
	  .length = 9,
	  .first = LIT("\x01\0\0\0\0\x03\0\0\0") },
	{ .at_us = 815100,
	  .out = 1,
	  .kind = FRAME_MUX,
	  .type = MUX_UPDATE,
	  .flags = MUX_ACK,
	  .stream = 2,
	  .service = WIRE_CONTROL },
	{ .at_us = 815200,
	  .out = 1,
	  .kind = FRAME_MUX,
	  .type = MUX_DATA,
	  .flags = MUX_SYN,
	  .stream = 1,
	  .service = WIRE_READER,
	  .length = 1,
	  .first = LIT("\x02") },
	{ .at_us = 815300,
	  .out = 1,
	  .kind = FRAME_MUX,
	  .type = MUX_DATA,
	  .stream = 1,
	  .service = WIRE_READER,
	  .length = 32768,
	  .first = LIT("From: <lea@example.org>\r\nSubject: \x1b[2J\xe2\x80"
		       "\xaemoc.elpmaxe\r\n\r\n" LONG LONG) },
	{ .at_us = 815400,
	  .out = 1,
	  .kind = FRAME_MUX,
	  .type = MUX_DATA,
	  .flags = MUX_FIN,
	  .stream = 1,
	  .service = WIRE_READER },
	{ .at_us = 816000,
	  .missed = 3,
	  .kind = FRAME_MUX,
	  .type = MUX_UPDATE,
	  .stream = 1,
	  .service = WIRE_READER,
	  .length = 131072 },
	{ .at_us = 820000,
	  .kind = FRAME_MUX,
	  .type = MUX_DATA,
	  .stream = 1,
	  .service = WIRE_READER,
	  .length = 23,
	  .first = LIT("{\"subject\": \"\xc3\x9c"
		       "berl.\"}\n") },
	/* cut inside of a character, and bytes that are none */
	{ .at_us = 820100,
	  .kind = FRAME_MUX,
	  .type = MUX_DATA,
	  .stream = 1,
	  .service = WIRE_READER,
	  .length = 90,
	  .first = LIT("012345678901234567890123456789012345678901234567890123"
		       "456789012\xe2\x82\xac\xff\xfe") },
	{ .at_us = 830000,
	  .kind = FRAME_MUX,
	  .type = MUX_DATA,
	  .flags = MUX_FIN,
	  .stream = 2,
	  .service = WIRE_CONTROL,
	  .length = 13,
	  .first = LIT("\x05\0\0\0\x04\0\0\0\0\x07\0\0\0") },
	{ .at_us = 840000, .kind = FRAME_MUX, .type = MUX_PING, .length = 7 },
	{ .at_us = 850000,
	  .kind = FRAME_MUX,
	  .type = MUX_GO_AWAY,
	  .length = 2 },
	/* what no honest porter tells */
	{ .at_us = UINT64_MAX,
	  .missed = UINT32_MAX,
	  .out = 9,
	  .kind = 77,
	  .type = 250,
	  .flags = UINT32_MAX,
	  .stream = UINT32_MAX,
	  .service = 99,
	  .length = UINT32_MAX,
	  .first = LIT("\x1b]0;x\x07") },
	{ .kind = FRAME_MUX,
	  .type = 250,
	  .flags = 0xfff0,
	  .service = 0,
	  .first = LIT("\n\n\x1b[2K") },
};

static void test_text(void **)
{
	static const struct show how = { 0 };
	CLEAN_BUF struct buf b;
	size_t i;

	buf_init(&b, 1 << 16);
	for (i = 0; i < ARRAY_SIZE(frames); i++)
		frame_print(&b, &how, &frames[i], false);
	buf_str(&b, "full:\n");
	frame_print(&b, &how, &frames[5], true);
	assert_true(buf_ok(&b));
	compare_golden("wire.txt", buf_cstr(&b));
}

static void test_json(void **)
{
	CLEAN_BUF struct buf b;
	size_t i;

	buf_init(&b, 1 << 16);
	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		json_t *j = frame_json(&frames[i], i % 2 == 1);
		char *text;

		assert_non_null(j);
		text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
		assert_non_null(text);
		buf_printf(&b, "%s\n", text);
		free(text);
		json_decref(j);
	}
	assert_true(buf_ok(&b));
	compare_golden("wire.json", buf_cstr(&b));
}

/* Goal: whatever bytes and numbers a frame has, a terminal gets no control
 * character but our own line ends, and nothing foreign stands at the margin. */
static void test_hostile_bytes(void **)
{
	static const struct show how = { .ascii = true };
	uint8_t payload[FRAME_FIRST_MAX];
	unsigned byte;

	for (byte = 0; byte < 256; byte++) {
		struct m_frame f = { .kind = FRAME_MUX,
				     .type = (uint8_t)byte,
				     .flags = byte,
				     .service = (uint8_t)byte,
				     .length = byte,
				     .first = span_of(payload,
						      sizeof(payload)) };
		CLEAN_BUF struct buf b;
		size_t i;

		f.type = byte % 2 ? MUX_DATA : (uint8_t)byte;
		memset(payload, (int)byte, sizeof(payload));
		buf_init(&b, 1 << 16);
		frame_print(&b, &how, &f, true);
		assert_true(buf_ok(&b));
		for (i = 0; i < b.n; i++) {
			assert_true((b.p[i] >= ' ' && b.p[i] < 127) ||
				    b.p[i] == '\n');
			if (i && b.p[i - 1] == '\n')
				assert_int_equal(b.p[i], ' ');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_hostile_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
