/* atoms: see atoms.h. Names lie one behind the other in one buffer; an open
 * hash table over them is never more than half full. */
#include "label/atoms.h"

#include <stdlib.h>

#include "base/sha256.h"
#include "base/str.h"
#include "label/hash.h"

struct entry {
	uint32_t at;   /* in names */
	uint32_t n;    /* bytes */
	uint32_t item; /* see atoms_item */
};

struct atoms {
	uint64_t seed;
	struct buf names;
	uint32_t n; /* entries, number 0 included */
	struct entry *entries;
	uint32_t cap;
	uint32_t *slots; /* numbers; 0: free */
	uint32_t n_slots;
};

enum {
	FIRST_CAP = 64,
	SLASHES_ITEM = 2,
	SLASHES_FIELD = 3,
	NAME_ROOM = 2 * ATOM_NAME_MAX, /* a part is cut after it is written */
};

static struct span name_of(const struct atoms *a, uint32_t id)
{
	const struct entry *e = &a->entries[id];

	return buf_part(&a->names, e->at, e->n);
}

struct span atoms_name(const struct atoms *a, uint32_t id)
{
	return id > 0 && id < a->n ? name_of(a, id) : (struct span){ 0 };
}

bool atoms_is_principal(const struct atoms *a, uint32_t id)
{
	struct span s = atoms_name(a, id);

	return s.n && s.p[0] == '=';
}

uint32_t atoms_item(const struct atoms *a, uint32_t id)
{
	return id > 0 && id < a->n ? a->entries[id].item : ATOM_NONE;
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t *slot_of(const struct atoms *a, struct span name)
{
	uint32_t mask = a->n_slots - 1;
	uint32_t i = (uint32_t)hash_bytes(a->seed, name) & mask;

	while (a->slots[i] && !span_eq(name_of(a, a->slots[i]), name))
		i = (i + 1) & mask;
	return &a->slots[i];
}

static bool grow(struct atoms *a)
{
	uint32_t cap = a->cap ? a->cap * 2 : FIRST_CAP, i;
	struct entry *entries = reallocarray(a->entries, cap, sizeof(*entries));
	uint32_t *slots;

	if (!entries)
		return false;
	a->entries = entries;
	slots = calloc((size_t)cap * 2, sizeof(*slots));
	if (!slots)
		return false;
	free(a->slots);
	a->slots = slots;
	a->n_slots = cap * 2;
	a->cap = cap;
	for (i = 1; i < a->n; i++)
		*slot_of(a, name_of(a, i)) = i;
	return true;
}

static uint32_t intern(struct atoms *a, struct span name)
{
	uint32_t *slot = slot_of(a, name);
	size_t at = a->names.n;

	if (*slot)
		return *slot;
	if (a->n >= ATOMS_MAX || (a->n == a->cap && !grow(a)))
		return ATOM_NONE;
	buf_span(&a->names, name);
	if (!buf_ok(&a->names)) {
		buf_cut(&a->names, at);
		a->names.bad = false;
		return ATOM_NONE;
	}
	a->entries[a->n] =
		(struct entry){ .at = (uint32_t)at, .n = (uint32_t)name.n };
	*slot_of(a, name) = a->n;
	return a->n++;
}

static bool is_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr(".@:+-_", c));
}

/* One part behind what out holds. '~' begins a hash and nothing else. */
static void put_part(struct buf *out, struct span part)
{
	char hex[2 * SHA256_LEN + 1];
	uint8_t digest[SHA256_LEN];
	size_t i, from = out->n;
	struct sha256 h;

	for (i = 0; i < part.n && out->n - from <= ATOM_PART_MAX; i++)
		if (is_plain(part.p[i]))
			buf_u8(out, part.p[i]);
		else
			buf_printf(out, "%%%02x", part.p[i]);
	if (out->n - from <= ATOM_PART_MAX)
		return;
	buf_cut(out, from);
	sha256_init(&h);
	sha256_add(&h, part);
	sha256_final(&h, digest);
	hex_encode(hex, digest, sizeof(digest));
	buf_printf(out, "~%s", hex);
}

static bool part_ok(struct span s)
{
	size_t i = s.n && s.p[0] == '~';

	for (; i < s.n; i++)
		if (!is_plain(s.p[i]) && s.p[i] != '%')
			return false;
	return s.n <= ATOM_PART_MAX;
}

/* The slashes of a name whose parts are all well formed, or -1. */
static int name_slashes(struct span name)
{
	size_t i, from = 0;
	int slashes = 0;

	for (i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] != '/')
			continue;
		if (!part_ok(span_of(name.p + from, i - from)))
			return -1;
		from = i + 1;
		slashes += i < name.n;
	}
	return slashes;
}

static struct span without_field(struct span name)
{
	while (name.n && name.p[name.n - 1] != '/')
		name.n--;
	if (name.n)
		name.n--;
	return name;
}

/* An origin with four parts has the one with three for its item. */
static uint32_t intern_origin(struct atoms *a, struct span name)
{
	int slashes = name_slashes(name);
	uint32_t item, id;

	if (slashes != SLASHES_ITEM && slashes != SLASHES_FIELD)
		return ATOM_NONE;
	item = intern(a, slashes == SLASHES_FIELD ? without_field(name) : name);
	if (!item)
		return ATOM_NONE;
	a->entries[item].item = item;
	if (slashes == SLASHES_ITEM)
		return item;
	id = intern(a, name);
	if (id)
		a->entries[id].item = item;
	return id;
}

uint32_t atoms_named(struct atoms *a, struct span name)
{
	uint32_t known;

	if (name.n == 0 || name.n > ATOM_NAME_MAX)
		return ATOM_NONE;
	known = *slot_of(a, name);
	if (known)
		return known;
	if (name.p[0] != '=')
		return intern_origin(a, name);
	if (name_slashes(span_of(name.p + 1, name.n - 1)) != 1)
		return ATOM_NONE;
	return intern(a, name);
}

uint32_t atoms_origin(struct atoms *a, const struct atom_origin *o)
{
	struct buf name CLEAN_BUF = { .max = NAME_ROOM };

	put_part(&name, o->connector);
	buf_u8(&name, '/');
	put_part(&name, o->account);
	buf_u8(&name, '/');
	put_part(&name, o->item);
	if (o->field.n) {
		buf_u8(&name, '/');
		put_part(&name, o->field);
	}
	return buf_ok(&name) ? atoms_named(a, buf_view(&name)) : ATOM_NONE;
}

uint32_t atoms_principal(struct atoms *a, struct span space, struct span id)
{
	struct buf name CLEAN_BUF = { .max = NAME_ROOM };

	buf_u8(&name, '=');
	put_part(&name, space);
	buf_u8(&name, '/');
	put_part(&name, id);
	return buf_ok(&name) ? atoms_named(a, buf_view(&name)) : ATOM_NONE;
}

struct atoms *atoms_new(uint64_t seed)
{
	static const char *const first[ATOM_FIRST] = {
		[ATOM_CONFIG] = "config",
		[ATOM_OWNER] = "owner",
		[PRINCIPAL_OWNER] = "=owner",
		[PRINCIPAL_EVERYONE] = "=everyone",
	};
	struct atoms *a = calloc(1, sizeof(*a));
	uint32_t i;

	if (!a)
		return NULL;
	a->seed = seed;
	a->n = 1;
	buf_init(&a->names, ATOMS_BYTES);
	if (!grow(a))
		goto fail;
	a->entries[0] = (struct entry){ 0 };
	for (i = ATOM_CONFIG; i < ATOM_FIRST; i++)
		if (intern(a, span_str(first[i])) != i)
			goto fail;
	return a;
fail:
	atoms_free(a);
	return NULL;
}

void atoms_free(struct atoms *a)
{
	if (!a)
		return;
	buf_done(&a->names);
	free(a->entries);
	free(a->slots);
	free(a);
}
