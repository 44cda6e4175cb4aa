/* session: see session.h. */
#include "host/broker/session.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/str.h"
#include "host/broker/asked.h"
#include "label/answer.h"
#include "label/links.h"
#include "llm/ask.h"
#include "policy/model.h"
#include "policy/stamp.h"

enum { WORDS_MAX = LIMIT_RECORD };

enum list { LIST_TO, LIST_CC, LIST_LINKS, LIST_ATTACHMENTS, LISTS };

/* Of a text that a model wrote about another. */
static const char said_kind[] = "answer.text";

static const struct {
	const char *name, *kind, *field;
	bool typed; /* no text is in it: told of where only types are shown */
} lists[LISTS] = {
	[LIST_TO] = { "to", "address", "to", false },
	[LIST_CC] = { "cc", "address", "cc", false },
	[LIST_LINKS] = { "links", "link", "link", false },
	[LIST_ATTACHMENTS] = { "attachments", "attachment", "attachment",
			       true },
};

/* One item of the task. Handles are NULL where there is no such value. */
struct seen {
	uint64_t item, came_s;
	const struct source *source;
	char sender[EMAIL_MAX + 1];   /* canonical; "": nobody */
	char chat[LIMIT_CHAT_ID + 1]; /* "": the sender is where it came from */
	const char *set;	      /* that the sender is in */
	struct label label, fact;     /* of the item, of its sender's name */
	struct link_set links;	      /* of its texts, once somebody acts */
	struct buf words; /* that are no handle's text, a 0 behind each */
	struct answer_budget answers; /* of its source, in its first row */
	struct decide_item decide;
	const struct handle *thread, *from, *subject, *body;
	const struct handle *in[LISTS][SESSION_LIST];
	uint32_t n_in[LISTS];  /* of those */
	uint32_t n_all[LISTS]; /* that there are */
};

struct session {
	const struct policy *policy;
	uint64_t task, seed;
	char *text, *goal; /* goal NULL: not forked */
	size_t text_n, goal_n;
	struct tokens words; /* of text */
	struct link_set links;
	struct label owner, pc;
	struct atoms *atoms;
	struct handles *handles;
	bool indexed;	   /* for the first call */
	struct gram *gram; /* from then on; NULL: out of memory */
	/* For requests alone: what a value has in common with a name says
	 * little of where it is from. */
	struct gram *names;
	bool unfound;	  /* there is what the indices have no room for */
	struct label all; /* of all texts that the task is about */
	struct asked asked;
	struct seen rows[SESSION_ITEMS];
	size_t n_rows;
	const struct handle *forked[SESSION_REFS];
	size_t n_forked;
	uint32_t forks;
	bool tripped;
	uint32_t bits;
	/* What the last session_decide_in lent. */
	struct arg_fact facts[2 * SESSION_ITEMS];
	struct decide_item items[SESSION_ITEMS];
	struct arg_context context;
};

static char *copy(struct span s)
{
	char *p = malloc(s.n + 1);

	if (!p)
		return NULL;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return p;
}

uint32_t session_handle(uint32_t first)
{
	return first + 2 * HANDLES_MAX > HANDLE_LAST ? 1 : first + HANDLES_MAX;
}

struct session *session_new(const struct session_start *start)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->policy = start->policy;
	s->task = start->task;
	s->seed = start->seed;
	s->text = copy(start->text);
	s->text_n = start->text.n;
	s->atoms = atoms_new(start->seed);
	s->handles = handles_new(start->handle);
	if (!s->text || !s->atoms || !s->handles) {
		session_free(s);
		return NULL;
	}
	/* Of a text that cannot be read no word is the owner's. */
	if (tokens_read(&s->words, start->text) < 0)
		s->words = (struct tokens){ 0 };
	link_set_init(&s->links);
	asked_init(&s->asked);
	s->all = label_empty();
	s->owner = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	s->pc = s->owner;
	return s;
}

static void drop_row(struct seen *r)
{
	link_set_done(&r->links);
	buf_done(&r->words);
}

void session_free(struct session *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_rows; i++)
		drop_row(&s->rows[i]);
	asked_done(&s->asked);
	link_set_done(&s->links);
	tokens_done(&s->words);
	gram_free(s->gram);
	gram_free(s->names);
	handles_free(s->handles);
	atoms_free(s->atoms);
	free(s->text);
	free(s->goal);
	free(s);
}

/* --- items --------------------------------------------------------------- */

/* One part of an item that is being added. */
struct part {
	struct session *s;
	struct seen *r;
	const char *kind; /* "text" */
	const char *field;
	enum arg_type type;
	struct span bytes;
};

static struct handle_value value_of(const struct part *p, char *kind,
				    struct label *label)
{
	*label = stamp_field(&p->r->label, p->r->source, p->r->item, p->field,
			     p->s->atoms);
	(void)str_printf(kind, HANDLE_KIND_MAX + 1, "%s.%s",
			 p->r->source->row.name, p->kind);
	return (struct handle_value){ .kind = span_str(kind),
				      .type = p->type,
				      .origin = ORIGIN_HANDLE,
				      .bytes = p->bytes,
				      .item = p->r->item,
				      .label = label };
}

/* A handle for the part; NULL, and 0, for what is no value of its type. */
static int add_part(const struct part *p, const struct handle **ret)
{
	char kind[HANDLE_KIND_MAX + 1];
	struct label label;
	struct handle_value v = value_of(p, kind, &label);
	int r = handles_add(p->s->handles, &v, ret);

	if (r < 0)
		*ret = NULL;
	return r == -EINVAL ? 0 : r;
}

/* A name or a title, as a field of the handle beside it, where texts have
 * handles at all. */
static int add_words(const struct part *of, const struct handle *h,
		     const char *field, struct span words)
{
	struct part p = *of;
	char kind[HANDLE_KIND_MAX + 1];
	const struct handle *ret;
	struct label label;
	struct handle_value v;
	int r;

	if (!h || !words.n || of->r->source->reveal == REVEAL_TYPED)
		return 0;
	p.kind = "text";
	p.type = TYPE_TEXT;
	p.bytes = words;
	v = value_of(&p, kind, &label);
	r = handles_add_field(p.s->handles, h, field, &v, &ret);
	return r == -EINVAL ? 0 : r;
}

static int add_address(struct session *s, struct seen *r, const char *field,
		       const struct message_addr *a, const struct handle **ret)
{
	const struct part p = { .s = s,
				.r = r,
				.kind = "address",
				.field = field,
				.type = source_sender_type(r->source),
				.bytes = a->addr };
	int code = add_part(&p, ret);

	return code < 0 ? code : add_words(&p, *ret, "name", a->name);
}

/* The sender whom the provider vouches for; else whom the message names. */
static int add_from(struct session *s, struct seen *r, const struct message *m)
{
	struct label label = r->fact;
	char kind[HANDLE_KIND_MAX + 1];
	struct handle_value v = { .type = source_sender_type(r->source),
				  .origin = ORIGIN_ENVELOPE,
				  .bytes = span_str(r->sender),
				  .item = r->item,
				  .label = &label };
	struct part p = { .s = s, .r = r, .kind = "address", .field = "from" };
	int code;

	if (!r->sender[0])
		return add_address(s, r, "from", &m->from, &r->from);
	(void)str_printf(kind, sizeof(kind), "%s.address", r->source->row.name);
	v.kind = span_str(kind);
	code = handles_add(s->handles, &v, &r->from);
	return code < 0 ? code : add_words(&p, r->from, "name", m->from.name);
}

static int add_link(struct session *s, struct seen *r, const char *field,
		    const struct message_link *l, const struct handle **ret)
{
	const struct part p = { .s = s,
				.r = r,
				.kind = "link",
				.field = field,
				.type = TYPE_URL,
				.bytes = l->url };
	int code = add_part(&p, ret);

	return code < 0 ? code : add_words(&p, *ret, "text", l->text);
}

/* The file as a value: its name is its sender's, and may be none. */
static int add_attachment(struct session *s, struct seen *r, const char *field,
			  const struct message_attachment *a,
			  const struct handle **ret)
{
	char hash[FILE_HASH_HEX + 1];
	CLEAN_BUF struct buf b;
	struct part p = { .s = s,
			  .r = r,
			  .kind = "attachment",
			  .field = field,
			  .type = TYPE_FILE };
	int code;

	buf_init(&b, 1024);
	hex_encode(hash, a->sha256, sizeof(a->sha256));
	buf_printf(&b, "sha256:%s:%llu:", hash, (unsigned long long)a->size);
	buf_span(&b, a->name);
	p.bytes = buf_view(&b);
	code = add_part(&p, ret);
	return code < 0 ? code : add_words(&p, *ret, "name", a->name);
}

static int add_one(struct session *s, struct seen *r, const struct message *m,
		   enum list l, uint32_t i, const struct handle **ret)
{
	char field[24];

	(void)str_printf(field, sizeof(field), "%s.%u", lists[l].field, i);
	if (l == LIST_LINKS)
		return add_link(s, r, field, &m->links[i], ret);
	if (l == LIST_ATTACHMENTS)
		return add_attachment(s, r, field, &m->attachments[i], ret);
	return add_address(s, r, field, l == LIST_TO ? &m->to[i] : &m->cc[i],
			   ret);
}

static int add_list(struct session *s, struct seen *r, const struct message *m,
		    enum list l, uint32_t n)
{
	const struct handle *h;
	uint32_t i;
	int code = 0;

	r->n_all[l] = n;
	for (i = 0; i < n && i < SESSION_LIST && code == 0; i++) {
		code = add_one(s, r, m, l, i, &h);
		if (code == 0 && h)
			r->in[l][r->n_in[l]++] = h;
	}
	return code;
}

/* "mail-17": what it is the thread of. Another item is in the same thread only
 * if the provider says so, and none does yet. */
static int add_thread(struct session *s, struct seen *r)
{
	char name[POLICY_NAME_MAX + 24];
	struct part p = {
		.s = s, .r = r, .kind = "thread", .field = "", .type = TYPE_ID
	};

	(void)str_printf(name, sizeof(name), "%s-%llu", r->source->row.name,
			 (unsigned long long)r->item);
	p.bytes = span_str(name);
	return add_part(&p, &r->thread);
}

static int add_texts(struct session *s, struct seen *r, const struct message *m)
{
	struct part p = { .s = s,
			  .r = r,
			  .kind = "text",
			  .field = "subject",
			  .type = TYPE_TEXT,
			  .bytes = m->subject };
	int code = add_part(&p, &r->subject);

	p.field = "body";
	p.bytes = m->body;
	if (code == 0)
		code = add_part(&p, &r->body);
	if (code == 0)
		code = add_list(s, r, m, LIST_TO, m->n_to);
	if (code == 0)
		code = add_list(s, r, m, LIST_CC, m->n_cc);
	if (code == 0)
		code = add_list(s, r, m, LIST_LINKS, m->n_links);
	if (code == 0)
		code = add_list(s, r, m, LIST_ATTACHMENTS, m->n_attachments);
	return code;
}

/* Whatever is no sender of that source is nobody. */
static void set_sender(struct session *s, struct seen *r,
		       const struct session_item *it)
{
	const struct span sender = it->sender;
	const enum arg_type t = source_sender_type(r->source);
	CLEAN_BUF struct buf canon;
	struct span who;

	buf_init(&canon, EMAIL_MAX);
	if (!sender.n || type_canon(t, false, sender, &canon) ||
	    !buf_ok(&canon) ||
	    str_copy(r->sender, sizeof(r->sender), buf_view(&canon)) < 0)
		r->sender[0] = 0;
	who = span_str(r->sender);
	r->set = policy_set_of(s->policy, t, who);
	r->label = stamp_item(s->policy, r->source, who, r->item, s->atoms);
	r->fact =
		stamp_field(&r->label, r->source, r->item, "sender", s->atoms);
	/* Who it was is known all the same. */
	if (it->others_words)
		r->label.integrity = INTEGRITY_EXTERNAL;
	r->decide = (struct decide_item){
		.item = r->item,
		.source = &r->source->row,
		.sender = who,
		.chat = r->chat[0] ? span_str(r->chat) : who,
		.sender_who = stamp_sender(r->source, who, s->atoms),
		.atom = r->label.n_atoms ? r->label.atoms[0] : ATOM_NONE,
	};
}

static void keep_addresses(struct buf *out, const struct message_addr *a,
			   size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_span(out, a[i].name);
		buf_u8(out, 0);
	}
}

/* What of the item is in no text that has a handle. */
static void keep_words(struct session *s, struct seen *r,
		       const struct message *m)
{
	uint32_t i;

	if (r->source->reveal == REVEAL_TYPED) {
		buf_span(&r->words, m->subject);
		buf_u8(&r->words, 0);
		buf_span(&r->words, m->body);
		buf_u8(&r->words, 0);
	}
	keep_addresses(&r->words, &m->from, 1);
	keep_addresses(&r->words, m->to, m->n_to);
	keep_addresses(&r->words, m->cc, m->n_cc);
	for (i = 0; i < m->n_links; i++) {
		buf_span(&r->words, m->links[i].text);
		buf_u8(&r->words, 0);
		buf_span(&r->words, m->links[i].url);
		buf_u8(&r->words, 0);
	}
	for (i = 0; i < m->n_attachments; i++) {
		buf_span(&r->words, m->attachments[i].name);
		buf_u8(&r->words, 0);
	}
	s->unfound |= !buf_ok(&r->words);
}

int session_add(struct session *s, const struct session_item *i)
{
	struct seen *r = &s->rows[s->n_rows];
	int code;

	if (s->n_rows == SESSION_ITEMS)
		return -ENOSPC;
	*r = (struct seen){ .item = i->item,
			    .came_s = i->came_s,
			    .source = i->source };
	link_set_init(&r->links);
	buf_init(&r->words, WORDS_MAX);
	if (str_copy(r->chat, sizeof(r->chat), i->chat) < 0)
		r->chat[0] = 0;
	set_sender(s, r, i);
	code = add_thread(s, r);
	if (code == 0)
		code = add_from(s, r, i->m);
	if (code == 0 && i->source->reveal != REVEAL_TYPED)
		code = add_texts(s, r, i->m);
	if (code == 0 && i->source->reveal == REVEAL_TYPED)
		code = add_list(s, r, i->m, LIST_ATTACHMENTS,
				i->m->n_attachments);
	if (code < 0) {
		drop_row(r);
		return code;
	}
	keep_words(s, r, i->m);
	label_join(&s->all, &r->label);
	s->n_rows++;
	return 0;
}

/* --- what the planner is shown ------------------------------------------- */

bool session_shows_text(const struct source *source)
{
	return source->reveal == REVEAL_TEXT;
}

void session_shown(struct session *s)
{
	size_t i;

	for (i = 0; i < s->n_rows && !s->goal; i++)
		if (session_shows_text(s->rows[i].source))
			label_join(&s->pc, &s->rows[i].label);
}

static json_t *json_ref(const struct handle *h)
{
	CLEAN_BUF struct buf ref;

	buf_init(&ref, 64);
	handle_ref(&ref, h);
	return json_pack("{s:s}", "h", buf_cstr(&ref));
}

/* A text is told of by how long it is. */
static void put_text(json_t *to, const char *name, const struct handle *h)
{
	json_t *v = h ? json_ref(h) : NULL;

	if (!v)
		return;
	(void)json_object_set_new(v, "len",
				  json_integer((json_int_t)h->value.n));
	(void)json_object_set_new(to, name, v);
}

/* Whether somebody vouches for the sender; if so, which set he is in. */
static void put_from(json_t *to, const struct seen *r)
{
	json_t *v = r->from ? json_ref(r->from) : json_object();

	if (!v)
		return;
	(void)json_object_set_new(v, "proved", json_boolean(r->sender[0] != 0));
	if (r->set)
		(void)json_object_set_new(v, "set", json_string(r->set));
	(void)json_object_set_new(to, "from", v);
}

/* Those that have a handle; how many there are, if there are more. */
static void put_list(json_t *to, const struct seen *r, enum list l)
{
	json_t *v = json_array();
	char all[32];
	uint32_t i;

	for (i = 0; i < r->n_in[l]; i++)
		(void)json_array_append_new(v, json_ref(r->in[l][i]));
	(void)json_object_set_new(to, lists[l].name, v);
	(void)str_printf(all, sizeof(all), "%s_in_all", lists[l].name);
	if (r->n_all[l] > r->n_in[l])
		(void)json_object_set_new(to, all, json_integer(r->n_all[l]));
}

static void put_came(json_t *to, uint64_t came_s)
{
	CLEAN_BUF struct buf text;

	buf_init(&text, 64);
	type_put_datetime(&text, (int64_t)came_s);
	buf_u8(&text, 'Z');
	if (came_s)
		(void)json_object_set_new(to, "came",
					  json_string(buf_cstr(&text)));
}

static json_t *item_json(const struct seen *r)
{
	const bool typed = r->source->reveal == REVEAL_TYPED;
	json_t *v = r->thread ? json_ref(r->thread) : NULL;
	enum list l;

	if (!v)
		return NULL;
	(void)json_object_set_new(v, "of", json_string(r->thread->kind));
	put_came(v, r->came_s);
	put_from(v, r);
	put_text(v, "subject", r->subject);
	put_text(v, "body", r->body);
	for (l = LIST_TO; l < LISTS; l++)
		if (r->n_all[l] && (lists[l].typed || !typed))
			put_list(v, r, l);
	return v;
}

static json_t *forked_json(const struct handle *h)
{
	json_t *v = json_ref(h);

	if (!v)
		return NULL;
	(void)json_object_set_new(v, "of", json_string(h->kind));
	/* How long a model made its answer would be bits that nobody counts. */
	if (strcmp(h->kind, said_kind) != 0)
		(void)json_object_set_new(v, "len",
					  json_integer((json_int_t)h->value.n));
	return v;
}

static int put_bytes(const char *p, size_t n, void *out)
{
	buf_put(out, p, n);
	return 0;
}

void session_view(const struct session *s, struct buf *out)
{
	json_t *v = json_array();
	int bad = v ? 0 : -1;
	size_t i;

	for (i = 0; i < s->n_rows && !s->goal; i++)
		bad |= json_array_append_new(v, item_json(&s->rows[i]));
	for (i = 0; i < s->n_forked; i++)
		bad |= json_array_append_new(v, forked_json(s->forked[i]));
	if (bad || json_dump_callback(v, put_bytes, out, JSON_COMPACT) < 0)
		out->bad = true;
	json_decref(v);
}

/* --- decisions ----------------------------------------------------------- */

/* What does not fit is not found in what a planner writes: that may only lower
 * trust. Its requests are taken to quote all, then. */
static void add_gram(struct session *s, struct gram *to, struct span text,
		     const struct label *l)
{
	if (!to || gram_add(to, text, l) < 0)
		s->unfound = true;
	asked_forget(&s->asked);
}

static void index_text(struct session *s, struct seen *r,
		       const struct handle *h)
{
	if (!h)
		return;
	add_gram(s, s->gram, h->value, &h->label);
	link_set_read(&r->links, h->value);
}

/* Texts are indexed when somebody acts: most planners only read. */
static void index_make(struct session *s)
{
	size_t i;

	if (s->indexed)
		return;
	s->indexed = true;
	s->gram = gram_new(s->seed);
	link_set_read(&s->links, span_of(s->text, s->text_n));
	for (i = 0; i < s->n_rows; i++) {
		struct seen *r = &s->rows[i];
		uint32_t k;

		index_text(s, r, r->subject);
		index_text(s, r, r->body);
		for (k = 0; k < r->n_in[LIST_LINKS]; k++)
			link_set_add(&r->links, r->in[LIST_LINKS][k]->value);
		r->decide.links = &r->links;
	}
}

/* Facts are what a provider vouches for. */
static size_t facts_of(struct session *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_rows; i++) {
		const struct seen *r = &s->rows[i];

		if (r->sender[0])
			s->facts[n++] = (struct arg_fact){
				.type = source_sender_type(r->source),
				.value = span_str(r->sender),
				.label = &r->fact,
				.item = r->item,
			};
		if (r->sender[0] && r->chat[0])
			s->facts[n++] = (struct arg_fact){
				.type = TYPE_ID,
				.value = span_str(r->chat),
				.label = &r->fact,
				.item = r->item,
			};
	}
	return n;
}

static void items_of(struct session *s)
{
	size_t i, k;

	for (i = 0; i < s->n_rows; i++) {
		for (k = i; k > 0 && s->items[k - 1].item > s->rows[i].item;
		     k--)
			s->items[k] = s->items[k - 1];
		s->items[k] = s->rows[i].decide;
	}
}

void session_decide_in(struct session *s, const struct m_call *call,
		       struct decide_in *ret)
{
	index_make(s);
	items_of(s);
	s->context = (struct arg_context){
		.handles = s->handles,
		.owner = &s->words,
		.owner_label = &s->owner,
		.pc = &s->pc,
		.facts = s->facts,
		.n_facts = facts_of(s),
		.gram = s->gram,
	};
	*ret = (struct decide_in){
		.call = call,
		.context = &s->context,
		.atoms = s->atoms,
		.owner_links = &s->links,
		.items = s->items,
		.n_items = s->n_rows,
		.task = s->task,
		.task_item = s->n_rows ? s->rows[0].item : 0,
		.session = session_bits(s),
	};
}

void session_hidden(struct session *s, const struct m_call *call)
{
	uint64_t values = 0;
	uint32_t i;

	for (i = 0; i < call->n; i++) {
		const struct m_arg *a = &call->args[i];
		const struct handle *h = handles_find(s->handles, a->value);

		values += a->json == ARG_REF || a->json == ARG_TEMPLATE;
		if (h)
			label_join(&s->pc, &h->label);
	}
	/* Nothing was wrong, or one of them was. */
	s->bits += bits_of(values + 1);
}

void session_trip(struct session *s)
{
	s->tripped = true;
}

unsigned session_bits(const struct session *s)
{
	return (s->pc.integrity == INTEGRITY_EXTERNAL ? SESSION_TAINTED : 0) |
	       (s->pc.audience != READ_BY_ALL ? SESSION_PRIVATE : 0) |
	       (s->tripped ? SESSION_TRIPPED : 0);
}

uint32_t session_influence(const struct session *s)
{
	return s->bits;
}

const struct label *session_pc(const struct session *s)
{
	return &s->pc;
}

const struct atoms *session_atoms(const struct session *s)
{
	return s->atoms;
}

/* --- questions ----------------------------------------------------------- */

/* The first row of the source that the item is of; NULL: no such item. */
static struct seen *row_of_source(struct session *s, uint64_t item)
{
	const struct source *source = NULL;
	size_t i;

	for (i = 0; i < s->n_rows; i++)
		if (s->rows[i].item == item)
			source = s->rows[i].source;
	for (i = 0; source && i < s->n_rows; i++)
		if (s->rows[i].source == source)
			return &s->rows[i];
	return NULL;
}

const char *session_ask(struct session *s, struct span ref,
			const struct answer_want *w, struct session_text *ret)
{
	const struct handle *h = handles_find(s->handles, ref);
	struct seen *r = h ? row_of_source(s, h->item) : NULL;
	const char *why;

	if (!r)
		return "of: there is no such handle in this task";
	if (h->type != TYPE_TEXT)
		return "of: it is not a text";
	if (h->value.n > LLM_ASK_TEXT)
		return "of: it is too long a text to be asked about";
	r->answers.most = r->source->answer_bits;
	why = answer_take(&r->answers, w);
	if (why)
		return why;
	s->bits += (uint32_t)answer_bits(w) + ANSWER_NONE;
	*ret = (struct session_text){ .item = h->item,
				      .bytes = h->value,
				      .label = h->label };
	/* The question is the planner's, and made of what that has seen. */
	label_join(&ret->label, &s->pc);
	return NULL;
}

int session_said(struct session *s, uint64_t item, const struct label *label,
		 struct span words, const struct handle **ret)
{
	const struct handle_value v = { .kind = span_str(said_kind),
					.type = TYPE_TEXT,
					.origin = ORIGIN_HANDLE,
					.bytes = words,
					.item = item,
					.label = label };

	return handles_add(s->handles, &v, ret);
}

/* --- what its model is asked ---------------------------------------------- */

/* What the owner wrote himself is his. */
static void index_words(struct session *s, struct seen *r)
{
	struct span rest = buf_view(&r->words);

	while (rest.n) {
		const uint8_t *end = memchr(rest.p, 0, rest.n);
		const size_t n = end ? (size_t)(end - rest.p) : rest.n;

		if (n >= GRAM_WHOLE && !memmem(s->text, s->text_n, rest.p, n))
			add_gram(s, s->names, span_of(rest.p, n), &r->label);
		rest = span_of(rest.p + n + (end != NULL),
			       rest.n - n - (end != NULL));
	}
	buf_done(&r->words);
}

static void index_names(struct session *s)
{
	size_t i;

	if (s->names)
		return;
	s->names = gram_new(s->seed);
	for (i = 0; i < s->n_rows; i++)
		index_words(s, &s->rows[i]);
}

bool session_asks(struct session *s, struct buf *request, uint64_t now_ms,
		  struct label *ret)
{
	struct span part;

	*ret = label_empty();
	/* Whoever has seen all can quote nothing new. */
	if (label_covers(&s->pc, &s->all))
		return false;
	index_make(s);
	index_names(s);
	if (s->unfound || !asked_new(&s->asked, request, now_ms, &part) ||
	    !gram_quotes(s->gram, part, ret) ||
	    !gram_quotes(s->names, part, ret))
		*ret = s->all;
	if (label_covers(&s->pc, ret))
		return false;
	label_join(&s->pc, ret);
	return true;
}

/* --- fork ---------------------------------------------------------------- */

static const char *take_along(const struct session *s, struct handles *to,
			      const struct span *refs, size_t n,
			      const struct handle **ret)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct handle *h = handles_find(s->handles, refs[i]);

		if (!h)
			return "refs: there is no such handle in this task";
		if (handles_copy(to, s->handles, h, &ret[i]) < 0)
			return "out of memory";
	}
	return NULL;
}

/* Everything that pointed into the old table. */
static void drop_handles(struct session *s)
{
	size_t i;

	for (i = 0; i < s->n_rows; i++) {
		struct seen *r = &s->rows[i];

		r->thread = r->from = r->subject = r->body = NULL;
		memset(r->n_in, 0, sizeof(r->n_in));
		memset(r->n_all, 0, sizeof(r->n_all));
	}
	handles_free(s->handles);
}

const char *session_fork(struct session *s, struct span goal,
			 const struct span *refs, size_t n, uint32_t first)
{
	const struct handle *along[SESSION_REFS];
	struct handles *to;
	const char *why;
	char *words;
	size_t i;

	if (s->forks == SESSION_FORKS)
		return "this task has been forked as often as a task may be";
	if (n > SESSION_REFS)
		return "refs: at most 16 handles go along";
	index_make(
		s); /* the copies of texts go, what was in them stays known */
	to = handles_new(first);
	words = copy(goal);
	why = to && words ? take_along(s, to, refs, n, along) : "out of memory";
	if (why) {
		handles_free(to);
		free(words);
		return why;
	}
	/* Which ones, and in which order, was the old planner's choice. */
	s->bits += (uint32_t)n * bits_of(handles_next(s->handles) -
					 handles_first(s->handles));
	if (span_eq(goal, span_of(s->text, s->text_n)))
		s->pc = s->owner;
	drop_handles(s);
	asked_forget(&s->asked);
	free(s->goal);
	s->handles = to;
	s->goal = words;
	s->goal_n = goal.n;
	s->n_forked = n;
	for (i = 0; i < n; i++)
		s->forked[i] = along[i];
	s->forks++;
	return NULL;
}

struct span session_goal(const struct session *s)
{
	return s->goal ? span_of(s->goal, s->goal_n)
		       : span_of(s->text, s->text_n);
}

bool session_is_forked(const struct session *s)
{
	return s->goal != NULL;
}

int session_field(struct session *s, const struct session_answer *f,
		  const struct handle **ret)
{
	char kind[HANDLE_KIND_MAX + 1], item[32];
	struct atom_origin origin = { .connector = f->connector,
				      .field = f->name };
	struct handle_value v = { .type = f->type,
				  .origin = ORIGIN_HANDLE,
				  .bytes = f->bytes };
	struct label label;

	(void)str_printf(item, sizeof(item), "effect-%llu",
			 (unsigned long long)f->effect);
	if (str_printf(kind, sizeof(kind), "%.*s.answer", (int)f->connector.n,
		       f->connector.p) < 0)
		return -EINVAL;
	origin.item = span_str(item);
	label = label_of(atoms_origin(s->atoms, &origin), INTEGRITY_EXTERNAL);
	/* Nobody knows who else may read it: its owner may. */
	label_restrict(&label, NULL, 0);
	v.kind = span_str(kind);
	v.label = &label;
	return handles_add(s->handles, &v, ret);
}

/* --- notes --------------------------------------------------------------- */

int session_label(struct session *s, struct span bytes, struct label *ret)
{
	return label_decode(bytes, s->atoms, ret);
}

bool session_bears(const struct session *s, const struct label *l)
{
	struct label both = s->pc;

	label_join(&both, l);
	return both.integrity == s->pc.integrity &&
	       both.audience == s->pc.audience &&
	       both.n_readers == s->pc.n_readers;
}

/* What is copied of it is found, as of any text that was read. */
static void index_note(struct session *s, struct span text,
		       const struct label *l)
{
	index_make(s);
	add_gram(s, s->gram, text, l);
	label_join(&s->all, l);
}

void session_saw(struct session *s, struct span text, const struct label *l)
{
	label_join(&s->pc, l);
	index_note(s, text, l);
}

int session_note(struct session *s, struct span text, const struct label *l,
		 const struct handle **ret)
{
	const struct handle_value v = { .kind = SPAN_LIT("memory.note"),
					.type = TYPE_TEXT,
					.origin = ORIGIN_HANDLE,
					.bytes = text,
					.label = l };

	index_note(s, text, l);
	return handles_add(s->handles, &v, ret);
}

void session_told(struct session *s, uint64_t n)
{
	s->bits += bits_of(n);
}

void session_influenced(struct session *s, uint32_t bits)
{
	s->bits += bits < UINT32_MAX - s->bits ? bits : UINT32_MAX - s->bits;
}
