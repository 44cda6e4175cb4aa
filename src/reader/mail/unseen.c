/*
 * unseen: see unseen.h. The words of the shown text are a set of hashes; it
 * is no secret, and two words that collide only hide a line of evidence.
 */
#include "reader/mail/unseen.h"

#include <stdlib.h>

enum {
	/* a set has twice the slots that its words need: a power of two */
	SLOTS_MIN = 1 << 10,
	SLOTS_MAX = UNSEEN_WORDS_MAX * 2,
};

struct set {
	uint32_t *slots;
	uint32_t mask;
};

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       c >= 0x80;
}

/* The next word at or behind *pos; false at the end. */
static bool word_next(struct span s, size_t *pos, struct span *ret)
{
	size_t from;

	while (*pos < s.n && !is_word(s.p[*pos]))
		(*pos)++;
	from = *pos;
	while (*pos < s.n && is_word(s.p[*pos]))
		(*pos)++;
	*ret = span_of(s.p + from, *pos - from);
	return ret->n > 0;
}

/* Never 0, which marks an empty slot. */
static uint32_t word_hash(struct span s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 32;
		h = (h ^ c) * 16777619u;
	}
	return h ? h : 1;
}

static bool set_has(const struct set *set, uint32_t h)
{
	uint32_t i = h & set->mask;

	while (set->slots[i] && set->slots[i] != h)
		i = (i + 1) & set->mask;
	return set->slots[i] == h;
}

static void set_fill(struct set *set, struct span shown)
{
	struct span word;
	size_t pos = 0;
	uint32_t n = 0;

	while (n < UNSEEN_WORDS_MAX && word_next(shown, &pos, &word)) {
		uint32_t h = word_hash(word);
		uint32_t i = h & set->mask;

		while (set->slots[i] && set->slots[i] != h)
			i = (i + 1) & set->mask;
		n += set->slots[i] == 0;
		set->slots[i] = h;
	}
}

/* Bytes of an address at the start of s, up to white space; 0 if none. */
static size_t address(struct span s)
{
	size_t n = 0;
	bool is = false;

	while (n < s.n && s.p[n] > ' ') {
		is |= s.p[n] == '@' ||
		      (s.p[n] == '/' && n && s.p[n - 1] == '/');
		n++;
	}
	return is ? n : 0;
}

/* A line contradicts by several new words, or by mostly new ones. */
static bool line_unseen(const struct set *set, struct span line)
{
	size_t fresh = 0;
	size_t all = 0;
	size_t pos = 0;
	struct span word;

	while (pos < line.n) {
		size_t skip;

		while (pos < line.n && line.p[pos] <= ' ')
			pos++;
		skip = address(span_of(line.p + pos, line.n - pos));
		if (skip) {
			pos += skip;
			continue;
		}
		while (pos < line.n && line.p[pos] > ' ') {
			if (!word_next(line, &pos, &word))
				break;
			all++;
			fresh += word.n > 1 && !set_has(set, word_hash(word));
			if (pos < line.n && line.p[pos] <= ' ')
				break;
		}
	}
	return fresh >= UNSEEN_LINE_WORDS || (fresh > 1 && fresh * 2 > all);
}

uint32_t unseen_lines(struct span shown, struct span other, struct buf *out)
{
	size_t slots = SLOTS_MIN;
	struct set set;
	uint32_t n = 0;
	size_t i = 0;

	/* two bytes of text are one word at most */
	while (slots < shown.n && slots < SLOTS_MAX)
		slots *= 2;
	set.mask = (uint32_t)slots - 1;
	set.slots = calloc(slots, sizeof(*set.slots));
	if (!set.slots)
		return 0;
	set_fill(&set, shown);
	while (i < other.n) {
		size_t from = i;

		while (i < other.n && other.p[i] != '\n')
			i++;
		if (line_unseen(&set, span_of(other.p + from, i - from))) {
			n++;
			buf_put(out, other.p + from, i - from);
			buf_u8(out, '\n');
		}
		i++;
	}
	free(set.slots);
	return n;
}
