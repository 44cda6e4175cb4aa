/* cards: see cards.h. */
#include "cards/cards.h"

#include <inttypes.h>

#include "approval/clause.h"
#include "base/sha256.h"
#include "base/str.h"
#include "policy/model.h"

/* "1.<ticket>.<word>.<times>.<MAC>" */
#define FORM "1."

static const uint32_t more_times[] = { 3, 10 };

/* --- the text ------------------------------------------------------------ */

/* The first bytes of text that make a part. */
static size_t part_of(struct span text, size_t most)
{
	const uint8_t *end;
	size_t n = most;

	if (text.n <= most)
		return text.n;
	end = memrchr(text.p, '\n', most);
	if (end && end > text.p)
		return (size_t)(end - text.p) + 1;
	/* Not within a character. */
	while (n > 1 && (text.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

size_t cards_split(struct span text, size_t most, struct span ret[CARDS_PARTS])
{
	size_t n = 0;

	while (text.n) {
		const size_t take = part_of(text, most);

		if (n == CARDS_PARTS)
			return 0;
		ret[n++] = span_of(text.p, take);
		text = span_of(text.p + take, text.n - take);
	}
	return n;
}

/* --- buttons ------------------------------------------------------------- */

static void mac_of(const struct cards_press *p, const uint8_t key[CARDS_KEY],
		   const uint8_t card[APPROVAL_HASH], uint8_t ret[CARDS_MAC])
{
	uint8_t head[13], mac[SHA256_LEN];
	struct hmac_sha256 m;
	size_t i;

	for (i = 0; i < 8; i++)
		head[i] = (uint8_t)(p->ticket >> (56 - 8 * i));
	head[8] = p->word;
	for (i = 0; i < 4; i++)
		head[9 + i] = (uint8_t)(p->times >> (24 - 8 * i));
	hmac_sha256_init(&m, span_of(key, CARDS_KEY));
	hmac_sha256_add(&m, SPAN_LIT("bulkhead button 1"));
	hmac_sha256_add(&m, span_of(head, sizeof(head)));
	hmac_sha256_add(&m, span_of(card, APPROVAL_HASH));
	hmac_sha256_final(&m, mac);
	memcpy(ret, mac, CARDS_MAC);
}

static const char letters[CARDS_WORD_MAX] = {
	[CARDS_YES] = 'y',
	[CARDS_ALWAYS] = 'a',
	[CARDS_NO] = 'n',
	[CARDS_FREEZE] = 'f',
};

static void put(struct cards_button *to, const char *label,
		const struct approval *a, const uint8_t key[CARDS_KEY],
		enum cards_word word, uint32_t times)
{
	struct cards_press p = { .ticket = a->ticket,
				 .word = (uint8_t)word,
				 .times = times };
	char hex[2 * CARDS_MAC + 1];

	mac_of(&p, key, a->card, p.mac);
	hex_encode(hex, p.mac, CARDS_MAC);
	(void)str_printf(to->label, sizeof(to->label), "%s", label);
	(void)str_printf(to->data, sizeof(to->data),
			 FORM "%" PRIu64 ".%c.%" PRIu32 ".%s", p.ticket,
			 letters[word], times, hex);
}

size_t cards_buttons(const struct approval *a, const uint8_t key[CARDS_KEY],
		     struct cards_button ret[CARDS_BUTTONS])
{
	char label[CARDS_LABEL];
	size_t n = 0, i;

	if (!a->code[0])
		put(&ret[n++], "Approve", a, key, CARDS_YES, 1);
	put(&ret[n++], "Refuse", a, key, CARDS_NO, 0);
	put(&ret[n++], "Refuse and freeze", a, key, CARDS_FREEZE, 0);
	for (i = 0; !a->code[0] && a->remember >= REMEMBER_TASK &&
		    i < ARRAY_SIZE(more_times);
	     i++) {
		(void)str_printf(label, sizeof(label),
				 "Approve %" PRIu32 " times", more_times[i]);
		put(&ret[n++], label, a, key, CARDS_YES, more_times[i]);
	}
	if (!a->code[0] && clause_may_be(a))
		put(&ret[n++], "Always", a, key, CARDS_ALWAYS, 1);
	return n;
}

/* --- what comes back ----------------------------------------------------- */

/* Takes what stands before the next full stop, and it. */
static struct span take(struct span *rest)
{
	const uint8_t *at = rest->n ? memchr(rest->p, '.', rest->n) : NULL;
	struct span ret = *rest;

	if (!at) {
		*rest = (struct span){ NULL, 0 };
		return ret;
	}
	ret = span_of(rest->p, (size_t)(at - rest->p));
	*rest = span_of(at + 1, rest->n - ret.n - 1);
	return ret;
}

static uint8_t word_of(struct span s)
{
	unsigned w;

	for (w = 1; w < CARDS_WORD_MAX; w++)
		if (s.n == 1 && s.p[0] == (uint8_t)letters[w])
			return (uint8_t)w;
	return 0;
}

bool cards_read(struct span data, struct cards_press *ret)
{
	struct span version, ticket, word, times;
	uint64_t number;

	if (data.n > CARDS_DATA)
		return false;
	version = take(&data);
	ticket = take(&data);
	word = take(&data);
	times = take(&data);
	*ret = (struct cards_press){ .word = word_of(word) };
	if (!span_is(version, "1") || !ret->word ||
	    num_parse(ticket, 1, INT64_MAX, &ret->ticket) < 0 ||
	    num_parse(times, 0, APPROVAL_TIMES, &number) < 0 ||
	    hex_decode(ret->mac, CARDS_MAC, data) < 0)
		return false;
	ret->times = (uint32_t)number;
	return true;
}

bool cards_is_ours(const struct cards_press *p, const uint8_t key[CARDS_KEY],
		   const uint8_t card[APPROVAL_HASH])
{
	uint8_t mac[CARDS_MAC];

	mac_of(p, key, card, mac);
	return mem_equal_ct(mac, p->mac, CARDS_MAC);
}
