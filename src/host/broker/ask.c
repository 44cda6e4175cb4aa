/*
 * ask: reader.ask, a question about a text that its planner does not see.
 *
 * The broker takes what the answer can tell at most from the task's bits
 * (label/answer.h), makes a request to the model that holds the question and
 * this one text, and sends it on the way of every request to a model (model.c).
 * No machine has any part in it: not the planner's, and none that the text
 * could own. Whatever the model says comes back from the connector as one value
 * of a few bytes, which is taken if it is one of the answers that were paid
 * for, and is written anew for the planner.
 *
 * Everything else (another word, a cut answer, an error, a connector that ends)
 * is the one outcome "no answer", which has its bit: the reason is on record
 * and not the planner's to know. What stops a question before it goes depends
 * on nothing in the text but its length, and is told.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "host/broker/session.h"
#include "label/answer.h"
#include "llm/ask.h"
#include "policy/model.h"

static_assert((int)LIMIT_VALUE == (int)ANSWER_SAID, "what is said fits");

enum {
	SHORT = 256, /* bytes of an answer that is no text */
	TOLD = 512,  /* of what the planner is told of it */
	WORDS_BYTES = ANSWER_WORDS * ANSWER_WORD,
};

struct ask {
	struct answer_want want;
	struct buf bytes; /* of the words */
	struct span words[ANSWER_WORDS];
	struct session_text of; /* its bytes as long as b->in */
	struct span question;	/* likewise */
	uint64_t index;		/* of the record of its decision */
};

static const char *const type_names[] = {
	[ANSWER_BOOL] = "bool",	    [ANSWER_ENUM] = "enum",
	[ANSWER_INT] = "int",	    [ANSWER_DATE] = "date",
	[ANSWER_MEMBER] = "member", [ANSWER_TEXT] = "text",
};
static_assert(ARRAY_SIZE(type_names) == ANSWER_MAX, "a name each");

void ask_free(struct ask *a)
{
	if (a)
		buf_done(&a->bytes);
	free(a);
}

/* --- the tool ------------------------------------------------------------ */

static const char tool_schema[] =
	"{\"type\":\"object\",\"properties\":{"
	"\"of\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\","
	"\"properties\":{\"$ref\":{\"type\":\"string\"}},"
	"\"required\":[\"$ref\"],\"additionalProperties\":false}]},"
	"\"question\":{\"type\":\"string\",\"maxLength\":4096},"
	"\"type\":{\"type\":\"string\",\"enum\":[\"bool\",\"enum\",\"int\","
	"\"date\",\"member\",\"text\"]},"
	"\"words\":{\"type\":\"array\",\"maxItems\":60,\"items\":{"
	"\"type\":\"string\",\"maxLength\":64}},"
	"\"from\":{\"type\":[\"integer\",\"string\"]},"
	"\"to\":{\"type\":[\"integer\",\"string\"]}},"
	"\"required\":[\"of\",\"question\",\"type\"],"
	"\"additionalProperties\":false}";

static const char tool_words[] =
	"Asks a model, which sees one text and nothing else, about it: of is "
	"the handle of a text. The answer is of the type: bool; enum, one of "
	"words; member, one of words or none; int, from..to; date, a day "
	"from..to as 2026-11-20; text, a handle of what is written, which you "
	"do not see. Each answer takes of a small number of bits that the "
	"policy has for its source in one task: ask for no more than you need.";

bool ask_tool(const struct broker *b, struct m_tool *ret)
{
	bool any = false;
	size_t i;

	for (i = 0; i < b->policy->n_sources; i++)
		any |= b->policy->sources[i].answer_bits > ANSWER_NONE &&
		       b->policy->sources[i].reveal != REVEAL_TYPED;
	if (!any || !b->model[0])
		return false;
	*ret = (struct m_tool){ SPAN_LIT(TOOL_ASK), span_str(tool_words),
				span_str(tool_schema) };
	return true;
}

/* --- its arguments ------------------------------------------------------- */

struct question {
	struct ask *a;
	struct span of, type;
	const struct m_arg *from, *to;
};

static bool take_word(struct ask *a, struct span word)
{
	if (a->want.n == ANSWER_WORDS)
		return false;
	a->words[a->want.n++] = word;
	return true;
}

static bool take_arg(struct question *q, const struct m_arg *m)
{
	const bool text = m->json == ARG_STRING && m->shape == ARG_SCALAR;

	if (span_is(m->name, "of") && (text || m->json == ARG_REF))
		q->of = m->value;
	else if (span_is(m->name, "question") && text)
		q->a->question = m->value;
	else if (span_is(m->name, "type") && text)
		q->type = m->value;
	else if (span_is(m->name, "words") && m->json == ARG_STRING &&
		 m->shape == ARG_ELEMENT)
		return take_word(q->a, m->value);
	else if (span_is(m->name, "from") && m->shape == ARG_SCALAR)
		q->from = m;
	else if (span_is(m->name, "to") && m->shape == ARG_SCALAR)
		q->to = m;
	else
		return false;
	return true;
}

/* A bound: of an int a whole number, of a date a day. */
static bool take_bound(const struct m_arg *m, enum answer_type type,
		       int64_t *ret)
{
	const struct answer_want any = { .type = ANSWER_INT,
					 .from = -INT64_MAX,
					 .to = INT64_MAX };

	if (!m || (type != ANSWER_INT && type != ANSWER_DATE))
		return !m;
	if (type == ANSWER_DATE)
		return m->json == ARG_STRING && answer_day(m->value, ret);
	return m->json == ARG_INTEGER && answer_read(&any, NULL, m->value, ret);
}

static enum answer_type type_of(struct span name)
{
	unsigned i;

	for (i = ANSWER_BOOL; i < ANSWER_MAX; i++)
		if (span_is(name, type_names[i]))
			return (enum answer_type)i;
	return ANSWER_MAX;
}

/* The words, which have to stay as long as the question does. */
static void keep_words(struct ask *a)
{
	uint32_t i;

	buf_init(&a->bytes, WORDS_BYTES);
	if (!buf_extend(&a->bytes, WORDS_BYTES))
		die("out of memory");
	buf_reset(&a->bytes);
	for (i = 0; i < a->want.n; i++) {
		const struct span word = a->words[i];
		const size_t at = a->bytes.n;

		buf_span(&a->bytes, word);
		a->words[i] = buf_part(&a->bytes, at, word.n);
	}
}

static const char *read_args(const struct m_call *m, struct question *q)
{
	static const char usage[] =
		"reader.ask takes of, question, type (bool, enum, int, date, "
		"member, text), words, from and to";
	struct answer_want *w = &q->a->want;
	uint32_t i;

	for (i = 0; i < m->n; i++)
		if (!take_arg(q, &m->args[i]))
			return usage;
	w->type = type_of(q->type);
	if (!q->of.n || !q->a->question.n || w->type == ANSWER_MAX ||
	    !take_bound(q->from, w->type, &w->from) ||
	    !take_bound(q->to, w->type, &w->to) ||
	    (w->n && w->type != ANSWER_ENUM && w->type != ANSWER_MEMBER))
		return usage;
	if (q->a->question.n > LLM_ASK_QUESTION || !utf8_valid(q->a->question))
		return "question: a text of at most 4096 bytes";
	if (!answer_words(q->a->words, w->n))
		return "words: each of 1 to 64 bytes, none of them twice, nor "
		       "\"none\"";
	return NULL;
}

const char *ask_read(struct broker *b, struct task *t, struct ask **ret)
{
	struct question q = { .a = calloc(1, sizeof(*q.a)) };
	const char *why;

	if (!q.a)
		die("out of memory");
	why = read_args(&b->in.call, &q);
	if (!why)
		why = session_ask(t->session, q.of, &q.a->want, &q.a->of);
	if (why) {
		ask_free(q.a);
		return why;
	}
	keep_words(q.a);
	*ret = q.a;
	return NULL;
}

/* --- the request --------------------------------------------------------- */

static json_t *words_json(const struct ask *a)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < a->want.n; i++)
		(void)json_array_append_new(
			list, json_stringn((const char *)a->words[i].p,
					   a->words[i].n));
	if (a->want.type == ANSWER_MEMBER)
		(void)json_array_append_new(list, json_string(ANSWER_NO_SET));
	(void)json_array_append_new(list, json_null());
	return list;
}

static json_t *days_json(const struct answer_want *w)
{
	const struct answer_want day = { .type = ANSWER_DATE };
	CLEAN_BUF struct buf words;

	buf_init(&words, 100);
	buf_str(&words, "a day, from ");
	answer_put(&words, &day, NULL, w->from);
	buf_str(&words, " to ");
	answer_put(&words, &day, NULL, w->to);
	return json_pack("{s:[s, s], s:s}", "type", "string", "null",
			 "description", buf_cstr(&words));
}

/* What may be the value, for the model: null is no answer. */
static json_t *schema_json(const struct ask *a)
{
	const struct answer_want *w = &a->want;

	switch (w->type) {
	case ANSWER_BOOL:
		return json_pack("{s:[s, s]}", "type", "boolean", "null");
	case ANSWER_ENUM:
	case ANSWER_MEMBER:
		return json_pack("{s:o}", "enum", words_json(a));
	case ANSWER_INT:
		return json_pack("{s:[s, s], s:I, s:I}", "type", "integer",
				 "null", "minimum", (json_int_t)w->from,
				 "maximum", (json_int_t)w->to);
	case ANSWER_DATE:
		return days_json(w);
	case ANSWER_TEXT:
		return json_pack("{s:[s, s], s:i}", "type", "string", "null",
				 "maxLength", ANSWER_SAID / 4);
	case ANSWER_MAX:
		break;
	}
	return NULL;
}

/* The request as a sealed memfd; -1: there is none to be had. */
static int request_of(struct broker *b, const struct ask *a, size_t *size)
{
	struct llm_ask q = { .api = (enum llm_api)b->model_api,
			     .model = b->model,
			     .tokens = LLM_ASK_TOKENS,
			     .question = a->question,
			     .text = a->of.bytes };
	json_t *schema = schema_json(a);
	char *text = schema ? json_dumps(schema, JSON_COMPACT) : NULL;
	CLEAN_BUF struct buf body;
	int fd = -1;

	json_decref(schema);
	buf_init(&body, LLM_BODY);
	if (text) {
		q.schema = span_str(text);
		llm_ask_put(&body, &q);
	}
	if (text && buf_ok(&body))
		fd = memfd_or_forget(b, buf_view(&body));
	free(text);
	*size = body.n;
	return fd;
}

const char *ask_send(struct broker *b, struct peer *p, struct task *t,
		     struct ask *a, uint64_t call, uint64_t index)
{
	const bool text = a->want.type == ANSWER_TEXT;
	size_t size = 0;
	CLEAN_FD int body = request_of(b, a, &size);
	const struct m_l_call in = { .call = call,
				     .api = b->model_api,
				     .tokens = LLM_ASK_TOKENS,
				     .size = (uint32_t)size,
				     .model = span_str(b->model),
				     .value = text ? ANSWER_SAID : SHORT };

	if (body < 0) {
		ask_free(a);
		return "the question cannot be made";
	}
	a->index = index;
	a->question = a->of.bytes = span_of(NULL, 0);
	return model_ask(b, p, t, body, &in, a);
}

/* --- the answer ---------------------------------------------------------- */

/* A text is a handle, for a planner that is there to have it. */
static bool take_text(struct task *t, const struct ask *a, struct span said,
		      struct buf *out)
{
	const struct handle *h;

	if (!t || !t->session ||
	    session_said(t->session, a->of.item, &a->of.label, said, &h) < 0)
		return false;
	handle_ref(out, h);
	return true;
}

/* Appends the answer, made anew of what was asked for; false: there is none. */
static bool take(struct task *t, const struct ask *a, const struct m_l_done *d,
		 struct buf *out)
{
	int64_t which;

	if (d->state != L_ANSWERED || d->has_value != 1)
		return false;
	if (a->want.type == ANSWER_TEXT)
		return take_text(t, a, d->value, out);
	if (!answer_read(&a->want, a->words, d->value, &which))
		return false;
	answer_put(out, &a->want, a->words, which);
	return true;
}

/* A word is the planner's own, and lies aside with its call: of it the record
 * has the place. */
static void record_answer(struct broker *b, const struct model_call *m,
			  bool answered, struct span text)
{
	const struct ask *a = m->ask;
	const bool words =
		a->want.type == ANSWER_ENUM || a->want.type == ANSWER_MEMBER;
	const struct task *t = task_find(b, m->task);
	struct msg_ids ids = t ? task_ids(b, t) : b->ids;
	uint32_t i = 0;

	ids.task = m->task;
	audit_begin(&b->record, "reader.answer", &ids);
	audit_int(&b->record, "request", m->number);
	audit_int(&b->record, "decision", a->index);
	audit_int(&b->record, "item", a->of.item);
	audit_str(&b->record, "type", span_str(type_names[a->want.type]));
	audit_int(&b->record, "bits",
		  (uint64_t)answer_bits(&a->want) + ANSWER_NONE);
	audit_bool(&b->record, "answered", answered);
	while (words && i < a->want.n && !span_eq(a->words[i], text))
		i++;
	if (answered && words)
		audit_int(&b->record, "word", i);
	else if (answered)
		audit_str(&b->record, "answer", text);
	broker_audit_later(b);
}

void ask_done(struct broker *b, const struct model_call *m,
	      const struct m_l_done *d)
{
	struct peer *p = peer_of_vm(b, m->vm);
	struct task *t = p ? task_at_work(b, p) : NULL;
	CLEAN_BUF struct buf out, text;
	bool ok;

	buf_init(&out, SHORT);
	buf_init(&text, TOLD);
	ok = take(t, m->ask, d, &out) && buf_ok(&out);
	record_answer(b, m, ok, buf_view(&out));
	/* A question that has nobody any more is on record, and that is all. */
	if (!t)
		return;
	if (!ok)
		buf_str(&text, "no answer");
	else if (m->ask->want.type == ANSWER_TEXT)
		buf_printf(&text, "the answer is the text %s", buf_cstr(&out));
	else
		buf_printf(&text, "the answer is: %s", buf_cstr(&out));
	call_answered(b, p, m->call, TOOL_ASK, buf_cstr(&text), m->ask->index);
}
