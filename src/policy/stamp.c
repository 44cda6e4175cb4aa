/* stamp: see stamp.h. */
#include "policy/stamp.h"

#include <inttypes.h>

#include "base/str.h"
#include "policy/model.h"

const struct source *source_of(const struct policy *p,
			       const struct policy_source *row)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (&p->sources[i].row == row)
			return &p->sources[i];
	return NULL;
}

static bool is_member(const struct yaml_node *list, enum arg_type t,
		      struct span canonical)
{
	CLEAN_BUF struct buf entry;
	size_t i;

	buf_init(&entry, URL_MAX);
	for (i = 0; i < yaml_count(list); i++) {
		const char *text = yaml_text(yaml_at(list, i));

		buf_reset(&entry);
		if (!type_canon(t, false, span_str(text), &entry) &&
		    buf_ok(&entry) &&
		    type_matches(t, buf_view(&entry), canonical))
			return true;
	}
	return false;
}

const char *policy_set_of(const struct policy *p, enum arg_type t,
			  struct span canonical)
{
	size_t i;

	for (i = 0; canonical.n && i < p->n_sets; i++)
		if (yaml_kind(p->sets[i].list) == YAML_LIST &&
		    is_member(p->sets[i].list, t, canonical))
			return p->sets[i].name;
	return NULL;
}

static bool is_known(const struct policy *p, const struct source *s,
		     struct span sender)
{
	const enum arg_type t = source_sender_type(s);
	size_t i;

	if (!s->known || !sender.n)
		return false;
	for (i = 0; i < p->n_principals; i++)
		if (principal_is(&p->principals[i], t, sender))
			return true;
	return policy_set_of(p, t, sender) != NULL;
}

uint32_t stamp_sender(const struct source *s, struct span sender,
		      struct atoms *a)
{
	return sender.n ? atoms_principal(a, span_str(source_space(s)), sender)
			: ATOM_NONE;
}

static uint32_t origin(const struct source *s, uint64_t item, const char *field,
		       struct atoms *a)
{
	char number[24];
	struct atom_origin o = { .connector = span_str(s->row.connector),
				 .account = span_str(s->row.name),
				 .field = span_str(field) };

	(void)str_printf(number, sizeof(number), "%" PRIu64, item);
	o.item = span_str(number);
	return atoms_origin(a, &o);
}

struct label stamp_item(const struct policy *p, const struct source *s,
			struct span sender, uint64_t item, struct atoms *a)
{
	const uint32_t who = s->audience == AUDIENCE_THREAD
				     ? stamp_sender(s, sender, a)
				     : ATOM_NONE;
	struct label l = label_of(origin(s, item, "", a),
				  is_known(p, s, sender) ? INTEGRITY_KNOWN
							 : INTEGRITY_EXTERNAL);

	if (s->audience != AUDIENCE_PUBLIC)
		label_restrict(&l, &who, 1);
	return l;
}

struct label stamp_field(const struct label *item, const struct source *s,
			 uint64_t number, const char *field, struct atoms *a)
{
	struct label l = label_of(origin(s, number, field, a),
				  (enum integrity)item->integrity);

	l.audience = item->audience;
	l.n_readers = item->n_readers;
	memcpy(l.readers, item->readers, sizeof(l.readers));
	return l;
}
