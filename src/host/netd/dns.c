/* dns: see dns.h. */
#include "dns.h"

#include <string.h>

#include "base/buf.h"

enum {
	HEAD = 12,
	FLAG_ANSWER = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_CUT = 0x0200,
	FLAG_WANTED = 0x0100, /* recursion */
	RCODE = 0x000f,
	NXDOMAIN = 3,
	CLASS_IN = 1,
	TYPE_CNAME = 5,
	TYPE_OPT = 41,
	LABEL_MAX = 63,
	POINTER = 0xc0,
};

/* The packet and the next byte of it. */
struct at {
	struct span packet;
	size_t pos;
	bool bad;
};

static uint8_t take8(struct at *a)
{
	if (a->pos >= a->packet.n) {
		a->bad = true;
		return 0;
	}
	return a->packet.p[a->pos++];
}

static uint16_t take16(struct at *a)
{
	uint16_t high = take8(a);

	return (uint16_t)(high << 8 | take8(a));
}

static void skip(struct at *a, size_t n)
{
	if (n > a->packet.n - a->pos)
		a->bad = true;
	else
		a->pos += n;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

/* Copies one label behind the n bytes of ret; 0: there is no room for it. */
static size_t take_label(struct at *a, uint8_t length, uint8_t *ret, size_t n)
{
	uint8_t i;

	/* The label, its length, and the root's behind it. */
	if (length > LABEL_MAX || n + length + 2 > DNS_NAME) {
		a->bad = true;
		return 0;
	}
	ret[n++] = length;
	for (i = 0; i < length; i++)
		ret[n++] = lower(take8(a));
	return n;
}

/*
 * A name, in lower case, without compression; its length. Each pointer leads
 * to a place before the one that it stands at, and there are few of them.
 */
static size_t take_name(struct at *a, uint8_t ret[DNS_NAME])
{
	struct at in = *a;
	size_t n = 0, jumps = 0, end = 0;

	for (;;) {
		size_t here = in.pos;
		uint8_t c = take8(&in);

		if (in.bad || c == 0)
			break;
		if ((c & POINTER) == POINTER) {
			size_t to = (size_t)(c & ~POINTER) << 8;

			to |= take8(&in);
			if (!end)
				end = in.pos;
			if (in.bad || to >= here || ++jumps > DNS_JUMPS) {
				in.bad = true;
				break;
			}
			in.pos = to;
			continue;
		}
		n = take_label(&in, c, ret, n);
		if (in.bad)
			break;
	}
	if (in.bad) {
		a->bad = true;
		return 0;
	}
	ret[n++] = 0;
	a->pos = end ? end : in.pos;
	return n;
}

static void put16(struct buf *b, unsigned v)
{
	buf_u8(b, (uint8_t)(v >> 8));
	buf_u8(b, (uint8_t)v);
}

static int name_of(struct dns_query *q, const char *name)
{
	size_t n = 0;

	while (*name) {
		size_t length = strcspn(name, "."), i;

		if (!length || length > LABEL_MAX || n + length + 2 > DNS_NAME)
			return -1;
		q->name[n++] = (uint8_t)length;
		for (i = 0; i < length; i++)
			q->name[n++] = lower((uint8_t)name[i]);
		name += length;
		name += *name == '.';
	}
	q->name[n++] = 0;
	q->n_name = n;
	return n > 1 ? 0 : -1;
}

int dns_ask(struct dns_query *q, const char *name, enum dns_type type,
	    uint16_t id)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, sizeof(q->packet));
	*q = (struct dns_query){ .id = id, .type = type };
	if (name_of(q, name) < 0)
		return -1;
	put16(&b, id);
	put16(&b, FLAG_WANTED);
	put16(&b, 1); /* question */
	put16(&b, 0);
	put16(&b, 0);
	put16(&b, 1); /* additional: EDNS */
	buf_put(&b, q->name, q->n_name);
	put16(&b, type);
	put16(&b, CLASS_IN);
	buf_u8(&b, 0);
	put16(&b, TYPE_OPT);
	put16(&b, DNS_PACKET);
	put16(&b, 0);
	put16(&b, 0);
	put16(&b, 0);
	if (!buf_ok(&b))
		return -1;
	memcpy(q->packet, b.p, b.n);
	q->n_packet = b.n;
	return 0;
}

/* The name whose addresses are looked for: what was asked, then where its
 * alias leads. */
struct target {
	uint8_t name[DNS_NAME];
	size_t n;
	unsigned aliases;
};

/* One record; addresses of the target are added. */
static void take_record(const struct dns_query *q, struct at *a,
			struct target *t, struct netaddr *addrs, size_t *n)
{
	uint8_t owner[DNS_NAME];
	size_t n_owner = take_name(a, owner), end;
	uint16_t type = take16(a), class = take16(a), length;
	bool ours;

	skip(a, 4); /* how long it holds: we ask again each time */
	length = take16(a);
	if (a->bad || length > a->packet.n - a->pos) {
		a->bad = true;
		return;
	}
	end = a->pos + length;
	ours = class == CLASS_IN && n_owner == t->n &&
	       memcmp(owner, t->name, t->n) == 0;
	if (ours && type == TYPE_CNAME) {
		t->n = take_name(a, t->name);
		a->bad |= a->pos != end || ++t->aliases > DNS_ALIASES;
	} else if (ours && type == (uint16_t)q->type) {
		size_t want = q->type == DNS_AAAA ? 16 : 4;

		if (length != want || *n == DNS_ADDRS) {
			a->bad = true;
			return;
		}
		addrs[*n] = (struct netaddr){ .v6 = q->type == DNS_AAAA };
		memcpy(addrs[(*n)++].ip, a->packet.p + a->pos, want);
	}
	if (!a->bad)
		a->pos = end;
}

static bool is_ours(const struct dns_query *q, struct at *a)
{
	uint8_t name[DNS_NAME];
	size_t n = take_name(a, name);
	uint16_t type = take16(a), class = take16(a);

	return !a->bad && n == q->n_name && memcmp(name, q->name, n) == 0 &&
	       type == (uint16_t)q->type && class == CLASS_IN;
}

enum dns_result dns_answer(const struct dns_query *q, struct span packet,
			   struct netaddr *addrs, size_t *ret_n)
{
	struct at a = { .packet = packet };
	uint16_t id = take16(&a), flags = take16(&a);
	uint16_t questions = take16(&a), answers = take16(&a), i;
	struct target t = { .n = q->n_name };
	size_t n = 0;

	*ret_n = 0;
	skip(&a, HEAD - a.pos);
	if (a.bad || id != q->id || !(flags & FLAG_ANSWER) ||
	    flags & FLAG_OPCODE)
		return DNS_NOT_OURS;
	if (questions != 1 || !is_ours(q, &a))
		return DNS_NOT_OURS;
	if ((flags & RCODE) == NXDOMAIN)
		return DNS_NO_NAME;
	/* What was cut is not all of it, and may hide what is refused. */
	if (flags & (RCODE | FLAG_CUT))
		return DNS_FAILED;
	if (answers > DNS_RECORDS)
		return DNS_BAD;
	memcpy(t.name, q->name, q->n_name);
	for (i = 0; i < answers && !a.bad; i++)
		take_record(q, &a, &t, addrs, &n);
	if (a.bad)
		return DNS_BAD;
	*ret_n = n;
	return DNS_OK;
}
