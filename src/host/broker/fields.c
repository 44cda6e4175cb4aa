/* fields: see fields.h. */
#include "host/broker/fields.h"

#include "base/str.h"

static const enum arg_type types[] = {
	[ARG_STRING] = TYPE_TEXT,
	[ARG_INTEGER] = TYPE_INT,
	[ARG_NUMBER] = TYPE_NUMBER,
	[ARG_BOOL] = TYPE_BOOL,
};

static bool name_ok(struct span s)
{
	size_t i;

	if (!s.n || s.n > FIELDS_NAME_MAX || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (i = 1; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '_' &&
		    s.p[i] != '-')
			return false;
	return true;
}

static bool row_ok(const struct m_effect_done *m, uint32_t at)
{
	const struct m_arg *a = &m->args[at];
	CLEAN_BUF struct buf canonical;
	uint32_t i;

	buf_init(&canonical, FIELDS_BYTES_MAX + 1);
	for (i = 0; i < at; i++)
		if (span_eq(m->args[i].name, a->name))
			return false;
	if (!name_ok(a->name) || a->shape != ARG_SCALAR ||
	    a->value.n > FIELDS_BYTES_MAX)
		return false;
	if (a->json == ARG_STRING)
		return utf8_valid(a->value);
	return a->json < ARRAY_SIZE(types) && types[a->json] &&
	       !type_canon(types[a->json], false, a->value, &canonical);
}

bool fields_take(struct session *s, struct span connector,
		 const struct m_effect_done *m, char text[FIELDS_TEXT])
{
	size_t at = strlen(text);
	uint32_t i;

	if (m->n > FIELDS_MAX)
		return false;
	for (i = 0; i < m->n; i++)
		if (!row_ok(m, i))
			return false;
	for (i = 0; s && i < m->n; i++) {
		const struct m_arg *a = &m->args[i];
		const struct session_answer f = {
			.connector = connector,
			.name = a->name,
			.effect = m->effect,
			.type = types[a->json],
			.bytes = a->value,
		};
		const struct handle *h;
		int n;

		/* A planner whose table is full has no more of them. */
		if (session_field(s, &f, &h) < 0)
			return true;
		n = str_printf(text + at, FIELDS_TEXT - at, "%s %.*s is @%u",
			       i ? "," : ":", (int)a->name.n, a->name.p, h->id);
		if (n < 0) {
			text[at] = 0;
			return true;
		}
		at += (size_t)n;
	}
	return true;
}
