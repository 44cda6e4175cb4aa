/* rebuild: see llm.h. One pass over each object, down as far as the tables. */
#include <math.h>
#include <stdlib.h>

#include "base/jcur.h"
#include "base/str.h"
#include "shape.h"

enum { NUMBER_TEXT = 40 };

struct walk {
	struct llm_request *r;
	const struct llm_format *format;
	struct buf *out;
	struct buf text;  /* of one string, decoded */
	struct buf names; /* struct place, of objects that are open */
	size_t path_n;
	uint32_t most;
	bool has_tokens; /* the request named a number */
	const char *tokens;
};

static const struct llm_format *const formats[LLM_API_MAX] = {
	[LLM_MESSAGES] = &llm_messages,
	[LLM_COUNT] = &llm_count,
	[LLM_CHAT] = &llm_chat,
	[LLM_RESPONSES] = &llm_responses,
};

const struct llm_format *llm_format(enum llm_api api)
{
	return api > 0 && api < LLM_API_MAX ? formats[api] : NULL;
}

const char *llm_path(enum llm_api api)
{
	const struct llm_format *f = llm_format(api);

	return f ? f->path : "";
}

void llm_request_init(struct llm_request *r)
{
	*r = (struct llm_request){ 0 };
	buf_init(&r->body, LLM_BODY);
	buf_init(&r->dropped, LLM_DROPPED);
}

void llm_request_done(struct llm_request *r)
{
	buf_done(&r->body);
	buf_done(&r->dropped);
}

/* --- where, and why not -------------------------------------------------- */

/* A name of the request's own, as far as it may be shown. */
static void path_name(struct walk *w, struct span name)
{
	size_t i;

	if (w->path_n && w->path_n + 1 < LLM_PATH)
		w->r->path[w->path_n++] = '.';
	for (i = 0; i < name.n && i < 64 && w->path_n + 1 < LLM_PATH; i++) {
		const uint8_t c = name.p[i];

		w->r->path[w->path_n] = '?';
		if (c > 0x20 && c < 0x7f)
			memcpy(w->r->path + w->path_n, &c, 1);
		w->path_n++;
	}
	w->r->path[w->path_n] = 0;
}

static void path_index(struct walk *w, size_t i)
{
	char text[24];

	(void)str_printf(text, sizeof(text), "[%zu]", i);
	if (w->path_n + strlen(text) < LLM_PATH) {
		memcpy(w->r->path + w->path_n, text, strlen(text) + 1);
		w->path_n += strlen(text);
	}
}

static void path_back(struct walk *w, size_t n)
{
	/* Where something was refused stays said. */
	if (w->r->why[0])
		return;
	w->path_n = n;
	w->r->path[n] = 0;
}

static bool refuse(struct walk *w, const char *why)
{
	if (!w->r->why[0])
		(void)str_printf(w->r->why, LLM_WHY, "%s", why);
	return false;
}

/* Where we are is left out. */
static void drop_here(struct walk *w)
{
	struct buf *b = &w->r->dropped;

	if (b->n + w->path_n + 8 < LLM_DROPPED)
		buf_printf(b, "%s%s", b->n ? " " : "", w->r->path);
	else if (b->n < 4 || memcmp(b->p + b->n - 4, " ...", 4) != 0)
		buf_str(b, " ...");
}

static void drop(struct walk *w, struct span name)
{
	const size_t before = w->path_n;

	path_name(w, name);
	drop_here(w);
	path_back(w, before);
}

/* --- values -------------------------------------------------------------- */

/* The characters of a string, until the next is asked for. */
static bool text_of(struct walk *w, struct jval v, struct span *ret)
{
	char *p;

	/* Without a backslash it is its own text, which jcur has looked at. */
	if (!memchr(v.raw.p, '\\', v.raw.n)) {
		*ret = span_of(v.raw.p + 1, v.raw.n - 2);
		return true;
	}
	buf_reset(&w->text);
	p = (char *)buf_extend(&w->text, v.raw.n);
	if (!p)
		return refuse(w, "is too long");
	return jval_text(v, p, v.raw.n, ret) || refuse(w, "is no text");
}

static bool put_string(struct walk *w, struct jval v)
{
	struct span text = { NULL, 0 };

	if (!text_of(w, v, &text))
		return false;
	json_quote(w->out, text);
	return true;
}

static bool word_in(const char *words, struct span s)
{
	const char *at = words;

	/* " one two ": each word has a blank on both sides. */
	while (at[0] && at[1]) {
		size_t n = strcspn(at + 1, " ");

		if (n == s.n && memcmp(at + 1, s.p, n) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

static bool keep_string(struct walk *w, const struct llm_shape *s,
			struct jval v)
{
	const char *why = "";
	struct span text = { NULL, 0 };

	if (!text_of(w, v, &text))
		return false;
	if (s->words && !word_in(s->words, text))
		return refuse(w, "has a value that bulkhead does not know");
	if ((s->check == CHECK_IMAGE_URL || s->check == CHECK_FILE_URL) &&
	    !media_url(text, s->check == CHECK_FILE_URL, &why))
		return refuse(w, why);
	json_quote(w->out, text);
	return true;
}

static bool keep_number(struct walk *w, const struct llm_shape *s,
			struct jval v)
{
	char text[NUMBER_TEXT];
	int64_t whole = 0;
	double d;

	if (str_copy(text, sizeof(text), v.raw) < 0)
		return refuse(w, "is too long a number");
	if (!(s->kinds & SHAPE_NUMBER) && !jval_int(v, &whole))
		return refuse(w, "has to be a whole number");
	d = strtod(text, NULL);
	if (!isfinite(d) || d < s->low || d > s->high)
		return refuse(w, "is a number out of bounds");
	buf_str(w->out, text);
	return true;
}

/* Where the names of the objects that are being written stand in `out`. */
struct place {
	size_t at, n;
};

/* A name must not stand twice in one object: each, as it was just written, is
 * held against those before it since `first`, of which there are few. */
static bool is_new(struct walk *w, size_t first, size_t at)
{
	const struct place own = { at, w->out->n - at };
	struct place other;
	size_t i;

	if (!buf_ok(w->out))
		return true;
	for (i = first; i < w->names.n; i += sizeof(other)) {
		memcpy(&other, w->names.p + i, sizeof(other));
		if (other.n == own.n &&
		    !memcmp(w->out->p + other.at, w->out->p + at, own.n))
			return false;
	}
	buf_put(&w->names, &own, sizeof(own));
	return true;
}

/* Any JSON, which is no deeper than JCUR_DEPTH. */
static bool put_json(struct walk *w, struct jval v);

static bool put_json_members(struct walk *w, struct jval v)
{
	const bool object = v.kind == JVAL_OBJECT;
	struct jiter it = jiter_of(v);
	const size_t first = w->names.n;
	struct jval key, inner;
	size_t n = 0, at;

	buf_u8(w->out, object ? '{' : '[');
	while (jiter_next(&it, &key, &inner)) {
		if (n++)
			buf_u8(w->out, ',');
		if (n > (object ? (size_t)LLM_JSON_MEMBERS : (size_t)LLM_LIST))
			return refuse(w, "has too many members");
		if (object) {
			at = w->out->n;
			if (!put_string(w, key))
				return false;
			if (!is_new(w, first, at))
				return refuse(w, "has a name twice");
			buf_u8(w->out, ':');
		}
		if (!put_json(w, inner))
			return false;
	}
	buf_u8(w->out, object ? '}' : ']');
	buf_cut(&w->names, first);
	return (buf_ok(w->out) && buf_ok(&w->names)) ||
	       refuse(w, "is too long");
}

static bool put_json(struct walk *w, struct jval v)
{
	switch (v.kind) {
	case JVAL_OBJECT:
	case JVAL_ARRAY:
		return put_json_members(w, v);
	case JVAL_STRING:
		return put_string(w, v);
	case JVAL_NUMBER:
		if (v.raw.n >= NUMBER_TEXT)
			return refuse(w, "has too long a number");
		buf_span(w->out, v.raw);
		return true;
	case JVAL_NULL:
	case JVAL_FALSE:
	case JVAL_TRUE:
		buf_span(w->out, v.raw);
		return true;
	case JVAL_NONE:
	case JVAL_TWICE:
		break;
	}
	return refuse(w, "is no value");
}

static bool keep_object(struct walk *w, const struct llm_object *o,
			struct jval v);

static bool keep_value(struct walk *w, const struct llm_shape *s,
		       struct jval v);

static bool keep_list(struct walk *w, const struct llm_shape *each,
		      struct jval v)
{
	struct jiter it = jiter_of(v);
	const size_t before = w->path_n;
	struct jval one;
	size_t i;

	buf_u8(w->out, '[');
	for (i = 0; jiter_next(&it, NULL, &one); i++) {
		if (i >= LLM_LIST)
			return refuse(w, "has too many elements");
		if (i)
			buf_u8(w->out, ',');
		path_index(w, i);
		if (!keep_value(w, each, one))
			return false;
		path_back(w, before);
	}
	buf_u8(w->out, ']');
	return true;
}

static bool keep_value(struct walk *w, const struct llm_shape *s, struct jval v)
{
	if ((v.kind == JVAL_TRUE || v.kind == JVAL_FALSE) &&
	    s->kinds & SHAPE_BOOL) {
		buf_span(w->out, v.raw);
		return true;
	}
	if (v.kind == JVAL_NUMBER && s->kinds & (SHAPE_INT | SHAPE_NUMBER))
		return keep_number(w, s, v);
	if (v.kind == JVAL_STRING && s->kinds & SHAPE_STRING)
		return keep_string(w, s, v);
	if (v.kind == JVAL_ARRAY && s->kinds & SHAPE_LIST)
		return keep_list(w, s->each, v);
	if (v.kind == JVAL_OBJECT && s->kinds & SHAPE_OBJECT)
		return keep_object(w, s->object, v);
	if (v.kind == JVAL_OBJECT && s->kinds & SHAPE_JSON)
		return put_json(w, v);
	return refuse(w, v.kind == JVAL_TWICE
				 ? "stands there twice"
				 : "has a type that it cannot have");
}

/* --- objects ------------------------------------------------------------- */

/* What an object's members are, by the place of each in its table. */
static bool collect(struct walk *w, const struct llm_object *o,
		    const char *skip, struct jval v,
		    struct jval found[LLM_MEMBERS])
{
	struct jiter it = jiter_of(v);
	struct jval key, value;
	struct span name = { NULL, 0 };
	size_t i;

	memset(found, 0, sizeof(*found) * LLM_MEMBERS);
	while (jiter_next(&it, &key, &value)) {
		if (!text_of(w, key, &name))
			return false;
		if (skip && span_is(name, skip))
			continue;
		for (i = 0; o->fields[i].name; i++)
			if (span_is(name, o->fields[i].name))
				break;
		if (!o->fields[i].name) {
			drop(w, name);
			continue;
		}
		if (found[i].kind != JVAL_NONE)
			found[i].kind = JVAL_TWICE;
		else
			found[i] = value;
	}
	return true;
}

static bool take_model(struct walk *w, struct jval v)
{
	size_t i;

	if (!jval_cstr(v, w->r->model, sizeof(w->r->model)) || !w->r->model[0])
		return refuse(w, "has to be the name of a model");
	for (i = 0; w->r->model[i]; i++)
		if (w->r->model[i] <= 0x20 || w->r->model[i] >= 0x7f)
			return refuse(w, "has to be the name of a model");
	return true;
}

static bool take_tokens(struct walk *w, const char *name, struct jval v)
{
	int64_t n = 0;

	if (!jval_int(v, &n) || n < 1)
		return refuse(w, "has to be a number of tokens");
	if (w->has_tokens)
		return refuse(w, "is said in two members");
	w->has_tokens = true;
	w->tokens = name;
	w->r->tokens = n < w->most ? (uint32_t)n : w->most;
	return true;
}

/* Those that are written at the head, or not at all. */
static bool take_apart(struct walk *w, const struct llm_field *f, struct jval v)
{
	switch (f->rule) {
	case RULE_MODEL:
		return take_model(w, v);
	case RULE_TOKENS:
		return take_tokens(w, f->name, v);
	case RULE_STREAM:
		if (v.kind != JVAL_TRUE && v.kind != JVAL_FALSE)
			return refuse(w, "has to be true or false");
		w->r->stream = v.kind == JVAL_TRUE;
		return true;
	case RULE_DROP:
		drop_here(w);
		return true;
	case RULE_FALSE:
		return v.kind == JVAL_FALSE ||
		       refuse(w, "is refused: it would keep or run something "
				 "at the provider");
	case RULE_REFUSE:
	case RULE_KEEP:
	case RULE_NEED:
		break;
	}
	return refuse(w, "is refused: it reaches out from the provider, or "
			 "names what is kept there");
}

static bool keep_member(struct walk *w, const struct llm_field *f,
			struct jval v, size_t *n)
{
	const size_t before = w->path_n;

	path_name(w, span_str(f->name));
	if (v.kind == JVAL_TWICE)
		return refuse(w, "stands there twice");
	if (v.kind == JVAL_NONE || v.kind == JVAL_NULL) {
		if (f->rule == RULE_NEED || f->rule == RULE_MODEL)
			return refuse(w, "is missing");
	} else if (f->rule == RULE_KEEP || f->rule == RULE_NEED) {
		if ((*n)++)
			buf_u8(w->out, ',');
		json_quote(w->out, span_str(f->name));
		buf_u8(w->out, ':');
		if (!keep_value(w, f->shape, v))
			return false;
	} else if (!take_apart(w, f, v)) {
		return false;
	}
	path_back(w, before);
	return true;
}

static bool members(struct walk *w, const struct llm_object *o,
		    const char *skip, struct jval v, size_t n)
{
	struct jval found[LLM_MEMBERS];
	size_t i;

	if (!collect(w, o, skip, v, found))
		return false;
	for (i = 0; o->fields[i].name; i++)
		if (!keep_member(w, &o->fields[i], found[i], &n))
			return false;
	return true;
}

static bool checked(struct walk *w, const struct llm_object *o, struct jval v)
{
	const bool image = o->check == CHECK_IMAGE;
	const char *why = "";
	struct span type, data = { NULL, 0 };
	char name[32];

	if (o->check == CHECK_NONE)
		return true;
	if (!jval_cstr(jval_get(v, image ? "media_type" : "format"), name,
		       sizeof(name)))
		return refuse(w, "has no type");
	type = span_str(name);
	if (!text_of(w, jval_get(v, "data"), &data))
		return false;
	if (image ? media_image(type, data, &why)
		  : media_audio(type, data, &why))
		return true;
	return refuse(w, why);
}

/* The case that an object is; NULL: it was refused. *said: by its own word. */
static const struct llm_object *case_of(struct walk *w,
					const struct llm_object *o,
					struct jval v, const char **word)
{
	struct jval by = jval_get(v, o->by);
	const struct llm_case *c;
	struct span name = { NULL, 0 };

	*word = NULL;
	path_name(w, span_str(o->by));
	if (by.kind == JVAL_STRING) {
		if (!text_of(w, by, &name))
			return NULL;
	} else if ((by.kind == JVAL_NONE || by.kind == JVAL_NULL) &&
		   o->otherwise) {
		name = span_str(o->otherwise);
	} else {
		(void)refuse(w, "is missing, or no word");
		return NULL;
	}
	for (c = o->cases; c->value; c++)
		if (span_is(name, c->value))
			break;
	if (!c->value)
		(void)refuse(w, "has a value that bulkhead does not know");
	else if (!c->object)
		(void)str_printf(w->r->why, LLM_WHY,
				 "\"%s\" is refused: it works at the provider, "
				 "or names what is kept there",
				 c->value);
	if (w->r->why[0])
		return NULL;
	if (by.kind == JVAL_STRING)
		*word = c->value;
	return c->object;
}

static bool keep_object(struct walk *w, const struct llm_object *o,
			struct jval v)
{
	const size_t before = w->path_n;
	const struct llm_object *is = o;
	const char *word = NULL;

	buf_u8(w->out, '{');
	if (o->cases) {
		is = case_of(w, o, v, &word);
		if (!is)
			return false;
		path_back(w, before);
	}
	if (word) {
		json_quote(w->out, span_str(o->by));
		buf_u8(w->out, ':');
		json_quote(w->out, span_str(word));
	}
	if (!members(w, is, o->cases ? o->by : NULL, v, word != NULL) ||
	    !checked(w, is, v))
		return false;
	buf_u8(w->out, '}');
	return buf_ok(w->out) || refuse(w, "is too long");
}

/* --- a request ----------------------------------------------------------- */

/* Its head, which is known when all the rest was looked at. */
static bool put_head(struct walk *w, struct span rest)
{
	struct buf *b = &w->r->body;
	const char *tokens = w->has_tokens ? w->tokens : w->format->tokens;

	buf_str(b, "{\"model\":");
	json_quote(b, span_str(w->r->model));
	if (tokens) {
		if (!w->has_tokens)
			w->r->tokens = w->most;
		buf_printf(b, ",\"%s\":%u", tokens, w->r->tokens);
	}
	if (w->r->stream)
		buf_str(b, ",\"stream\":true");
	buf_str(b, w->format->always);
	if (w->r->stream)
		buf_str(b, w->format->streaming);
	if (rest.n)
		buf_u8(b, ',');
	buf_span(b, rest);
	buf_u8(b, '}');
	return buf_ok(b) || refuse(w, "is too long");
}

static bool rebuild(struct walk *w, struct span body)
{
	struct jval v;

	if (!w->format || w->most < 1 || w->most > LLM_TOKENS_MAX)
		return refuse(w, "is asked of nobody");
	if (body.n > LLM_BODY)
		return refuse(w, "the request is too long");
	if (!jval_parse(body, &v) || v.kind != JVAL_OBJECT)
		return refuse(w, "the request is no JSON object");
	return members(w, w->format->body, NULL, v, 0);
}

bool llm_rebuild(enum llm_api api, struct span body, uint32_t most,
		 struct llm_request *ret)
{
	CLEAN_BUF struct buf rest;
	struct walk w = { .r = ret, .format = llm_format(api), .most = most };
	bool ok;

	buf_init(&rest, LLM_BODY);
	buf_init(&w.text, LLM_BODY);
	buf_init(&w.names,
		 sizeof(struct place) * JCUR_DEPTH * LLM_JSON_MEMBERS);
	w.out = &rest;
	llm_request_done(ret);
	llm_request_init(ret);
	ok = rebuild(&w, body) && put_head(&w, buf_view(&rest));
	if (!ok)
		buf_reset(&ret->body);
	buf_done(&w.text);
	buf_done(&w.names);
	return ok;
}
