/*
 * state: see state.h.
 *
 * Rows stand in a table of places that never move, so that what was taken can
 * name them; an index of the places in the order of the keys finds them. A
 * place whose row is forgotten is used again once the store knows of it, and
 * `age` tells one row in a place from the next.
 */
#include "policy/state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rd.h"

enum { ROW_VERSION = 1, SLOTS_LIVE = STATE_SLOTS + 2, CLOCK_SLACK_S = 2 };

#define NOW_MAX_MS (UINT64_C(1) << 50)

enum row_kind { ROW_FREE, ROW_CLOCK, ROW_WINDOW, ROW_NUMBER, ROW_FORGOTTEN };

struct slot {
	uint64_t at; /* time / length of a slot */
	uint64_t amount;
};

struct state_row {
	enum row_kind kind;
	bool dirty, stored;
	uint32_t age;
	uint32_t window_s;
	uint16_t key_n;
	uint8_t n, cap; /* slots, ascending */
	struct slot *slots;
	int64_t number;
	uint8_t *key;
};

struct policy_state {
	uint64_t now_ms; /* its own time */
	struct state_clock clock;
	bool have_clock, clock_dirty, running;
	uint32_t n;    /* places in use, from 0 on */
	uint32_t live; /* rows in order */
	uint32_t dirty_from, forgotten;
	struct state_row rows[STATE_KEYS];
	uint32_t order[STATE_KEYS]; /* places, by key */
};

static const struct span clock_key = { (const uint8_t *)"clock", 5 };

struct policy_state *policy_state_new(void)
{
	return calloc(1, sizeof(struct policy_state));
}

void policy_state_free(struct policy_state *s)
{
	uint32_t i;

	for (i = 0; s && i < s->n; i++) {
		free(s->rows[i].slots);
		free(s->rows[i].key);
	}
	free(s);
}

/* rows */

static struct span key_of(const struct state_row *r)
{
	return span_of(r->key, r->key_n);
}

static int key_cmp(struct span a, struct span b)
{
	int r = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return r ? r : (a.n > b.n) - (a.n < b.n);
}

/* Where the key stands in the order, or belongs. */
static uint32_t place_of(const struct policy_state *s, struct span key)
{
	uint32_t low = 0, high = s->live;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (key_cmp(key_of(&s->rows[s->order[mid]]), key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool key_ok(struct span key)
{
	return key.n > 0 && key.n <= STATE_KEY_MAX;
}

static const struct state_row *find(const struct policy_state *s,
				    struct span key)
{
	uint32_t at = key_ok(key) ? place_of(s, key) : s->live;

	if (at == s->live || !span_eq(key_of(&s->rows[s->order[at]]), key))
		return NULL;
	return &s->rows[s->order[at]];
}

static void touch(struct policy_state *s, struct state_row *r)
{
	uint32_t i = (uint32_t)(r - s->rows);

	r->dirty = true;
	if (i < s->dirty_from)
		s->dirty_from = i;
}

static void free_row(struct state_row *r)
{
	uint32_t age = r->age;

	free(r->slots);
	free(r->key);
	*r = (struct state_row){ .age = age + 1 };
}

/* Its place is kept until the store has been told, if it knows of the row. */
static void forget(struct policy_state *s, struct state_row *r)
{
	if (!r->stored) {
		free_row(r);
		return;
	}
	r->kind = ROW_FORGOTTEN;
	s->forgotten++;
	touch(s, r);
}

static void forget_at(struct policy_state *s, uint32_t at)
{
	forget(s, &s->rows[s->order[at]]);
	memmove(&s->order[at], &s->order[at + 1],
		(s->live - at - 1) * sizeof(s->order[0]));
	s->live--;
}

/* windows */

static uint64_t slot_length(uint32_t window_s)
{
	uint64_t n = ((uint64_t)window_s + STATE_SLOTS - 1) / STATE_SLOTS;

	return n ? n : 1;
}

static uint64_t slot_at(const struct policy_state *s, uint32_t window_s)
{
	return window_s ? s->now_ms / 1000 / slot_length(window_s) : 0;
}

/* True if what was taken at the slot's end still counts. */
static bool is_live(const struct policy_state *s, const struct state_row *r,
		    uint64_t slot)
{
	uint64_t length = slot_length(r->window_s), now = s->now_ms / 1000;

	return !r->window_s || (slot + 1) * length - 1 + r->window_s > now;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t used(const struct policy_state *s, const struct state_row *r)
{
	uint64_t sum = 0;
	uint8_t i;

	for (i = 0; i < r->n; i++)
		if (is_live(s, r, r->slots[i].at))
			sum = add(sum, r->slots[i].amount);
	return sum;
}

static void drop_slots(const struct policy_state *s, struct state_row *r)
{
	uint8_t gone = 0;

	while (gone < r->n && !is_live(s, r, r->slots[gone].at))
		gone++;
	if (!gone)
		return;
	r->n = (uint8_t)(r->n - gone);
	memmove(r->slots, r->slots + gone, r->n * sizeof(*r->slots));
}

/* Windows in which nothing is left say nothing. */
static void sweep(struct policy_state *s)
{
	uint32_t i, kept = 0;

	for (i = 0; i < s->live; i++) {
		struct state_row *r = &s->rows[s->order[i]];

		if (r->kind == ROW_WINDOW && !used(s, r))
			forget(s, r);
		else
			s->order[kept++] = s->order[i];
	}
	s->live = kept;
}

/* A place for a row. */
static struct state_row *free_place(struct policy_state *s)
{
	uint32_t i;

	if (s->n < STATE_KEYS)
		return &s->rows[s->n++];
	for (i = 0; i < s->n; i++)
		if (s->rows[i].kind == ROW_FREE)
			return &s->rows[i];
	sweep(s);
	return NULL;
}

static int add_row(struct policy_state *s, struct span key, enum row_kind kind,
		   struct state_row **ret)
{
	uint32_t at = place_of(s, key);
	struct state_row *r = free_place(s);

	if (!r)
		return -ENOSPC;
	r->key = malloc(key.n);
	if (!r->key)
		return -ENOMEM;
	memcpy(r->key, key.p, key.n);
	r->key_n = (uint16_t)key.n;
	r->kind = kind;
	memmove(&s->order[at + 1], &s->order[at],
		(s->live - at) * sizeof(s->order[0]));
	s->order[at] = (uint32_t)(r - s->rows);
	s->live++;
	*ret = r;
	return 0;
}

/* The row of a key, made if there is none. */
static int row_of(struct policy_state *s, struct span key, enum row_kind kind,
		  struct state_row **ret)
{
	const struct state_row *found = find(s, key);

	if (!key_ok(key) || span_eq(key, clock_key))
		return -EINVAL;
	if (!found)
		return add_row(s, key, kind, ret);
	*ret = &s->rows[found - s->rows];
	return found->kind == kind ? 0 : -EINVAL;
}

/* One slot more at the end. */
static int add_slot(struct state_row *r, struct slot slot)
{
	uint8_t cap = r->cap ? (uint8_t)(r->cap * 2) : 1;
	struct slot *slots;

	if (cap > SLOTS_LIVE)
		cap = SLOTS_LIVE;
	if (r->n == r->cap) {
		if (r->n == SLOTS_LIVE)
			return -ENOSPC;
		slots = reallocarray(r->slots, cap, sizeof(*slots));
		if (!slots)
			return -ENOMEM;
		r->slots = slots;
		r->cap = cap;
	}
	r->slots[r->n++] = slot;
	return 0;
}

bool policy_state_open(const struct policy_state *s,
		       const struct state_place *p)
{
	uint64_t n = policy_state_used(s, p->key, p->window_s);

	return n <= p->most && p->amount <= p->most - n;
}

uint64_t policy_state_used(const struct policy_state *s, struct span key,
			   uint32_t window_s)
{
	const struct state_row *r = find(s, key);

	if (!r)
		return 0;
	/* a key of another kind is nobody's: nothing may be left of it */
	return r->kind == ROW_WINDOW && r->window_s == window_s ? used(s, r)
								: UINT64_MAX;
}

static void note(struct policy_state *s, struct state_row *r,
		 struct state_taken *t, uint64_t slot, uint64_t amount)
{
	t->v[t->n].row = (uint32_t)(r - s->rows);
	t->v[t->n].age = r->age;
	t->v[t->n].slot = slot;
	t->v[t->n++].amount = amount;
	touch(s, r);
	s->clock_dirty = true;
}

int policy_state_take(struct policy_state *s, const struct state_place *p,
		      struct state_taken *t)
{
	uint64_t at = slot_at(s, p->window_s);
	struct state_row *r;
	int rc;

	if (t->n == STATE_TAKEN)
		return -ENOSPC;
	rc = row_of(s, p->key, ROW_WINDOW, &r);
	if (rc < 0)
		return rc;
	if (!r->n)
		r->window_s = p->window_s;
	if (r->window_s != p->window_s)
		return -EINVAL;
	drop_slots(s, r);
	if (!r->n || r->slots[r->n - 1].at < at)
		rc = add_slot(r, (struct slot){ .at = at });
	if (rc < 0)
		return rc;
	r->slots[r->n - 1].amount = add(r->slots[r->n - 1].amount, p->amount);
	note(s, r, t, r->slots[r->n - 1].at, p->amount);
	return 0;
}

/* numbers */

bool policy_state_number(const struct policy_state *s, struct span key,
			 int64_t *ret)
{
	const struct state_row *r = find(s, key);

	if (!r || r->kind != ROW_NUMBER)
		return false;
	*ret = r->number;
	return true;
}

int policy_state_set(struct policy_state *s, struct span key, int64_t v,
		     struct state_taken *t)
{
	bool known = find(s, key) != NULL;
	struct state_row *r;
	int rc;

	if (t->n == STATE_TAKEN)
		return -ENOSPC;
	rc = row_of(s, key, ROW_NUMBER, &r);
	if (rc < 0)
		return rc;
	note(s, r, t, known, (uint64_t)r->number);
	r->number = v;
	return 0;
}

/* back again */

static void give_amount(struct state_row *r, uint64_t slot, uint64_t amount)
{
	uint8_t i;

	for (i = 0; i < r->n && r->slots[i].at != slot; i++)
		;
	if (i == r->n)
		return;
	r->slots[i].amount -=
		amount < r->slots[i].amount ? amount : r->slots[i].amount;
	if (r->slots[i].amount)
		return;
	memmove(&r->slots[i], &r->slots[i + 1],
		(size_t)(r->n - i - 1) * sizeof(*r->slots));
	r->n--;
}

static void forget_row(struct policy_state *s, const struct state_row *r)
{
	forget_at(s, place_of(s, key_of(r)));
}

void policy_state_give_back(struct policy_state *s, struct state_taken *t)
{
	while (t->n) {
		uint32_t i = --t->n;
		struct state_row *r = &s->rows[t->v[i].row];

		if (r->age != t->v[i].age)
			continue;
		if (r->kind == ROW_WINDOW)
			give_amount(r, t->v[i].slot, t->v[i].amount);
		else if (r->kind == ROW_NUMBER)
			r->number = (int64_t)t->v[i].amount;
		else
			continue;
		touch(s, r);
		if (r->kind == ROW_WINDOW ? !r->n : !t->v[i].slot)
			forget_row(s, r);
	}
}

void policy_state_forget(struct policy_state *s, struct span prefix)
{
	uint32_t at;

	if (!key_ok(prefix))
		return;
	at = place_of(s, prefix);
	while (at < s->live) {
		struct span key = key_of(&s->rows[s->order[at]]);

		if (key.n < prefix.n || memcmp(key.p, prefix.p, prefix.n) != 0)
			return;
		forget_at(s, at);
	}
}

/* time */

/* What has passed since the clock was last read. */
static uint64_t passed_ms(const struct policy_state *s,
			  const struct state_clock *c)
{
	const struct state_clock *old = &s->clock;
	uint64_t s_away;

	if (!memcmp(old->boot_id, c->boot_id, sizeof(c->boot_id)))
		return c->boot_ms > old->boot_ms ? c->boot_ms - old->boot_ms
						 : 0;
	if (s->running || c->wall_s <= old->wall_s)
		return 0;
	s_away = c->wall_s - old->wall_s;
	return (s_away < STATE_AWAY_S ? s_away : STATE_AWAY_S) * 1000;
}

static bool was_set(const struct state_clock *old, const struct state_clock *c,
		    uint64_t passed_s)
{
	uint64_t expected = add(old->wall_s, passed_s);
	uint64_t off = expected > c->wall_s ? expected - c->wall_s
					    : c->wall_s - expected;

	return off > CLOCK_SLACK_S;
}

uint64_t policy_state_now(struct policy_state *s, const struct state_clock *c)
{
	uint64_t passed = s->have_clock ? passed_ms(s, c) : 0;

	s->now_ms = add(s->now_ms, passed);
	if (s->now_ms > NOW_MAX_MS)
		s->now_ms = NOW_MAX_MS;
	/* The first reading after a start is kept, for it may be another boot
	 * and the time that was counted must not be counted again; so is one
	 * behind which the wall clock was set. */
	s->clock_dirty |= !s->running || was_set(&s->clock, c, passed / 1000);
	s->clock = *c;
	s->have_clock = true;
	s->running = true;
	return s->now_ms / 1000;
}

/* the store */

static void write_clock(const struct policy_state *s, struct buf *row)
{
	buf_u8(row, ROW_VERSION);
	buf_u8(row, ROW_CLOCK);
	buf_u64(row, s->now_ms);
	buf_u64(row, s->clock.boot_ms);
	buf_u64(row, s->clock.wall_s);
	buf_put(row, s->clock.boot_id, sizeof(s->clock.boot_id));
}

static void write_row(const struct state_row *r, struct buf *row)
{
	uint8_t i;

	buf_u8(row, ROW_VERSION);
	buf_u8(row, (uint8_t)r->kind);
	if (r->kind == ROW_NUMBER) {
		buf_u64(row, (uint64_t)r->number);
		return;
	}
	if (!r->n) {
		buf_reset(row); /* nothing is left of it */
		return;
	}
	buf_u32(row, r->window_s);
	buf_u64(row, r->slots[0].at);
	buf_u8(row, r->n);
	for (i = 0; i < r->n; i++) {
		buf_u8(row, (uint8_t)(r->slots[i].at - r->slots[0].at));
		buf_u64(row, r->slots[i].amount);
	}
}

/* One that has changed, of those that are forgotten or of the others. */
static struct state_row *next_dirty(struct policy_state *s)
{
	uint32_t i;

	for (i = s->dirty_from; s->forgotten && i < s->n; i++)
		if (s->rows[i].kind == ROW_FORGOTTEN)
			return &s->rows[i];
	for (; s->dirty_from < s->n; s->dirty_from++)
		if (s->rows[s->dirty_from].dirty)
			return &s->rows[s->dirty_from];
	return NULL;
}

/* A key that was forgotten may be there again, so the store forgets first. The
 * clock comes last: a crash before it leaves what was taken too new, never too
 * old. */
bool policy_state_dirty(struct policy_state *s, struct buf *key,
			struct buf *row)
{
	struct state_row *r = next_dirty(s);

	buf_reset(key);
	buf_reset(row);
	if (!r && !s->clock_dirty)
		return false;
	buf_span(key, r ? key_of(r) : clock_key);
	if (!r)
		write_clock(s, row);
	else if (r->kind != ROW_FORGOTTEN)
		write_row(r, row);
	if (!buf_ok(key) || !buf_ok(row))
		return true;
	if (!r) {
		s->clock_dirty = false;
	} else if (r->kind == ROW_FORGOTTEN) {
		s->forgotten--;
		free_row(r);
	} else {
		r->dirty = false;
		r->stored = true;
	}
	return true;
}

void policy_state_again(struct policy_state *s)
{
	uint32_t i;

	for (i = 0; i < s->live; i++)
		touch(s, &s->rows[s->order[i]]);
	s->clock_dirty = true;
}

static int load_clock(struct policy_state *s, struct rd *rd)
{
	uint64_t now_ms = rd_u64(rd);
	struct state_clock c;

	c.boot_ms = rd_u64(rd);
	c.wall_s = rd_u64(rd);
	rd_copy(rd, c.boot_id, sizeof(c.boot_id));
	if (!rd_end(rd) || s->have_clock || now_ms > NOW_MAX_MS)
		return -EPROTO;
	s->clock = c;
	s->have_clock = true;
	if (now_ms > s->now_ms)
		s->now_ms = now_ms;
	return 0;
}

/* What a row says was taken was taken in the past. */
static void catch_up(struct policy_state *s, const struct state_row *r)
{
	uint64_t t = r->slots[r->n - 1].at * slot_length(r->window_s) * 1000;

	if (r->window_s && t > s->now_ms)
		s->now_ms = t < NOW_MAX_MS ? t : NOW_MAX_MS;
}

static int load_window(struct policy_state *s, struct state_row *r,
		       struct rd *rd)
{
	uint64_t first;
	uint8_t n, i;

	r->window_s = rd_u32(rd);
	first = rd_u64(rd);
	n = rd_u8(rd);
	if (rd->bad || !n || n > SLOTS_LIVE || r->window_s > STATE_WINDOW_S ||
	    first > NOW_MAX_MS / 1000 / slot_length(r->window_s) ||
	    (!r->window_s && (first || n > 1)))
		return -EPROTO;
	for (i = 0; i < n; i++) {
		struct slot slot = { .at = first + rd_u8(rd) };
		int rc;

		slot.amount = rd_u64(rd);
		if (rd->bad || !slot.amount || slot.at - first > SLOTS_LIVE ||
		    (i ? slot.at <= r->slots[i - 1].at : slot.at != first))
			return -EPROTO;
		rc = add_slot(r, slot);
		if (rc < 0)
			return rc;
	}
	if (!rd_end(rd))
		return -EPROTO;
	catch_up(s, r);
	return 0;
}

static int load_row(struct policy_state *s, struct span key, uint8_t kind,
		    struct rd *rd)
{
	struct state_row *r;
	int rc;

	if ((kind != ROW_WINDOW && kind != ROW_NUMBER) || find(s, key))
		return -EPROTO;
	rc = add_row(s, key, (enum row_kind)kind, &r);
	if (rc < 0)
		return rc == -ENOSPC ? -EPROTO : rc;
	r->stored = true;
	if (kind == ROW_WINDOW)
		return load_window(s, r, rd);
	r->number = (int64_t)rd_u64(rd);
	return rd_end(rd) ? 0 : -EPROTO;
}

int policy_state_load(struct policy_state *s, struct span key, struct span row)
{
	bool is_clock = span_eq(key, clock_key);
	uint8_t version, kind;
	struct rd rd;

	rd_init(&rd, row);
	version = rd_u8(&rd);
	kind = rd_u8(&rd);
	if (rd.bad || version != ROW_VERSION || !key_ok(key) ||
	    row.n > STATE_ROW_MAX || is_clock != (kind == ROW_CLOCK))
		return -EPROTO;
	return is_clock ? load_clock(s, &rd) : load_row(s, key, kind, &rd);
}
