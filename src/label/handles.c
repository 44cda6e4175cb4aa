/* handles: see handles.h. Entries are allocated one by one, so that a pointer
 * to one stays good while the table grows. */
#include "label/handles.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#define NO_ENTRY UINT32_MAX

enum { REF_ROOM = 64 }; /* "@", nine digits, ".", a field */

struct handles {
	uint32_t first;
	uint32_t n_ids; /* numbers given */
	uint32_t n;	/* entries */
	size_t bytes;
	uint32_t ids[HANDLES_MAX]; /* the entry of a number, or NO_ENTRY */
	struct handle *entries[HANDLES_MAX];
	uint8_t *values[HANDLES_MAX]; /* theirs, to be freed */
};

const char *origin_name(enum origin o)
{
	switch (o) {
	case ORIGIN_CONFIG:
		return "config";
	case ORIGIN_OWNER:
		return "owner";
	case ORIGIN_ENVELOPE:
		return "envelope";
	case ORIGIN_HANDLE:
		return "handle";
	case ORIGIN_PLANNER:
		return "planner";
	}
	return "?";
}

struct handles *handles_new(uint32_t first)
{
	struct handles *h = calloc(1, sizeof(*h));

	if (h)
		h->first = first ? first : 1;
	return h;
}

void handles_free(struct handles *h)
{
	uint32_t i;

	if (!h)
		return;
	for (i = 0; i < h->n; i++) {
		free(h->entries[i]);
		free(h->values[i]);
	}
	free(h);
}

uint32_t handles_first(const struct handles *h)
{
	return h->first;
}

uint32_t handles_next(const struct handles *h)
{
	return h->first + h->n_ids;
}

/* A text as a reader may give it, without what no text argument may have. */
static void put_clean(struct buf *out, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			continue;
		if (c == 0xc2 && i + 1 < s.n && s.p[i + 1] < 0xa0) {
			i++;
			continue;
		}
		buf_u8(out, c);
	}
}

static int canonical(const struct handle_value *v, struct buf *out)
{
	struct buf clean CLEAN_BUF = { .max = HANDLES_BYTES };
	struct span bytes = v->bytes;

	if (v->type == TYPE_TEXT) {
		put_clean(&clean, bytes);
		if (!buf_ok(&clean))
			return -ENOSPC;
		bytes = buf_view(&clean);
	}
	if (type_canon(v->type, true, bytes, out))
		return -EINVAL;
	return buf_ok(out) ? 0 : -ENOSPC;
}

static bool kind_ok(struct span kind)
{
	size_t i;

	for (i = 0; i < kind.n; i++)
		if (kind.p[i] <= ' ' || kind.p[i] > '~')
			return false;
	return kind.n > 0 && kind.n <= HANDLE_KIND_MAX;
}

static int fill(struct handle *k, const struct handle_value *v,
		struct buf *value)
{
	int r;

	if (!kind_ok(v->kind) ||
	    str_copy(k->kind, sizeof(k->kind), v->kind) < 0)
		return -EINVAL;
	r = canonical(v, value);
	if (r < 0)
		return r;
	k->type = v->type;
	k->origin = v->origin;
	k->item = v->item;
	k->label = *v->label;
	return 0;
}

/* A new entry, which has no number yet. */
static int append(struct handles *h, const struct handle_value *v,
		  struct handle **ret)
{
	struct buf value CLEAN_BUF = { .max = HANDLES_BYTES - h->bytes };
	struct handle *k;
	int r;

	if (h->n == HANDLES_MAX)
		return -ENOSPC;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	r = fill(k, v, &value);
	if (r < 0) {
		free(k);
		return r;
	}
	h->bytes += value.n;
	k->value = buf_view(&value);
	h->values[h->n] = value.p;
	h->entries[h->n++] = k;
	value = (struct buf){ 0 };
	*ret = k;
	return 0;
}

int handles_add(struct handles *h, const struct handle_value *v,
		const struct handle **ret)
{
	struct handle *k;
	int r;

	if (handles_next(h) > HANDLE_LAST || h->n_ids == HANDLES_MAX)
		return -ENOSPC;
	r = append(h, v, &k);
	if (r < 0)
		return r;
	k->id = handles_next(h);
	h->ids[h->n_ids++] = h->n - 1;
	*ret = k;
	return 0;
}

int handles_add_at(struct handles *h, uint32_t id, const struct handle_value *v,
		   const struct handle **ret)
{
	if (id < handles_next(h) || id - h->first >= HANDLES_MAX)
		return -EINVAL;
	while (handles_next(h) < id)
		h->ids[h->n_ids++] = NO_ENTRY;
	return handles_add(h, v, ret);
}

/* The entry of a number, the place in entries as *at. */
static struct handle *entry_of(const struct handles *h, uint64_t id)
{
	if (id < h->first || id - h->first >= h->n_ids)
		return NULL;
	if (h->ids[id - h->first] == NO_ENTRY)
		return NULL;
	return h->entries[h->ids[id - h->first]];
}

static struct handle *field_of(const struct handles *h, struct handle *k,
			       struct span name)
{
	while (k->next) {
		k = h->entries[k->next];
		if (span_is(name, k->field))
			return k;
	}
	return NULL;
}

/* As type_canon has it: nothing else is found again. */
static bool field_ok(const char *field)
{
	struct buf ref CLEAN_BUF = { .max = REF_ROOM },
		       canon CLEAN_BUF = { .max = REF_ROOM };

	buf_printf(&ref, "@1.%s", field);
	return buf_ok(&ref) && *field &&
	       !type_canon(TYPE_HANDLE, false, buf_view(&ref), &canon);
}

int handles_add_field(struct handles *h, const struct handle *of,
		      const char *field, const struct handle_value *v,
		      const struct handle **ret)
{
	struct handle *own = entry_of(h, of->id), *k;
	int r;

	if (!own || own != of || !field_ok(field))
		return -EINVAL;
	if (field_of(h, own, span_str(field)))
		return -EEXIST;
	r = append(h, v, &k);
	if (r < 0)
		return r;
	(void)str_printf(k->field, sizeof(k->field), "%s", field);
	k->id = of->id;
	k->next = own->next;
	own->next = h->n - 1;
	*ret = k;
	return 0;
}

static struct handle_value value_again(const struct handle *k)
{
	return (struct handle_value){ .kind = span_str(k->kind),
				      .type = k->type,
				      .origin = k->origin,
				      .bytes = k->value,
				      .item = k->item,
				      .label = &k->label };
}

int handles_copy(struct handles *h, const struct handles *from,
		 const struct handle *k, const struct handle **ret)
{
	const struct handle *field = k, *unused;
	struct handle_value v = value_again(k);
	int r = handles_add(h, &v, ret);

	while (r == 0 && !k->field[0] && field->next) {
		field = from->entries[field->next];
		v = value_again(field);
		r = handles_add_field(h, *ret, field->field, &v, &unused);
	}
	return r;
}

const struct handle *handles_find(const struct handles *h, struct span ref)
{
	struct buf canon CLEAN_BUF = { .max = REF_ROOM };
	const uint8_t *dot;
	struct span id;
	struct handle *k;
	uint64_t n;

	if (type_canon(TYPE_HANDLE, false, ref, &canon) || !ref.n)
		return NULL;
	dot = memchr(ref.p, '.', ref.n);
	id = span_of(ref.p + 1, (dot ? (size_t)(dot - ref.p) : ref.n) - 1);
	if (num_parse(id, 1, HANDLE_LAST, &n) < 0)
		return NULL;
	k = entry_of(h, n);
	if (!k || !dot)
		return k;
	return field_of(h, k,
			span_of(dot + 1, (size_t)(ref.p + ref.n - dot) - 1));
}

void handle_ref(struct buf *out, const struct handle *k)
{
	buf_printf(out, "@%u", k->id);
	if (k->field[0])
		buf_printf(out, ".%s", k->field);
}
