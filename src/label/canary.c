/*
 * canary: see canary.h.
 *
 * Eight characters are one word of memory: every such part of every canary,
 * forwards and backwards, is in a table, and a folded text is looked at from
 * each of its positions. The texts are random and ours, so the table needs no
 * keyed hash.
 */
#include "label/canary.h"

#include <assert.h>
#include <stdlib.h>

#include "label/decode.h"
#include "label/hash.h"

enum {
	PARTS = CANARY_LEN - CANARY_TRIP + 1,
	SLOTS = 1 << 17,
	PACKED_MAX = 16 * GRAM_VALUE_MAX,
};

static_assert(CANARY_TRIP == sizeof(uint64_t), "a part is a word");
static_assert(2 * 2 * PARTS * CANARY_LIVE <= SLOTS, "at most half full");

struct canary {
	char text[CANARY_LEN];
	struct canary_tag tag;
};

struct slot {
	uint64_t part; /* 0: free; a text has no 0 */
	uint16_t canary;
	bool reversed;
};

struct canaries {
	struct canary live[CANARY_LIVE];
	size_t n, next;
	struct slot *slots;
	struct decoder value; /* that is looked at */
};

const char *canary_zone_name(unsigned z)
{
	static const char *const names[] = { [0] = "none",
					     [CANARY_RUN] = "run",
					     [CANARY_TASK] = "task",
					     [CANARY_ITEM] = "item" };

	static_assert(ARRAY_SIZE(names) == CANARY_ZONE_MAX, "a name each");
	return names[z < CANARY_ZONE_MAX ? z : 0];
}

struct canaries *canaries_new(void)
{
	struct canaries *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->slots = calloc(SLOTS, sizeof(*c->slots));
	if (!c->slots) {
		free(c);
		return NULL;
	}
	decoder_init(&c->value, PACKED_MAX);
	return c;
}

void canaries_free(struct canaries *c)
{
	if (!c)
		return;
	decoder_done(&c->value);
	free(c->slots);
	free(c);
}

void canary_make(const uint8_t random[CANARY_RANDOM], char ret[CANARY_LEN + 1])
{
	/* All but a, e, i and o: no words, and as many of each. */
	static const char alphabet[] = "bcdfghjklmnpqrstuvwxyz0123456789";
	size_t i;

	static_assert(sizeof(alphabet) - 1 == 32, "a divisor of 256");
	static_assert(CANARY_LEN <= CANARY_RANDOM, "a byte each");
	for (i = 0; i < CANARY_LEN; i++)
		ret[i] = alphabet[random[i] & 31];
	ret[CANARY_LEN] = 0;
}

/* --- the table ----------------------------------------------------------- */

static uint32_t slot_at(uint64_t part)
{
	return (uint32_t)(hash_mix(0, part) >> 8) & (SLOTS - 1);
}

static void put_part(struct canaries *c, uint64_t part, size_t canary,
		     bool reversed)
{
	uint32_t i = slot_at(part);

	while (c->slots[i].part && c->slots[i].part != part)
		i = (i + 1) & (SLOTS - 1);
	c->slots[i] = (struct slot){ part, (uint16_t)canary, reversed };
}

static void put_parts(struct canaries *c, size_t canary)
{
	const char *text = c->live[canary].text;
	char back[CANARY_LEN];
	uint64_t part;
	size_t i;

	for (i = 0; i < CANARY_LEN; i++)
		back[i] = text[CANARY_LEN - 1 - i];
	for (i = 0; i < PARTS; i++) {
		memcpy(&part, text + i, sizeof(part));
		put_part(c, part, canary, false);
		memcpy(&part, back + i, sizeof(part));
		put_part(c, part, canary, true);
	}
}

/* The place of a new one; an old one's parts are then in the table for nothing.
 */
static size_t place(struct canaries *c, bool *stale)
{
	size_t i, at;

	*stale = c->n == CANARY_LIVE;
	if (c->n < CANARY_LIVE)
		return c->n++;
	for (i = 0; i < CANARY_LIVE; i++) {
		at = c->next;
		c->next = (c->next + 1) % CANARY_LIVE;
		if (c->live[at].tag.zone != CANARY_RUN)
			return at;
	}
	return c->next;
}

static bool is_live(const struct canaries *c, const struct canary_tag *t)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->live[i].tag.zone == t->zone &&
		    c->live[i].tag.task == t->task &&
		    c->live[i].tag.item == t->item)
			return true;
	return false;
}

void canary_add(struct canaries *c, const char *text,
		const struct canary_tag *tag)
{
	bool stale;
	size_t at, i;

	if (is_live(c, tag))
		return;
	at = place(c, &stale);
	memcpy(c->live[at].text, text, CANARY_LEN);
	c->live[at].tag = *tag;
	if (!stale) {
		put_parts(c, at);
		return;
	}
	memset(c->slots, 0, SLOTS * sizeof(*c->slots));
	for (i = 0; i < c->n; i++)
		put_parts(c, i);
}

/* --- looking ------------------------------------------------------------- */

static const struct slot *find(const struct canaries *c, uint64_t part)
{
	uint32_t i = slot_at(part);

	while (c->slots[i].part && c->slots[i].part != part)
		i = (i + 1) & (SLOTS - 1);
	return c->slots[i].part ? &c->slots[i] : NULL;
}

/* In the form that was decoded last. */
static bool look(const struct canaries *c, enum gram_form form,
		 struct canary_match *ret)
{
	const struct span v = buf_view(&c->value.text);
	const struct slot *s;
	uint64_t part;
	size_t i;

	for (i = 0; i + CANARY_TRIP <= v.n; i++) {
		memcpy(&part, v.p + i, sizeof(part));
		s = find(c, part);
		if (!s)
			continue;
		ret->tag = c->live[s->canary].tag;
		ret->form = s->reversed && form == GRAM_PLAIN ? GRAM_REVERSED
							      : form;
		return true;
	}
	return false;
}

static bool look_decoded(struct canaries *c, struct span value,
			 struct canary_match *ret)
{
	unsigned a;

	for (a = 0; a < DECODE_ALPHABETS; a++) {
		decoder_alphabet(&c->value, value, a, CANARY_TRIP);
		if (look(c, GRAM_HEX + a, ret))
			return true;
	}
	return false;
}

bool canary_scan(struct canaries *c, struct span value,
		 struct canary_match *ret)
{
	*ret = (struct canary_match){ 0 };
	if (!c->n)
		return false;
	decoder_plain(&c->value, value);
	if (look(c, GRAM_PLAIN, ret))
		return true;
	decoder_url(&c->value, value, 0);
	if (look(c, GRAM_URL, ret))
		return true;
	return look_decoded(c, value, ret) || c->value.failed;
}
