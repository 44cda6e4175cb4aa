/*
 * msg_test: every message type encodes and decodes to the same bytes, no prefix
 * and no longer form is taken, every limit holds.
 */
#include <stdlib.h>

#include "base/str.h"
#include "base/testing.h"
#include "proto/msg.h"

static struct msg in, out; /* large */

/* What goes between machines, porters, broker and monitor. */
static void sample_core(struct msg *m, enum msg_type t)
{
	if (t == MSG_CALL) {
		m->call.call = 3;
		m->call.capability = SPAN_LIT("email.send");
		m->call.n = 2;
		m->call.args[0] =
			(struct m_arg){ SPAN_LIT("to"), ARG_STRING, ARG_ELEMENT,
					SPAN_LIT("lea@example.org") };
		m->call.args[1] = (struct m_arg){ SPAN_LIT("body"), ARG_STRING,
						  ARG_SCALAR, SPAN_LIT("hi") };
	} else if (t == MSG_AUDIT || t == MSG_AUDIT_LATER) {
		m->audit.kind = SPAN_LIT("decision");
		m->audit.n = 1;
		m->audit.fields[0] = (struct m_audit_field){
			SPAN_LIT("item"), AUDIT_INT, 5, { NULL, 0 }
		};
	} else if (t == MSG_WORK) {
		m->work = (struct m_work){ 0x0102, 30000, SORT_TELEGRAM };
	} else if (t == MSG_FRAME) {
		m->frame = (struct m_frame){
			.at_us = 1000000,
			.missed = 3,
			.out = 1,
			.kind = FRAME_MUX,
			.type = 2,
			.flags = 0x8001,
			.stream = 5,
			.service = 6,
			.length = 0x01020304,
			.first = SPAN_LIT("abc"),
		};
	} else if (t == MSG_PING) {
		m->ping.number = 0x0807;
	} else if (t == MSG_AUDIT_ROOM) {
		m->audit_room = (struct m_audit_room){ 1, 64 << 20, 16 << 20,
						       SPAN_LIT("full") };
	} else if (t == MSG_WAIT) {
		m->wait = (struct m_wait){ 3, 7, 20 };
	} else if (t == MSG_SPAN) {
		m->span = (struct m_span){
			.from = 2,
			.dropped = 1,
			.stage = 5,
			.number = 3,
			.parent_stage = 4,
			.parent_number = 17,
			.start_ns = 0x0102030405060708,
			.took_ns = 9,
			.outcome = 1,
			.vm = 17,
			.start = 2,
			.name = SPAN_LIT("c"),
			.what = SPAN_LIT("allow"),
		};
	} else if (t == MSG_SAMPLES) {
		m->samples.from = 1;
		m->samples.dropped = 2;
		m->samples.n = 1;
		m->samples.rows[0] = (struct m_sample){ 3, SPAN_LIT("in"),
							SPAN_LIT("w"), 4 };
	} else if (t == MSG_LEASE) {
		m->lease = (struct m_lease){ 86400, 0x0102 };
	} else if (t == MSG_TASK) {
		m->task = (struct m_task){ SPAN_LIT("do"), 1, SPAN_LIT("[]"),
					   SPAN_LIT("c"), SPAN_LIT("d") };
	} else if (t == MSG_DOCUMENTS) {
		m->documents.text = SPAN_LIT("d");
	} else if (t == MSG_REVOKED) {
		m->revoked =
			(struct m_revoked){ REVOKED_NOTHING, SPAN_LIT("why") };
	} else if (t == MSG_ANSWER) {
		m->text.text = SPAN_LIT("because");
	}
}

/* What the store is told and asked. */
static void sample_store(struct msg *m, enum msg_type t)
{
	if (t == MSG_S_STATE) {
		memset(m->s_state.id, 0x1d, sizeof(m->s_state.id));
		m->s_state.opened = 2;
		m->s_state.tip_size = 3;
		memset(m->s_state.tip_root, 0x70, 32);
		m->s_state.waiting = 4;
		m->s_state.recovered = 1;
		m->s_state.ended[ITEM_READ] = 6;
		m->s_state.ended[ITEM_GIVEN_UP] = 7;
	} else if (t == MSG_Q_PUT) {
		m->q_put = (struct m_q_put){ .source = SPAN_LIT("in"),
					     .key = SPAN_LIT("k"),
					     .size = 5 };
		memset(m->q_put.sha256, 0x5a, 32);
	} else if (t == MSG_Q_KEPT) {
		m->q_kept = (struct m_q_kept){ SPAN_LIT("in"), SPAN_LIT("k"), 6,
					       KEPT_DONE, ITEM_GIVEN_UP };
	} else if (t == MSG_Q_ITEM) {
		m->q_item = (struct m_q_item){ .item = 6,
					       .task = 7,
					       .attempt = 2,
					       .source = SPAN_LIT("in"),
					       .key = SPAN_LIT("k"),
					       .size = 5 };
		memset(m->q_item.sha256, 0x5a, 32);
	} else if (t == MSG_E_PLAN) {
		m->e_plan = (struct m_e_plan){
			.item = 6,
			.task = 7,
			.repeats = 8,
			.ticket = 10,
			.capability = SPAN_LIT("c"),
			.connector = SPAN_LIT("out"),
			.n = 1,
			.args[0] = { SPAN_LIT("to"), ARG_STRING, ARG_SCALAR,
				     SPAN_LIT("x") },
		};
	} else if (t == MSG_E_OUTCOME) {
		m->e_outcome = (struct m_e_outcome){ 9, EFFECT_UNKNOWN,
						     SPAN_LIT("why") };
	} else if (t == MSG_E_GET) {
		m->s_get = (struct m_s_get){ 1, S_OPEN, 2, 3 };
	} else if (t == MSG_R_PUT) {
		m->r_put.n = 2;
		m->r_put.rows[0] = (struct m_r_row){ ROW_STATE, SPAN_LIT("a"),
						     SPAN_LIT("bc") };
		m->r_put.rows[1] = (struct m_r_row){ .kind = ROW_KILL,
						     .key = SPAN_LIT("d") };
	} else if (t == MSG_R_NEXT) {
		m->r_next = (struct m_r_next){ ROW_TASK, SPAN_LIT("e") };
	} else if (t == MSG_R_ROW) {
		m->r_row = (struct m_r_row){ ROW_CLAUSE, SPAN_LIT("f"),
					     SPAN_LIT("gh") };
	}
}

/* The words of the owner, and the answers. */
static void sample_owner(struct msg *m, enum msg_type t)
{
	if (t == MSG_C_WIRE) {
		m->c_wire = (struct m_c_wire){ 17, VM_READER };
	} else if (t == MSG_C_ASIDE || t == MSG_C_ERASE) {
		m->c_aside =
			(struct m_c_aside){ 5, SPAN_LIT("a@b"), SPAN_LIT("i") };
	} else if (t == MSG_C_ASIDE_ROW) {
		m->r_row = (struct m_r_row){ ROW_ASIDE, SPAN_LIT("k"),
					     SPAN_LIT("v") };
	} else if (t == MSG_C_MEMORY || t == MSG_C_FORGET) {
		m->c_memory = (struct m_c_memory){ SPAN_LIT("n"), 1 };
	} else if (t == MSG_C_NOTE) {
		m->c_note = (struct m_c_note){
			SPAN_LIT("n"), 6, 7, 8, SPAN_LIT("own"), SPAN_LIT("t")
		};
	} else if (t == MSG_C_APPROVALS) {
		m->c_approvals = (struct m_c_approvals){ 7, 1, 2, 3, 4 };
	} else if (t == MSG_C_APPROVAL) {
		m->c_approval.ticket = 7;
		m->c_approval.audit_index = 9;
		m->c_approval.state = 1;
		m->c_approval.quorum = 2;
		m->c_approval.capability = SPAN_LIT("c");
		m->c_approval.text = SPAN_LIT("x");
		memset(m->c_approval.hash, 0x5a, 32);
	} else if (t == MSG_C_APPROVE) {
		m->c_approve = (struct m_c_approve){ .ticket = 7,
						     .uid = 1000,
						     .times = 3,
						     .always = 1,
						     .code = SPAN_LIT("12") };
		memset(m->c_approve.hash, 0x5a, 32);
	} else if (t == MSG_C_DECLINE) {
		m->c_decline = (struct m_c_decline){ 7, 1000, 1 };
	} else if (t == MSG_C_TASK_RUN) {
		m->task_run = (struct m_task_run){ 17, SPAN_LIT("do"),
						   SPAN_LIT("12345678") };
	} else if (t == MSG_C_TASK) {
		m->c_task = (struct m_c_task){
			.task = 7,
			.item = 17,
			.state = TASK_FAILED,
			.own = 1,
			.created_s = 1,
			.ended_s = 2,
			.calls = 3,
			.forks = 4,
			.bits = 5,
			.label = SPAN_LIT("l"),
			.text = SPAN_LIT("t"),
			.answer = SPAN_LIT("a"),
			.fault = SPAN_LIT("f"),
		};
	} else if (t == MSG_LATCH || t == MSG_C_KILL || t == MSG_C_REARM) {
		m->latch = (struct m_latch){ .level = LATCH_TASK,
					     .set = 1,
					     .capability = SPAN_LIT("c"),
					     .task = 7,
					     .by = SPAN_LIT("decoy"),
					     .reason = SPAN_LIT("why") };
	}
}

/* What accounts are about: secrets, connections, chats. */
static void sample_accounts(struct msg *m, enum msg_type t)
{
	if (t == MSG_V_FILE) {
		m->v_file = (struct m_v_file){ V_SECRETS, SPAN_LIT("s") };
	} else if (t == MSG_V_GIVE) {
		m->v_give = (struct m_v_give){ SPAN_LIT("c"), SPAN_LIT("s"),
					       SPAN_LIT("h:1") };
	} else if (t == MSG_V_GIVEN) {
		m->v_given = (struct m_v_given){ SPAN_LIT("c"), SPAN_LIT("s"),
						 1, SPAN_LIT("w") };
	} else if (t == MSG_SECRET) {
		m->secret.value = SPAN_LIT("v");
	} else if (t == MSG_N_ACCOUNT) {
		m->n_account = (struct m_n_account){ SPAN_LIT("a"),
						     SPAN_LIT("h:1"), 1 };
	} else if (t == MSG_N_REFUSED) {
		m->n_refused =
			(struct m_n_refused){ SPAN_LIT("a"), SPAN_LIT("h"), 443,
					      SPAN_LIT("w") };
	} else if (t == MSG_DIAL) {
		m->dial = (struct m_dial){ SPAN_LIT("h"), 443 };
	} else if (t == MSG_LINK) {
		m->link = (struct m_link){ ACCOUNT_WAITING, SPAN_LIT("d"), 4 };
	} else if (t == MSG_SKIPPED) {
		m->skipped = (struct m_skipped){ SPAN_LIT("k"), SPAN_LIT("w") };
	} else if (t == MSG_SAY) {
		m->say = (struct m_say){ .number = 7,
					 .kind = SAY_CARD,
					 .chat = SPAN_LIT("1"),
					 .thread = SPAN_LIT("2"),
					 .message = SPAN_LIT("3"),
					 .text = SPAN_LIT("t"),
					 .n = 1,
					 .buttons = { { SPAN_LIT("Yes"),
							SPAN_LIT("d") } } };
	} else if (t == MSG_SAID) {
		m->said = (struct m_said){ 7, EFFECT_DONE, SPAN_LIT("3"),
					   SPAN_LIT("d") };
	} else if (t == MSG_HEARD) {
		m->heard = (struct m_heard){ 8,
					     HEARD_BUTTON,
					     CHAT_DIRECT,
					     SPAN_LIT("i"),
					     SPAN_LIT("s"),
					     SPAN_LIT("c"),
					     SPAN_LIT("m"),
					     SPAN_LIT("p"),
					     SPAN_LIT("d"),
					     SPAN_LIT("t") };
	} else if (t == MSG_L_CALL) {
		m->l_call = (struct m_l_call){ 1, 2, 1, 4, 5, SPAN_LIT("m") };
	} else if (t == MSG_L_DONE) {
		m->l_done = (struct m_l_done){ .call = 1,
					       .state = L_CUT,
					       .status = 200,
					       .retry_s = 3,
					       .why = SPAN_LIT("w"),
					       .went = 1,
					       .has_value = 1,
					       .value = SPAN_LIT("true") };
	} else if (t == MSG_HEARD_OK) {
		m->heard_ok.number = 8;
	}
}

/* Fills what every payload begins with or is made of, by type. */
static void sample(struct msg *m, enum msg_type t)
{
	memset(m, 0, sizeof(*m));
	m->type = t;
	memset(m->ids.run, 0xab, sizeof(m->ids.run));
	m->ids.task = 7;
	m->ids.span = 9;
	sample_core(m, t);
	sample_store(m, t);
	sample_owner(m, t);
	sample_accounts(m, t);
}

static void test_every_type(void **state)
{
	enum msg_type t;

	(void)state;
	for (t = MSG_NONE + 1; t < MSG_TYPE_MAX; t++) {
		CLEAN_BUF struct buf a;
		CLEAN_BUF struct buf b;
		const char *why = NULL;
		size_t n;

		buf_init(&a, LIMIT_MSG + 100);
		buf_init(&b, LIMIT_MSG + 100);
		sample(&in, t);
		msg_encode(&a, &in);
		assert_true(buf_ok(&a));
		assert_int_equal(msg_decode(buf_view(&a), &out, &why), 0);
		assert_int_equal(out.type, t);
		assert_int_equal(out.ids.task, 7);
		msg_encode(&b, &out);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.p, b.p, a.n);
		for (n = 0; n < a.n; n++)
			if (msg_decode(span_of(a.p, n), &out, &why) == 0)
				fail_msg("%s: prefix of %zu bytes",
					 msg_type_name(t), n);
		buf_u8(&a, 0);
		assert_int_equal(msg_decode(buf_view(&a), &out, &why), -1);
	}
}

/* The bytes behind the head, field by field in the order of the layout. */
static const struct {
	enum msg_type t;
	const char *hex;
} golden[] = {
	{ MSG_STOP, "00" },
	{ MSG_WORK, "0201000000000000"
		    "3075000000000000"
		    "02" },
	{ MSG_C_WIRE, "1100000000000000"
		      "01" },
	{ MSG_FRAME, "40420f0000000000"
		     "03000000"
		     "01"
		     "02"
		     "02"
		     "01800000"
		     "05000000"
		     "06"
		     "04030201"
		     "03000000"
		     "616263" },
	{ MSG_PING, "0708000000000000" },
	{ MSG_AUDIT_ROOM, "01"
			  "0000000400000000"
			  "0000000100000000"
			  "0400000066756c6c" },
	{ MSG_S_STATE, "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
		       "0200000000000000"
		       "0300000000000000"
		       "70707070707070707070707070707070"
		       "70707070707070707070707070707070"
		       "0400000000000000"
		       "0100000000000000"
		       "0600000000000000"
		       "0000000000000000"
		       "0000000000000000"
		       "0000000000000000"
		       "0700000000000000" },
	{ MSG_Q_PUT, "02000000696e"
		     "010000006b"
		     "0500000000000000"
		     "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
		     "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a" },
	{ MSG_Q_KEPT, "02000000696e"
		      "010000006b"
		      "0600000000000000"
		      "03"
		      "05" },
	{ MSG_Q_ITEM, "0600000000000000"
		      "0700000000000000"
		      "02000000"
		      "02000000696e"
		      "010000006b"
		      "0500000000000000"
		      "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
		      "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a" },
	{ MSG_E_PLAN, "0600000000000000"
		      "0700000000000000"
		      "0800000000000000"
		      "0a00000000000000"
		      "0100000063"
		      "030000006f7574"
		      "01000000"
		      "02000000746f"
		      "01"
		      "00"
		      "0100000078" },
	{ MSG_E_OUTCOME, "0900000000000000"
			 "05"
			 "03000000776879" },
	{ MSG_E_GET, "0100000000000000"
		     "02"
		     "02000000"
		     "0300000000000000" },
	{ MSG_LATCH, "02"
		     "01"
		     "0100000063"
		     "0700000000000000"
		     "050000006465636f79"
		     "03000000776879" },
	{ MSG_LEASE, "8051010000000000"
		     "0201000000000000" },
	{ MSG_REVOKED, "01"
		       "03000000776879" },
	{ MSG_R_PUT, "02000000"
		     "01"
		     "0100000061"
		     "020000006263"
		     "06"
		     "0100000064"
		     "00000000" },
	{ MSG_R_NEXT, "03"
		      "0100000065" },
	{ MSG_R_ROW, "04"
		     "0100000066"
		     "020000006768" },
	{ MSG_WAIT, "0300000000000000"
		    "0700000000000000"
		    "14000000" },
	{ MSG_C_APPROVALS, "0700000000000000"
			   "01020304" },
	{ MSG_C_APPROVE, "0700000000000000"
			 "e8030000"
			 "03000000"
			 "01"
			 "020000003132"
			 "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
			 "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a" },
	{ MSG_C_DECLINE, "0700000000000000"
			 "e8030000"
			 "01" },
	{ MSG_AUDIT_KEY, "00" },
	{ MSG_C_KEY, "00" },
	{ MSG_C_ASIDE, "0500000000000000"
		       "03000000614062"
		       "0100000069" },
	{ MSG_C_ASIDE_ROW, "07"
			   "010000006b"
			   "0100000076" },
	{ MSG_C_ERASE, "0500000000000000"
		       "03000000614062"
		       "0100000069" },
	{ MSG_C_MEMORY, "010000006e01" },
	{ MSG_C_NOTE, "010000006e"
		      "0600000000000000"
		      "0700000000000000"
		      "0800000000000000"
		      "030000006f776e"
		      "0100000074" },
	{ MSG_C_FORGET, "010000006e01" },
	{ MSG_SPAN, "02"
		    "0100000000000000"
		    "05"
		    "0300000000000000"
		    "04"
		    "1100000000000000"
		    "0807060504030201"
		    "0900000000000000"
		    "01"
		    "1100000000000000"
		    "02"
		    "0100000063"
		    "05000000616c6c6f77" },
	{ MSG_SAMPLES, "01"
		       "0200000000000000"
		       "01000000"
		       "03"
		       "02000000696e"
		       "0100000077"
		       "0400000000000000" },
	{ MSG_TASK, "02000000646f"
		    "01"
		    "020000005b5d"
		    "0100000063"
		    "0100000064" },
	{ MSG_DOCUMENTS, "0100000064" },
	{ MSG_C_TASK_RUN, "1100000000000000"
			  "02000000646f"
			  "080000003132333435363738" },
	{ MSG_C_TASK, "0700000000000000"
		      "1100000000000000"
		      "04"
		      "01"
		      "0100000000000000"
		      "0200000000000000"
		      "03000000"
		      "04000000"
		      "05000000"
		      "010000006c"
		      "0100000074"
		      "0100000061"
		      "0100000066" },
	{ MSG_ANSWER, "07000000"
		      "62656361757365" },
};

static void test_golden(void **state)
{
	static const char head_hex[] = "0b00"
				       "abababababababab"
				       "abababababababab"
				       "0700000000000000"
				       "0900000000000000";
	char hex[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(golden); i++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, LIMIT_MSG);
		sample(&in, golden[i].t);
		msg_encode(&b, &in);
		assert_true(buf_ok(&b));
		assert_int_equal(b.p[2], golden[i].t);
		/* The type's number is not golden: types come and go. */
		memmove(b.p + 2, b.p + 4, b.n - 4);
		hex_encode(hex, b.p, MSG_HEAD - 2);
		assert_string_equal(hex, head_hex);
		hex_encode(hex, b.p + MSG_HEAD - 2, b.n - MSG_HEAD);
		assert_string_equal(hex, golden[i].hex);
	}
}

static void test_head(void **state)
{
	CLEAN_BUF struct buf b;
	const char *why;

	(void)state;
	buf_init(&b, LIMIT_MSG);
	sample(&in, MSG_STOP);
	msg_encode(&b, &in);
	b.p[0]++;
	assert_int_equal(msg_decode(buf_view(&b), &out, &why), -1);
	assert_string_equal(why, "message of another version");
	b.p[0]--;
	b.p[2] = MSG_TYPE_MAX;
	assert_int_equal(msg_decode(buf_view(&b), &out, &why), -1);
	assert_string_equal(why, "unknown message type");
	b.p[2] = MSG_NONE;
	assert_int_equal(msg_decode(buf_view(&b), &out, &why), -1);
	in.type = MSG_TYPE_MAX;
	buf_reset(&b);
	msg_encode(&b, &in);
	assert_false(buf_ok(&b));
}

static bool encodes(size_t text)
{
	CLEAN_BUF struct buf b;
	CLEAN_BUF struct buf long_text;
	const char *why;

	buf_init(&b, LIMIT_MSG + 100);
	buf_init(&long_text, 1 << 20);
	memset(buf_extend(&long_text, text), 'x', text);
	sample(&in, MSG_ANSWER);
	in.text.text = buf_view(&long_text);
	msg_encode(&b, &in);
	return buf_ok(&b) && msg_decode(buf_view(&b), &out, &why) == 0;
}

static void test_text_limit(void **state)
{
	(void)state;
	assert_true(encodes(LIMIT_ANSWER - 1));
	assert_true(encodes(LIMIT_ANSWER));
	assert_false(encodes(LIMIT_ANSWER + 1));
}

static void test_frame_limit(void **state)
{
	static const uint8_t first[FRAME_FIRST_MAX + 1];
	size_t n;

	(void)state;
	for (n = FRAME_FIRST_MAX - 1; n <= FRAME_FIRST_MAX + 1; n++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, LIMIT_MSG);
		sample(&in, MSG_FRAME);
		in.frame.first = span_of(first, n);
		msg_encode(&b, &in);
		assert_int_equal(buf_ok(&b), n <= FRAME_FIRST_MAX);
	}
}

static void test_row_limits(void **state)
{
	static const uint8_t bytes[LIMIT_ROW + 1];
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		const bool key = i < 3;
		const size_t n = (key ? LIMIT_ROW_KEY : LIMIT_ROW) + i % 3 - 1;
		CLEAN_BUF struct buf b;

		buf_init(&b, LIMIT_MSG);
		sample(&in, MSG_R_PUT);
		if (key)
			in.r_put.rows[0].key = span_of(bytes, n);
		else
			in.r_put.rows[0].value = span_of(bytes, n);
		msg_encode(&b, &in);
		assert_int_equal(buf_ok(&b), i % 3 < 2);
	}
}

static void test_tickets(void **)
{
	static const char *const bad[] = { "",	  "q",	 "7",  "q0",
					   "q07", "q-1", "Q7", "q7 " };
	char text[TICKET_TEXT];
	size_t i;

	ticket_text(text, 7);
	assert_string_equal(text, "q7");
	assert_int_equal(ticket_read(SPAN_LIT("q7")), 7);
	assert_true(ticket_read(SPAN_LIT("q9223372036854775807")) == INT64_MAX);
	assert_int_equal(ticket_read(SPAN_LIT("q9223372036854775808")), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ticket_read(span_str(bad[i])), 0);
}

static void test_list_limit(void **state)
{
	CLEAN_BUF struct buf b;
	const char *why;

	(void)state;
	buf_init(&b, LIMIT_MSG);
	sample(&in, MSG_CALL);
	in.call.n = LIMIT_ARGS;
	msg_encode(&b, &in);
	assert_true(buf_ok(&b));
	assert_int_equal(msg_decode(buf_view(&b), &out, &why), 0);
	assert_int_equal(out.call.n, LIMIT_ARGS);
	buf_reset(&b);
	in.call.n = LIMIT_ARGS + 1;
	msg_encode(&b, &in);
	assert_false(buf_ok(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_text_limit),
		cmocka_unit_test(test_frame_limit),
		cmocka_unit_test(test_row_limits),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_list_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
