/* story: see story.h. */
#include "cli/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "proto/message_json.h"
#include "render/render.h"

struct story_part {
	enum msg_type type;
	uint64_t item;
	uint8_t verdict; /* of the item, or of the request */
	struct buf raw;	 /* the datagram */
	uint8_t *record; /* NULL if there is none */
	size_t record_n;
};

enum { INDENT = 14 };

void story_done(struct story *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		buf_done(&s->parts[i].raw);
		free(s->parts[i].record);
	}
	free(s->parts);
	*s = (struct story){ 0 };
}

static int grow(struct story *s)
{
	size_t cap = s->cap ? 2 * s->cap : 16;
	struct story_part *parts;

	if (s->n < s->cap)
		return 0;
	if (cap > STORY_PARTS)
		return -1;
	parts = reallocarray(s->parts, cap, sizeof(*parts));
	if (!parts)
		return -1;
	s->parts = parts;
	s->cap = cap;
	return 0;
}

/* The record that came beside a MSG_C_ITEM, if any. */
static int take_record(struct story_part *p, struct chan *ch)
{
	CLEAN_FD int fd = chan_take_fd(ch, 0);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = memfd_sealed_size(fd, LIMIT_RECORD);
	if (n <= 0)
		return -1;
	p->record = malloc((size_t)n);
	if (!p->record || fd_pread_all(fd, p->record, (size_t)n, 0) != n)
		return -1;
	p->record_n = (size_t)n;
	return 0;
}

int story_add(void *arg, struct chan *ch, const struct msg *m)
{
	struct story *s = arg;
	struct story_part *p;

	if ((m->type != MSG_C_ITEM && m->type != MSG_C_REQUEST) || grow(s) < 0)
		return -1;
	p = &s->parts[s->n++];
	*p = (struct story_part){ .type = m->type };
	buf_init(&p->raw, LIMIT_MSG);
	msg_encode(&p->raw, m);
	if (m->type == MSG_C_REQUEST) {
		p->item = m->c_request.item;
		p->verdict = m->c_request.verdict;
	} else {
		p->item = m->c_item.item;
		p->verdict = m->c_item.verdict;
		if (take_record(p, ch) < 0)
			return -1;
	}
	return buf_ok(&p->raw) ? 0 : -1;
}

size_t story_items(const struct story *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		n += s->parts[i].type == MSG_C_ITEM;
	return n;
}

size_t story_pending(const struct story *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		n += s->parts[i].type == MSG_C_ITEM &&
		     s->parts[i].verdict == ITEM_PENDING;
	return n;
}

static bool part_msg(const struct story_part *p, struct msg *ret)
{
	const char *why;

	return msg_decode(buf_view(&p->raw), ret, &why) == 0;
}

/* Text that need not be UTF-8, as a JSON string. */
json_t *story_foreign(struct span s)
{
	json_t *j = json_stringn(s.n ? (const char *)s.p : "", s.n);
	CLEAN_BUF struct buf b;

	buf_init(&b, 16 * s.n + 1);
	if (j)
		return j;
	render_text(&b, s, NULL, NULL);
	return json_stringn((const char *)b.p, b.n);
}

static json_t *arg_value(const struct m_arg *a)
{
	json_t *j = NULL;

	if (a->shape == ARG_EMPTY_LIST)
		return json_array();
	if (a->json == ARG_INTEGER || a->json == ARG_NUMBER ||
	    a->json == ARG_BOOL)
		j = json_loadb((const char *)a->value.p, a->value.n,
			       JSON_DECODE_ANY, NULL);
	if (j && !json_is_object(j) && !json_is_array(j))
		return j;
	json_decref(j);
	return story_foreign(a->value);
}

/* Adds one argument; a name that comes again becomes a list. */
static void arg_add(json_t *object, const struct m_arg *a)
{
	CLEAN_BUF struct buf name;
	json_t *old, *list, *value = arg_value(a);
	const char *key;

	buf_init(&name, 16 * LIMIT_NAME + 1);
	if (memchr(a->name.n ? (const void *)a->name.p : "", 0, a->name.n) ||
	    a->name.n == 0)
		render_text(&name, a->name, NULL, NULL);
	else
		buf_span(&name, a->name);
	key = buf_cstr(&name);
	old = json_object_get(object, key);
	if (!old) {
		if (a->shape == ARG_ELEMENT)
			value = json_pack("[o]", value);
		(void)json_object_set_new(object, key, value);
		return;
	}
	if (json_is_array(old)) {
		(void)json_array_append_new(old, value);
		return;
	}
	list = json_pack("[Oo]", old, value);
	(void)json_object_set_new(object, key, list);
}

json_t *story_args(const struct m_arg *args, uint32_t n)
{
	json_t *o = json_object();
	uint32_t i;

	for (i = 0; o && i < n; i++)
		arg_add(o, &args[i]);
	return o;
}

json_t *story_request_json(const struct m_c_request *r)
{
	return json_pack("{s:o,s:o,s:s,s:b,s:o,s:o,s:I}", "capability",
			 story_foreign(r->capability), "arguments",
			 story_args(r->args, r->n), "verdict",
			 r->verdict == VERDICT_ALLOW ? "allow" : "deny",
			 "executed", r->executed, "clause",
			 story_foreign(r->clause), "reason",
			 story_foreign(r->reason), "audit_index",
			 (json_int_t)r->audit_index);
}

static json_t *requests_json(const struct story *s, uint64_t item)
{
	json_t *list = json_array();
	struct msg m;
	size_t i;

	for (i = 0; list && i < s->n; i++)
		if (s->parts[i].type == MSG_C_REQUEST &&
		    s->parts[i].item == item && part_msg(&s->parts[i], &m))
			(void)json_array_append_new(
				list, story_request_json(&m.c_request));
	return list;
}

static json_t *record_json(const struct story_part *p)
{
	struct message message;
	const char *why;

	if (!p->record ||
	    message_decode(span_of(p->record, p->record_n), &message, &why) < 0)
		return json_null();
	return message_to_json(&message, true);
}

static json_t *item_json(const struct story *s, const struct story_part *p)
{
	const struct m_c_item *it;
	struct msg m;

	if (!part_msg(p, &m))
		return NULL;
	it = &m.c_item;
	return json_pack("{s:I,s:o,s:o,s:I,s:s,s:o,s:I,s:{s:o},s:o,s:I,s:o,"
			 "s:o,s:o}",
			 "item", (json_int_t)it->item, "source",
			 story_foreign(it->source), "key",
			 story_foreign(it->key), "size", (json_int_t)it->size,
			 "verdict", item_verdict_name(it->verdict), "fault",
			 story_foreign(it->fault), "reader_us",
			 (json_int_t)it->reader_us, "envelope", "from",
			 story_foreign(it->envelope_from), "message",
			 record_json(p), "task", (json_int_t)it->task,
			 "planner", story_foreign(it->planner), "requests",
			 requests_json(s, it->item), "answer",
			 story_foreign(it->answer));
}

json_t *story_json(const struct story *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < s->n; i++)
		if (s->parts[i].type == MSG_C_ITEM &&
		    json_array_append_new(list, item_json(s, &s->parts[i]))) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:o}", "items", list);
}

/* The same for people. */

/* "  label     ", after which the column is INDENT. */
static void label(struct buf *b, const struct show *how, const char *own)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "  %-*s", INDENT - 2, own);
	show_put(b, how, SHOW_DIM, text);
}

static void removed_line(struct buf *b, const struct message *m)
{
	uint32_t i;

	for (i = 0; i < m->n_removed; i++) {
		const char *name = message_removed_name(
			(enum message_removed_kind)m->removed[i].kind);

		/* Our own names; broken where a line is full. */
		buf_printf(b, "%s%s %u",
			   i == 0	? ""
			   : i % 4 == 0 ? ",\n              "
					: ", ",
			   name ? name : "unknown", m->removed[i].count);
	}
	buf_str(b, m->n_removed ? "\n" : "nothing\n");
}

static void findings_line(struct buf *b, const struct show *how,
			  const struct message *m)
{
	unsigned top = 0;
	uint32_t i;

	for (i = 0; i < m->n_findings; i++)
		if (m->findings[i].score > top)
			top = m->findings[i].score;
	if (m->n_findings == 0) {
		buf_str(b, "nothing found\n");
		return;
	}
	show_put(b, how, SHOW_BAD, "looks like an attack");
	buf_printf(b, ": %u finding%s, highest score %u of 100\n",
		   m->n_findings, m->n_findings == 1 ? "" : "s", top);
}

void story_message(struct buf *b, const struct show *how,
		   const struct message *m)
{
	json_t *json = message_to_json(m, true);

	label(b, how, "removed");
	removed_line(b, m);
	label(b, how, "detector");
	findings_line(b, how, m);
	label(b, how, "JSON");
	if (json)
		show_json_wide(b, how, json, INDENT, INDENT);
	buf_u8(b, '\n');
	json_decref(json);
}

static void reader_lines(struct buf *b, const struct show *how,
			 const struct story_part *p, const struct m_c_item *it)
{
	struct message message;
	const char *why = "";

	label(b, how, "reader VM");
	if (it->verdict == ITEM_REFUSED) {
		show_put(b, how, SHOW_BAD, "REFUSED");
		buf_str(b, ": ");
		show_text(b, how, it->fault, INDENT + 9, INDENT);
		buf_u8(b, '\n');
	}
	if (!p->record) {
		if (it->verdict != ITEM_REFUSED)
			buf_str(b, it->verdict == ITEM_PENDING
					   ? "at work\n"
					   : "gave no record\n");
		return;
	}
	if (message_decode(span_of(p->record, p->record_n), &message, &why) <
	    0) {
		buf_printf(b, "a record that is not valid: %s\n", why);
		return;
	}
	buf_printf(b, "a fresh one; valid JSON after %.2f s, VM destroyed\n",
		   (double)it->reader_us / 1e6);
	story_message(b, how, &message);
}

void story_request(struct buf *b, const struct show *how,
		   const struct m_c_request *r)
{
	bool allowed = r->verdict == VERDICT_ALLOW;
	json_t *args = story_args(r->args, r->n);

	label(b, how, "request");
	show_text(b, how, r->capability, INDENT, INDENT + 2);
	buf_printf(b, "\n%*s", INDENT + 2, "");
	if (args)
		show_json_wide(b, how, args, INDENT + 2, INDENT + 2);
	json_decref(args);
	buf_u8(b, '\n');
	label(b, how, "verdict");
	show_put(b, how, allowed ? SHOW_GOOD : SHOW_BAD,
		 allowed ? "ALLOWED" : "REFUSED");
	buf_str(b, " by ");
	show_text(b, how, r->clause, INDENT + 11, INDENT + 2);
	buf_printf(b, "\n%*s%s; audit record %llu\n", INDENT, "",
		   r->executed ? "executed" : "not executed",
		   (unsigned long long)r->audit_index);
	if (r->reason.n) {
		buf_printf(b, "%*s", INDENT, "");
		show_text(b, how, r->reason, INDENT, INDENT);
		buf_u8(b, '\n');
	}
}

static void planner_lines(struct buf *b, const struct show *how,
			  const struct story *s, const struct m_c_item *it)
{
	struct span answer;
	struct msg m;
	size_t i, n = 0;

	if (it->verdict == ITEM_REFUSED ||
	    (!it->task && it->verdict != ITEM_TASK_FAILED))
		return;
	label(b, how, "planner VM");
	show_text(b, how, it->planner, INDENT, INDENT);
	buf_printf(b, ", task %llu", (unsigned long long)it->task);
	if (it->verdict == ITEM_TASK_FAILED) {
		buf_str(b, ": FAILED: ");
		show_text(b, how, it->fault, 60, INDENT);
	}
	for (i = 0; i < s->n; i++)
		n += s->parts[i].type == MSG_C_REQUEST &&
		     s->parts[i].item == it->item;
	buf_printf(b, n ? "; asked for %zu thing%s\n" : "; asked for nothing\n",
		   n, n == 1 ? "" : "s");
	for (i = 0; i < s->n; i++)
		if (s->parts[i].type == MSG_C_REQUEST &&
		    s->parts[i].item == it->item && part_msg(&s->parts[i], &m))
			story_request(b, how, &m.c_request);
	answer = it->answer;
	while (answer.n && answer.p[answer.n - 1] == '\n')
		answer.n--;
	if (answer.n) {
		label(b, how, "answer");
		show_text(b, how, answer, INDENT, INDENT);
		buf_u8(b, '\n');
	}
}

static void item_heading(struct buf *b, const struct show *how,
			 const struct m_c_item *it)
{
	static const char *const words[] = {
		[ITEM_PENDING] = "IN WORK",
		[ITEM_READ] = "READ",
		[ITEM_REFUSED] = "REFUSED",
		[ITEM_TASK_FAILED] = "TASK FAILED",
		[ITEM_INTERRUPTED] = "INTERRUPTED",
		[ITEM_GIVEN_UP] = "GIVEN UP",
	};
	enum show_style style = it->verdict == ITEM_READ      ? SHOW_GOOD
				: it->verdict == ITEM_PENDING ? SHOW_BOLD
							      : SHOW_BAD;
	char text[64];

	(void)snprintf(text, sizeof(text), "Item %llu",
		       (unsigned long long)it->item);
	show_put(b, how, SHOW_BOLD, text);
	buf_str(b, " from ");
	show_text(b, how, it->source, 16, 4);
	buf_str(b, ", ");
	show_count(b, it->size);
	buf_str(b, " bytes: ");
	show_put(b, how, style,
		 it->verdict < ARRAY_SIZE(words) ? words[it->verdict] : "?");
	buf_u8(b, '\n');
}

static void item_lines(struct buf *b, const struct show *how,
		       const struct story *s, const struct story_part *p)
{
	const struct m_c_item *it;
	struct msg m;

	if (!part_msg(p, &m))
		return;
	it = &m.c_item;
	item_heading(b, how, it);
	label(b, how, "name");
	show_text(b, how, it->key, INDENT, INDENT);
	buf_u8(b, '\n');
	label(b, how, "header");
	if (it->envelope_from.n) {
		buf_str(b, "claims to be from ");
		show_text(b, how, it->envelope_from, INDENT + 18, INDENT);
		buf_u8(b, '\n');
	} else {
		buf_str(b, "names no single sender\n");
	}
	reader_lines(b, how, p, it);
	planner_lines(b, how, s, it);
}

void story_print(struct buf *b, const struct show *how, const struct story *s)
{
	bool first = true;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->parts[i].type != MSG_C_ITEM)
			continue;
		if (!first)
			buf_u8(b, '\n');
		first = false;
		item_lines(b, how, s, &s->parts[i]);
	}
	if (first)
		buf_str(b, "No items yet.\n");
}
