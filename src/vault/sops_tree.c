/* sops_tree: see sops_tree.h. */
#include "sops_tree.h"

#include <errno.h>
#include <stdlib.h>

int sops_tree_init(struct sops_tree *t, enum sops_format format)
{
	*t = (struct sops_tree){ .format = format, .meta = SOPS_ROOT };
	buf_init(&t->texts, SOPS_TEXTS_MAX);
	t->nodes = calloc(SOPS_NODES, sizeof(*t->nodes));
	return t->nodes ? 0 : -ENOMEM;
}

void sops_tree_done(struct sops_tree *t)
{
	buf_done(&t->texts);
	free(t->nodes);
	t->nodes = NULL;
	t->n = 0;
}

static struct span text_of(const struct sops_tree *t, struct sops_text s)
{
	return buf_part(&t->texts, s.at, s.n);
}

static struct sops_text keep(struct sops_tree *t, struct span s)
{
	const struct sops_text r = { (uint32_t)t->texts.n, (uint32_t)s.n };

	buf_span(&t->texts, s);
	return r;
}

static unsigned depth_of(const struct sops_tree *t, uint32_t i)
{
	unsigned n = 0;

	for (; i != SOPS_ROOT; i = t->nodes[i].up)
		n++;
	return n;
}

uint32_t sops_add(struct sops_tree *t, uint32_t up, enum sops_kind kind,
		  struct span key, struct span text, struct err *err)
{
	const bool named = up != SOPS_ROOT && t->nodes[up].kind == SOPS_MAP &&
			   kind != SOPS_COMMENT;
	struct sops_node *node;

	if (t->n == SOPS_NODES)
		(void)err_set(err, -EINVAL, "more than %d values: split it",
			      SOPS_NODES);
	else if (depth_of(t, up) >= SOPS_DEPTH)
		(void)err_set(err, -EINVAL, "nested deeper than %d",
			      SOPS_DEPTH);
	else if (key.n > SOPS_KEY_MAX)
		(void)err_set(err, -EINVAL, "a key is longer than %d bytes",
			      SOPS_KEY_MAX);
	else if (named && sops_child(t, up, key) != SOPS_ROOT)
		(void)err_set(err, -EINVAL, "a key is there twice: remove one");
	else {
		node = &t->nodes[t->n];
		*node = (struct sops_node){ .up = up, .kind = kind };
		node->key = keep(t, key);
		node->text = keep(t, text);
		if (buf_ok(&t->texts))
			return t->n++;
		(void)err_set(err, -ENOMEM, "it is too large");
	}
	return SOPS_ROOT;
}

struct span sops_key(const struct sops_tree *t, uint32_t i)
{
	return text_of(t, t->nodes[i].key);
}

struct span sops_node_text(const struct sops_tree *t, uint32_t i)
{
	return text_of(t, t->nodes[i].text);
}

int sops_set_text(struct sops_tree *t, uint32_t i, struct span text)
{
	t->nodes[i].text = keep(t, text);
	return buf_ok(&t->texts) ? 0 : -ENOMEM;
}

void sops_remove(struct sops_tree *t, uint32_t i)
{
	uint32_t k;

	t->nodes[i].gone = true;
	/* A child stands behind what it is in. */
	for (k = i + 1; k < t->n; k++)
		if (t->nodes[k].up != SOPS_ROOT &&
		    t->nodes[t->nodes[k].up].gone)
			t->nodes[k].gone = true;
}

uint32_t sops_next(const struct sops_tree *t, uint32_t up, uint32_t after)
{
	uint32_t i = after == SOPS_ROOT ? up + 1 : after + 1;

	/* up + 1 of the root is 0. */
	for (; i < t->n; i++)
		if (t->nodes[i].up == up && !t->nodes[i].gone)
			return i;
	return SOPS_ROOT;
}

uint32_t sops_child(const struct sops_tree *t, uint32_t up, struct span key)
{
	uint32_t i = sops_next(t, up, SOPS_ROOT);

	while (i != SOPS_ROOT && (t->nodes[i].kind == SOPS_COMMENT ||
				  !span_eq(sops_key(t, i), key)))
		i = sops_next(t, up, i);
	return i;
}

bool sops_is_scalar(enum sops_kind kind)
{
	return kind != SOPS_MAP && kind != SOPS_LIST && kind != SOPS_COMMENT;
}

bool sops_in_meta(const struct sops_tree *t, uint32_t i)
{
	/* Each document has one of the name, and the first one counts. */
	for (; t->nodes[i].up != SOPS_ROOT; i = t->nodes[i].up)
		if (t->nodes[t->nodes[i].up].up == SOPS_ROOT &&
		    span_is(sops_key(t, i), "sops"))
			return true;
	return false;
}

/* Its place in its list. */
static unsigned index_of(const struct sops_tree *t, uint32_t i)
{
	const uint32_t up = t->nodes[i].up;
	uint32_t k = sops_next(t, up, SOPS_ROOT);
	unsigned n = 0;

	for (; k != SOPS_ROOT && k != i; k = sops_next(t, up, k))
		n++;
	return n;
}

void sops_path(const struct sops_tree *t, uint32_t i, char sep, bool indexes,
	       struct buf *ret)
{
	uint32_t chain[SOPS_DEPTH + 2];
	unsigned n = 0;

	for (; t->nodes[i].up != SOPS_ROOT && n < SOPS_DEPTH + 1;
	     i = t->nodes[i].up)
		chain[n++] = i;
	while (n--) {
		const uint32_t up = t->nodes[chain[n]].up;

		if (t->nodes[up].kind == SOPS_MAP)
			buf_span(ret, sops_key(t, chain[n]));
		else if (indexes)
			buf_printf(ret, "%u", index_of(t, chain[n]));
		else
			continue;
		buf_u8(ret, (uint8_t)sep);
	}
}
