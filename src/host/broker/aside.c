/*
 * aside: the arguments of a decision leave its record. There, each has its
 * length, where it came from, and a salted hash; salts and bytes go to the
 * store (proto/aside.h), durable before the record. The owner may have them
 * shown, and erased: then the hash says nothing any more, and the log is as
 * whole as before. An erasure is a record itself, and is on record first.
 *
 * There is room for so many; the oldest go when it is used up.
 */
#include <endian.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"

enum {
	OLDEST = 64, /* that go at a time */
	ORIGINS_MAX =
		28 << 10, /* of origins and labels in one record, as JSON */
	KEY = ASIDE_ID + 1,
};

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_.-";

/* How many bytes a text takes in a record. */
static size_t json_size(struct span s)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < s.n; i++)
		n += s.p[i] < 0x20		       ? 6
		     : s.p[i] == '"' || s.p[i] == '\\' ? 2
						       : 1;
	return n;
}

static void random_bytes(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		die("no random bytes");
}

static void new_id(struct aside *s)
{
	uint64_t now = htobe64(clock_ns(CLOCK_REALTIME) / 1000);

	memcpy(s->id, &now, sizeof(now));
	random_bytes(s->id + sizeof(now), ASIDE_ID - sizeof(now));
	hex_encode(s->id_hex, s->id, ASIDE_ID);
}

struct span aside_name(struct span name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if (!name.p[i] || !strchr(name_chars, name.p[i]))
			return SPAN_LIT("(no name)");
	return name;
}

const char *aside_reason(char dst[ASIDE_REASON], const char *reason)
{
	const char *from = strchr(reason, '"');
	const char *to = from ? strrchr(reason, '"') : NULL;

	if (!from)
		(void)str_printf(dst, ASIDE_REASON, "%s", reason);
	else
		(void)str_printf(dst, ASIDE_REASON, "%.*s(aside)%s",
				 (int)(from - reason), reason,
				 to > from ? to + 1 : "");
	utf8_trim(dst);
	return dst;
}

/* A text of the record, if it is one and there is room. */
static struct span within(struct span s, size_t *room)
{
	size_t n = json_size(s);

	if (!utf8_valid(s))
		return SPAN_LIT("(not text)");
	if (n > *room)
		return SPAN_LIT("(long)");
	*room -= n;
	return s;
}

void aside_begin(struct broker *b, const struct record_arg *args, uint32_t n)
{
	static uint8_t salts[LIMIT_ARGS][ASIDE_SALT];
	static struct aside_arg rows[LIMIT_ARGS];
	struct aside *s = &b->aside;
	size_t room = ORIGINS_MAX;
	uint8_t sum[SHA256_LEN];
	uint32_t i;

	buf_done(&s->bytes);
	buf_init(&s->bytes, ASIDE_MAX);
	s->kept = false;
	s->n = n < LIMIT_ARGS ? n : LIMIT_ARGS;
	/* At most 256 bytes at a time come whole. */
	for (i = 0; i < s->n; i++) {
		random_bytes(salts[i], ASIDE_SALT);
		memcpy(rows[i].salt, salts[i], ASIDE_SALT);
		rows[i].name = args[i].name;
		rows[i].value = args[i].value;
		aside_hash(&rows[i], sum);
		hex_encode(s->args[i].hash, sum, sizeof(sum));
		s->args[i].row = args[i];
		s->args[i].row.name = aside_name(args[i].name);
		s->args[i].row.origin = within(args[i].origin, &room);
		s->args[i].row.from = within(args[i].from, &room);
	}
	aside_encode(&s->bytes, rows, s->n);
}

struct oldest {
	uint8_t keys[OLDEST][KEY];
	uint32_t n;
};

static bool take_key(void *arg, struct span key, struct span)
{
	struct oldest *o = arg;

	if (key.n == KEY)
		memcpy(o->keys[o->n++], key.p, KEY);
	return o->n < OLDEST;
}

static bool drop_oldest(struct broker *b)
{
	static struct oldest o;
	uint32_t i;

	o.n = 0;
	(void)keep_rows(b, ROW_ASIDE, take_key, &o);
	log_warn("aside-full", "dropped=%u", o.n);
	for (i = 0; i < o.n; i++)
		if (!keep_row(b, ROW_ASIDE, span_of(o.keys[i], KEY),
			      span_of(NULL, 0), i + 1 < o.n))
			return false;
	return o.n > 0;
}

/* Chunk by chunk: two of them are more than one message takes. */
static bool put_all(struct broker *b, const struct aside *s)
{
	uint8_t key[KEY];
	size_t at;

	memcpy(key, s->id, ASIDE_ID);
	for (at = 0; at < s->bytes.n; at += ASIDE_CHUNK) {
		size_t n = s->bytes.n - at;

		key[ASIDE_ID] = (uint8_t)(at / ASIDE_CHUNK);
		if (!keep_row(b, ROW_ASIDE, span_of(key, KEY),
			      span_of(s->bytes.p + at,
				      n < ASIDE_CHUNK ? n : ASIDE_CHUNK),
			      false))
			return false;
	}
	return true;
}

bool aside_keep(struct broker *b)
{
	struct aside *s = &b->aside;

	if (s->kept || s->n == 0)
		return true;
	if (!buf_ok(&s->bytes)) {
		(void)str_printf(b->keep_why, sizeof(b->keep_why),
				 "its arguments are too long to be kept");
		return false;
	}
	new_id(s);
	s->kept = put_all(b, s);
	if (!s->kept && !span_is(SPAN_LIT(STORE_FULL), b->keep_why) &&
	    drop_oldest(b))
		s->kept = put_all(b, s);
	return s->kept;
}

static const char *key_of(struct aside *s, uint32_t i, unsigned k,
			  const char *what)
{
	char *key = s->args[i].keys[k];

	(void)str_printf(key, sizeof(s->args[i].keys[k]), "arg.%u.%s", i, what);
	return key;
}

void aside_record(struct broker *b)
{
	struct audit_record *r = &b->record;
	struct aside *s = &b->aside;
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		const struct record_arg *a = &s->args[i].row;

		audit_str(r, key_of(s, i, 0, "name"), a->name);
		audit_int(r, key_of(s, i, 1, "bytes"), a->value.n);
		audit_str(r, key_of(s, i, 2, "hash"),
			  span_str(s->args[i].hash));
		if (a->origin.n)
			audit_str(r, key_of(s, i, 3, "origin"), a->origin);
		if (a->from.n)
			audit_str(r, key_of(s, i, 4, "from"), a->from);
	}
	audit_int(r, "args", s->n);
	if (s->kept)
		audit_str(r, "aside", span_str(s->id_hex));
}

/* --- the owner ----------------------------------------------------------- */

static bool ids_ok(struct broker *b, struct peer *control)
{
	if (b->in.c_aside.ids.n % ASIDE_ID == 0 &&
	    utf8_valid(b->in.c_aside.sender))
		return true;
	answer_fail(b, control, "not ids of what lies aside");
	return false;
}

static void tell_one(struct broker *b, struct peer *control, struct span id)
{
	uint8_t after[KEY];
	size_t n = ASIDE_ID;
	const struct m_r_row *row;
	int i;

	memcpy(after, id.p, ASIDE_ID);
	for (i = 0; i < ASIDE_CHUNKS; i++) {
		row = keep_row_after(b, ROW_ASIDE, span_of(after, n));
		if (!row || row->key.n != KEY ||
		    memcmp(row->key.p, id.p, ASIDE_ID) != 0)
			return;
		n = KEY;
		memcpy(after, row->key.p, KEY);
		b->out.type = MSG_C_ASIDE_ROW;
		b->out.ids = b->ids;
		b->out.r_row = *row;
		peer_send(b, control, NULL, 0);
	}
}

void aside_tell(struct broker *b, struct peer *control)
{
	struct span ids = b->in.c_aside.ids;
	size_t at;

	if (!ids_ok(b, control))
		return;
	for (at = 0; at < ids.n; at += ASIDE_ID)
		tell_one(b, control, span_of(ids.p + at, ASIDE_ID));
	answer_ok(b, control);
}

static void record_erasure(struct broker *b, const struct m_c_aside *m,
			   const char *kind)
{
	audit_begin(&b->record, kind, &b->ids);
	if (m->item)
		audit_int(&b->record, "item", m->item);
	if (m->sender.n)
		audit_str(&b->record, "sender", m->sender);
	audit_int(&b->record, "records", m->ids.n / ASIDE_ID);
	(void)broker_audit(b, NULL);
}

void aside_erase(struct broker *b, struct peer *control)
{
	const struct m_c_aside m = b->in.c_aside;
	uint8_t key[KEY];
	uint32_t gathered = 0;
	size_t at;
	bool ok;
	int i;

	if (!ids_ok(b, control))
		return;
	record_erasure(b, &m, "audit.erase");
	ok = approvals_erase(b, m.ids);
	for (at = 0; ok && at < m.ids.n; at += ASIDE_ID) {
		memcpy(key, m.ids.p + at, ASIDE_ID);
		for (i = 0; ok && i < ASIDE_CHUNKS; i++) {
			bool more = ++gathered % LIMIT_ROWS != 0 &&
				    (at + ASIDE_ID < m.ids.n ||
				     i + 1 < ASIDE_CHUNKS);

			key[ASIDE_ID] = (uint8_t)i;
			ok = keep_row(b, ROW_ASIDE, span_of(key, KEY),
				      span_of(NULL, 0), more);
		}
	}
	if (ok) {
		answer_ok(b, control);
		return;
	}
	record_erasure(b, &m, "audit.erase.failed");
	answer_fail(b, control, b->keep_why);
}
