/* label: see label.h. Both sets are ascending arrays: union and intersection
 * are one merge each. */
#include "label/label.h"

#include <assert.h>

#include "base/rd.h"

enum { LABEL_FORMAT = 1 };

const char *integrity_name(unsigned i)
{
	static const char *const names[] = {
		[INTEGRITY_EXTERNAL] = "external",
		[INTEGRITY_KNOWN] = "known",
		[INTEGRITY_OWNER] = "owner",
		[INTEGRITY_CONFIG] = "config",
	};

	static_assert(ARRAY_SIZE(names) == INTEGRITY_MAX, "a name for each");
	return i < ARRAY_SIZE(names) ? names[i] : "?";
}

struct label label_empty(void)
{
	return (struct label){ .integrity = INTEGRITY_CONFIG,
			       .audience = READ_BY_ALL };
}

struct label label_of(uint32_t atom, enum integrity i)
{
	struct label l = { .integrity = (uint8_t)i };

	label_add_atom(&l, atom);
	return l;
}

/* Where v stands in the ascending list, or belongs. */
static size_t place_of(const uint32_t *list, size_t n, uint32_t v)
{
	size_t low = 0;

	while (n > low) {
		size_t mid = low + (n - low) / 2;

		if (list[mid] < v)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

static bool has(const uint32_t *list, size_t n, uint32_t v)
{
	size_t at = place_of(list, n, v);

	return at < n && list[at] == v;
}

static void overflow(struct label *l)
{
	l->many = true;
	l->integrity = INTEGRITY_EXTERNAL;
}

/* Of too many the smallest numbers stay: the same ones in whatever order the
 * labels were joined. */
void label_add_atom(struct label *l, uint32_t atom)
{
	size_t at = place_of(l->atoms, l->n_atoms, atom);

	if (atom == ATOM_NONE) {
		overflow(l);
		return;
	}
	if (at < l->n_atoms && l->atoms[at] == atom)
		return;
	if (l->n_atoms == LABEL_ATOMS) {
		overflow(l);
		if (at == LABEL_ATOMS)
			return;
		l->n_atoms--;
	}
	memmove(&l->atoms[at + 1], &l->atoms[at],
		(l->n_atoms - at) * sizeof(l->atoms[0]));
	l->atoms[at] = atom;
	l->n_atoms++;
}

static void become_secret(struct label *l)
{
	l->audience = READ_BY_OWNER;
	l->n_readers = 0;
}

/* Keeps of l's readers those of an ascending list. */
static void intersect(struct label *l, const uint32_t *list, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < l->n_readers; i++)
		if (has(list, n, l->readers[i]))
			l->readers[kept++] = l->readers[i];
	l->n_readers = (uint8_t)kept;
	if (!kept)
		become_secret(l);
}

static void join_audience(struct label *l, const struct label *from)
{
	if (from->audience == READ_BY_ALL || l->audience == READ_BY_OWNER)
		return;
	if (from->audience == READ_BY_OWNER) {
		become_secret(l);
		return;
	}
	if (l->audience == READ_BY_SOME) {
		intersect(l, from->readers, from->n_readers);
		return;
	}
	l->audience = READ_BY_SOME;
	l->n_readers = from->n_readers;
	memcpy(l->readers, from->readers, sizeof(l->readers));
}

void label_join(struct label *l, const struct label *from)
{
	size_t i;

	for (i = 0; i < from->n_atoms; i++)
		label_add_atom(l, from->atoms[i]);
	if (from->many)
		overflow(l);
	if (from->integrity < l->integrity)
		l->integrity = from->integrity;
	join_audience(l, from);
}

static void add_reader(struct label *l, uint32_t who)
{
	size_t at = place_of(l->readers, l->n_readers, who);

	if (l->n_readers == LABEL_READERS ||
	    (at < l->n_readers && l->readers[at] == who))
		return;
	memmove(&l->readers[at + 1], &l->readers[at],
		(l->n_readers - at) * sizeof(l->readers[0]));
	l->readers[at] = who;
	l->n_readers++;
}

void label_restrict(struct label *l, const uint32_t *readers, size_t n)
{
	struct label only = { .audience = READ_BY_SOME,
			      .integrity = INTEGRITY_CONFIG };
	size_t i;

	for (i = 0; i < n; i++)
		if (readers[i] != ATOM_NONE && readers[i] != PRINCIPAL_OWNER)
			add_reader(&only, readers[i]);
	if (!only.n_readers)
		become_secret(&only);
	join_audience(l, &only);
}

bool label_may_read(const struct label *l, uint32_t principal)
{
	if (principal == PRINCIPAL_OWNER || l->audience == READ_BY_ALL)
		return true;
	if (principal == PRINCIPAL_EVERYONE || principal == ATOM_NONE)
		return false;
	return l->audience == READ_BY_SOME &&
	       has(l->readers, l->n_readers, principal);
}

bool label_has_atom(const struct label *l, uint32_t atom)
{
	return l->many || has(l->atoms, l->n_atoms, atom);
}

bool label_eq(const struct label *a, const struct label *b)
{
	return a->integrity == b->integrity && a->audience == b->audience &&
	       a->many == b->many && a->n_atoms == b->n_atoms &&
	       a->n_readers == b->n_readers &&
	       memcmp(a->atoms, b->atoms, a->n_atoms * sizeof(a->atoms[0])) ==
		       0 &&
	       memcmp(a->readers, b->readers,
		      a->n_readers * sizeof(a->readers[0])) == 0;
}

bool label_covers(const struct label *b, const struct label *a)
{
	struct label both = *b;

	label_join(&both, a);
	return label_eq(&both, b);
}

/* --- the store and the audit ------------------------------------------- */

/* A number without a name here is the other table's: it becomes `many`, or no
 * reader. */
void label_encode(struct buf *b, const struct label *l, const struct atoms *a)
{
	size_t i;

	buf_u8(b, LABEL_FORMAT);
	buf_u8(b, l->integrity);
	buf_u8(b, l->audience);
	buf_u8(b, l->many);
	buf_u8(b, l->n_atoms);
	buf_u8(b, l->n_readers);
	for (i = 0; i < l->n_atoms; i++)
		buf_blob(b, atoms_name(a, l->atoms[i]));
	for (i = 0; i < l->n_readers; i++)
		buf_blob(b, atoms_name(a, l->readers[i]));
}

static bool head_ok(const struct label *l)
{
	return l->integrity < INTEGRITY_MAX && l->audience < READ_BY_MAX &&
	       l->n_atoms <= LABEL_ATOMS && l->n_readers <= LABEL_READERS &&
	       (l->audience == READ_BY_SOME) == (l->n_readers > 0) &&
	       (!l->many || l->integrity == INTEGRITY_EXTERNAL);
}

static void decode_readers(struct rd *rd, size_t n, struct atoms *a,
			   struct label *l)
{
	uint32_t readers[LABEL_READERS];
	size_t i;

	for (i = 0; i < n; i++) {
		readers[i] = atoms_named(a, rd_blob(rd, ATOM_NAME_MAX));
		if (readers[i] && !atoms_is_principal(a, readers[i]))
			rd->bad = true;
	}
	if (n)
		label_restrict(l, readers, n);
}

int label_decode(struct span bytes, struct atoms *a, struct label *ret)
{
	struct label head = { 0 }, l;
	struct rd rd;
	size_t i;

	rd_init(&rd, bytes);
	if (rd_u8(&rd) != LABEL_FORMAT)
		return -1;
	head.integrity = rd_u8(&rd);
	head.audience = rd_u8(&rd);
	i = rd_u8(&rd);
	head.many = i == 1;
	head.n_atoms = rd_u8(&rd);
	head.n_readers = rd_u8(&rd);
	if (rd.bad || i > 1 || !head_ok(&head))
		return -1;
	l = (struct label){ .integrity = head.integrity, .many = head.many };
	if (head.audience == READ_BY_OWNER)
		become_secret(&l);
	for (i = 0; i < head.n_atoms; i++) {
		uint32_t id = atoms_named(a, rd_blob(&rd, ATOM_NAME_MAX));

		if (id && atoms_is_principal(a, id))
			return -1;
		label_add_atom(&l, id);
	}
	decode_readers(&rd, head.n_readers, a, &l);
	if (!rd_end(&rd))
		return -1;
	*ret = l;
	return 0;
}

static void put_names(struct buf *out, const uint32_t *list, size_t n,
		      const struct atoms *a)
{
	size_t i;

	for (i = 0; i < n && i < LABEL_TEXT_ATOMS; i++) {
		struct span name = atoms_name(a, list[i]);

		if (i)
			buf_u8(out, ',');
		buf_span(out, name.n ? name : SPAN_LIT("?"));
	}
	if (i < n)
		buf_printf(out, ",+%zu", n - i);
}

void label_text(struct buf *out, const struct label *l, const struct atoms *a)
{
	buf_printf(out, "%s from=", integrity_name(l->integrity));
	if (l->many)
		buf_str(out, "many:");
	put_names(out, l->atoms, l->n_atoms, a);
	buf_str(out, " readers=");
	switch ((enum label_audience)l->audience) {
	case READ_BY_ALL:
		buf_str(out, "public");
		break;
	case READ_BY_SOME:
		put_names(out, l->readers, l->n_readers, a);
		break;
	case READ_BY_OWNER:
	case READ_BY_MAX:
		buf_str(out, "secret");
		break;
	}
}
