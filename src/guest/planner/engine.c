/*
 * engine: see engine.h.
 *
 * The likeliest word is asked for first, and only where the grammar forbids it
 * all others are looked at: a vocabulary has 100,000. An answer that is longer
 * than it may be is not cut, which would leave half of a call, but brought to
 * its end: from there on what closes a text, a list or an object is liked best.
 *
 * What the model has read stays with it, so that of a conversation that goes on
 * only what is new is read.
 */
#include "engine.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <ggml-backend.h>
#include <llama.h>

#include "base/str.h"

enum { PIECE = 256, PATH = 256, CLOSERS = 3, MESSAGES = 256 };

/* Beyond what any model thinks of a word; and so much more for each that is
 * liked better. */
#define LIKED  1e6F
#define BETTER 1e5F

struct engine {
	FILE *file;
	struct llama_model *model;
	struct llama_context *ctx;
	const struct llama_vocab *vocab;
	struct llama_sampler *chooser;
	int32_t n_vocab;
	llama_token_data *words; /* n_vocab */
	llama_token past[ENGINE_CONTEXT];
	size_t n_past;		     /* what the context has read */
	llama_token closer[CLOSERS]; /* of text, list, object; or -1 */
	bool in_text, escaped;	     /* where in JSON the answer is */
	uint32_t answer;
};

static void log_errors(enum ggml_log_level level, const char *text, void *)
{
	if (level == GGML_LOG_LEVEL_ERROR)
		(void)fputs(text, stderr);
}

/* --- open ------------------------------------------------------------------
 */

/* The best that this processor can run; which that is the library knows. */
static bool load_backend(const char *dir)
{
	static const char *const names[] = { "skylakex", "haswell", "x64" };
	char path[PATH];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (str_printf(path, sizeof(path), "%s/libggml-cpu-%s.so", dir,
			       names[i]) > 0 &&
		    ggml_backend_load(path))
			return true;
	return false;
}

/* The headers are of the library's release if its defaults are where they say.
 */
static bool same_release(void)
{
	const struct llama_model_params m = llama_model_default_params();
	const struct llama_context_params c = llama_context_default_params();

	return !m.vocab_only && !m.kv_overrides && !m.no_alloc &&
	       c.n_batch == 2048 && c.n_seq_max == 1 &&
	       c.type_k == GGML_TYPE_F16 && c.type_v == GGML_TYPE_F16 &&
	       c.offload_kqv && !c.embeddings && !c.samplers && !c.n_samplers;
}

static int32_t processors(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n;
}

static int open_model(struct engine *e, int fd, struct err *err)
{
	struct llama_model_params p = llama_model_default_params();
	int own = dup(fd);

	e->file = own < 0 ? NULL : fdopen(own, "rb");
	if (!e->file)
		return err_set(err, -1, "the model: %s", strerror(errno));
	/* Who has read of it moved the place where all copies of fd read. */
	rewind(e->file);
	/* Otherwise its weights are there twice, rearranged. */
	p.use_extra_bufts = false;
	/* Read, not mapped: while llama.cpp maps a disk, the guest's kernel was
	 * seen to come to no end. */
	p.load_mode = LLAMA_LOAD_MODE_NONE;
	e->model = llama_model_load_from_file_ptr(e->file, p);
	if (!e->model)
		return err_set(err, -1,
			       "the model cannot be loaded: it is no GGUF file "
			       "that llama.cpp knows, or larger than the "
			       "machine's memory");
	e->vocab = llama_model_get_vocab(e->model);
	e->n_vocab = llama_vocab_n_tokens(e->vocab);
	return 0;
}

static int open_engine(struct engine *e, int fd, struct err *err)
{
	llama_backend_init();
	return open_model(e, fd, err);
}

static int open_context(struct engine *e, const struct engine_options *o,
			struct err *err)
{
	struct llama_context_params p = llama_context_default_params();
	int32_t trained = llama_model_n_ctx_train(e->model);

	p.n_ctx = trained > 0 && trained < ENGINE_CONTEXT ? (uint32_t)trained
							  : ENGINE_CONTEXT;
	p.n_batch = p.n_ubatch = ENGINE_BATCH;
	p.n_threads = p.n_threads_batch =
		o->threads ? (int32_t)o->threads : processors();
	e->ctx = llama_init_from_model(e->model, p);
	if (e->n_vocab > 0)
		e->words = calloc((size_t)e->n_vocab, sizeof(*e->words));
	if (!e->ctx || !e->words)
		return err_set(err, -1, "no memory for the model's context");
	return 0;
}

static int piece_of(const struct engine *e, llama_token t, char ret[PIECE])
{
	int n = llama_token_to_piece(e->vocab, t, ret, PIECE, 0, false);

	return n < 0 ? 0 : n;
}

static void find_closers(struct engine *e)
{
	static const char chars[CLOSERS] = { '"', ']', '}' };
	char piece[PIECE];
	llama_token t;
	size_t i;

	for (i = 0; i < CLOSERS; i++)
		e->closer[i] = -1;
	for (t = 0; t < e->n_vocab; t++) {
		if (piece_of(e, t, piece) != 1)
			continue;
		for (i = 0; i < CLOSERS; i++)
			if (piece[0] == chars[i] && e->closer[i] < 0)
				e->closer[i] = t;
	}
}

static int open_chooser(struct engine *e, const struct engine_options *o,
			struct err *err)
{
	e->chooser =
		llama_sampler_chain_init(llama_sampler_chain_default_params());
	if (!e->chooser)
		return err_set(err, -1, "out of memory");
	if (o->temperature > 0) {
		llama_sampler_chain_add(
			e->chooser, llama_sampler_init_temp(o->temperature));
		llama_sampler_chain_add(e->chooser,
					llama_sampler_init_dist(o->seed));
	} else {
		llama_sampler_chain_add(e->chooser,
					llama_sampler_init_greedy());
	}
	return 0;
}

struct engine *engine_open(const struct engine_options *o, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e) {
		(void)err_set(err, -1, "out of memory");
		return NULL;
	}
	llama_log_set(log_errors, NULL);
	e->answer = o->answer ? o->answer : ENGINE_ANSWER;
	/* First: with none, llama.cpp would look for any, in many places. */
	if (!ggml_backend_reg_count() && !load_backend(o->backends))
		r = err_set(err, -1, "%s has no libggml-cpu for this processor",
			    o->backends);
	else if (!same_release())
		r = err_set(err, -1, "llama.cpp is another than was built for");
	else
		r = open_engine(e, o->fd, err);
	if (r == 0)
		r = open_context(e, o, err);
	if (r == 0)
		r = open_chooser(e, o, err);
	if (r < 0) {
		engine_close(e);
		return NULL;
	}
	find_closers(e);
	return e;
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	if (e->chooser)
		llama_sampler_free(e->chooser);
	if (e->ctx)
		llama_free(e->ctx);
	if (e->model)
		llama_model_free(e->model);
	if (e->file)
		(void)fclose(e->file);
	free(e->words);
	free(e);
}

/* --- what is read ----------------------------------------------------------
 */

/*
 * In the place of a text while its model's template is applied: what stands
 * between the texts is the template's, and may be marks; what a text says is
 * words and nothing else. No template has characters for private use.
 */
#define MARK_BEGIN "\xee\x80\x80"
#define MARK_END   "\xee\x80\x81"

struct tokens {
	llama_token t[ENGINE_CONTEXT];
	size_t n;
	bool full;
};

static void tokens_add(const struct engine *e, struct tokens *ts,
		       struct span text, bool marks)
{
	const size_t room = ENGINE_CONTEXT - ts->n;
	int32_t n;

	if (!text.n || ts->full)
		return;
	n = text.n > INT32_MAX
		    ? -1
		    : llama_tokenize(e->vocab, (const char *)text.p,
				     (int32_t)text.n, ts->t + ts->n,
				     (int32_t)room, marks && ts->n == 0, marks);
	if (n < 0)
		ts->full = true;
	else
		ts->n += (size_t)n;
}

/* The template around the texts: marks of them in their places. */
static int frame(const struct engine *e, const json_t *messages,
		 struct buf *ret)
{
	struct llama_chat_message rows[MESSAGES];
	char marks[MESSAGES][24];
	const char *template = llama_model_chat_template(e->model, NULL);
	const size_t n = json_array_size(messages);
	const int32_t room = 64 << 10;
	uint8_t *p = buf_extend(ret, (size_t)room);
	int32_t used;
	size_t i;

	if (n > MESSAGES || !p)
		return -1;
	for (i = 0; i < n; i++) {
		(void)str_printf(marks[i], sizeof(marks[i]),
				 MARK_BEGIN "%zu" MARK_END, i);
		rows[i].role = json_string_value(
			json_object_get(json_array_get(messages, i), "role"));
		rows[i].content = marks[i];
	}
	used = llama_chat_apply_template(template, rows, n, true, (char *)p,
					 room);
	/* One that llama.cpp does not know is told like the most common. */
	if (used < 0)
		used = llama_chat_apply_template("chatml", rows, n, true,
						 (char *)p, room);
	if (used < 0 || used > room)
		return -1;
	buf_cut(ret, (size_t)used);
	return 0;
}

static const uint8_t *find(struct span in, const char *what)
{
	return in.n ? memmem(in.p, in.n, what, strlen(what)) : NULL;
}

/* The conversation as tokens, text by text. */
static int read_all(const struct engine *e, const json_t *messages,
		    struct tokens *ts)
{
	CLEAN_BUF struct buf b;
	struct span rest;
	const uint8_t *at;

	buf_init(&b, 128 << 10);
	if (frame(e, messages, &b) < 0)
		return -1;
	rest = buf_view(&b);
	while ((at = find(rest, MARK_BEGIN))) {
		const uint8_t *number = at + sizeof(MARK_BEGIN) - 1;
		const uint8_t *end;
		uint64_t i;

		tokens_add(e, ts, span_of(rest.p, (size_t)(at - rest.p)), true);
		rest = span_of(number, rest.n - (size_t)(number - rest.p));
		end = find(rest, MARK_END);
		if (!end || num_parse(span_of(number, (size_t)(end - number)),
				      0, MESSAGES - 1, &i) < 0)
			return -1;
		tokens_add(e, ts,
			   span_str(json_string_value(json_object_get(
				   json_array_get(messages, i), "text"))),
			   false);
		end += sizeof(MARK_END) - 1;
		rest = span_of(end, rest.n - (size_t)(end - rest.p));
	}
	tokens_add(e, ts, rest, true);
	return 0;
}

/* Has the model read these tokens behind what it has read. */
static int decode(struct engine *e, const llama_token *t, size_t n)
{
	while (n) {
		const size_t some = n < ENGINE_BATCH ? n : ENGINE_BATCH;

		if (e->n_past + some > llama_n_ctx(e->ctx))
			return -1;
		memcpy(e->past + e->n_past, t, some * sizeof(*t));
		if (llama_decode(e->ctx,
				 llama_batch_get_one(e->past + e->n_past,
						     (int32_t)some)) != 0)
			return -1;
		e->n_past += some;
		t += some;
		n -= some;
	}
	return 0;
}

/* Forgets what differs, and reads from there: at least the last token, for what
 * comes next is known only then. */
static int read_on(struct engine *e, const struct tokens *ts)
{
	llama_memory_t memory = llama_get_memory(e->ctx);
	size_t same = 0;

	while (same < e->n_past && same + 1 < ts->n &&
	       e->past[same] == ts->t[same])
		same++;
	if (!llama_memory_seq_rm(memory, 0, (llama_pos)same, -1)) {
		llama_memory_clear(memory, true);
		same = 0;
	}
	e->n_past = same;
	return decode(e, ts->t + same, ts->n - same);
}

/* --- what is said ----------------------------------------------------------
 */

/* The words as the model likes them; where the answer is to end, as we do. */
static llama_token_data_array words_of(struct engine *e, bool ending)
{
	const float *logits = llama_get_logits_ith(e->ctx, -1);
	llama_token t;
	size_t i;

	for (t = 0; t < e->n_vocab; t++) {
		e->words[t] = (llama_token_data){ .id = t, .logit = logits[t] };
		if (ending && llama_vocab_is_eog(e->vocab, t))
			e->words[t].logit = LIKED + CLOSERS * BETTER;
	}
	/* In a text a bracket is one more character. */
	for (i = 0; ending && i < (e->in_text ? 1 : CLOSERS); i++)
		if (e->closer[i] >= 0)
			e->words[e->closer[i]].logit =
				LIKED + (float)i * BETTER;
	return (llama_token_data_array){ .data = e->words,
					 .size = (size_t)e->n_vocab,
					 .selected = -1 };
}

static bool allows(struct llama_sampler *grammar, llama_token t)
{
	llama_token_data one = { .id = t, .logit = 1 };
	llama_token_data_array a = { .data = &one, .size = 1, .selected = -1 };

	llama_sampler_apply(grammar, &a);
	return a.size == 1 && a.data[0].logit > -INFINITY;
}

static llama_token chosen(struct engine *e, llama_token_data_array *a)
{
	llama_sampler_apply(e->chooser, a);
	if (a->selected < 0 || (size_t)a->selected >= a->size)
		return -1;
	return a->data[a->selected].id;
}

/* The next word; -1: the grammar allows none. */
static llama_token next(struct engine *e, struct llama_sampler *grammar,
			bool ending)
{
	llama_token_data_array a = words_of(e, ending);
	llama_token t = chosen(e, &a);

	if (t >= 0 && allows(grammar, t))
		return t;
	a = words_of(e, ending);
	llama_sampler_apply(grammar, &a);
	t = chosen(e, &a);
	return t >= 0 && allows(grammar, t) ? t : -1;
}

static void follow(struct engine *e, struct span piece)
{
	size_t i;

	for (i = 0; i < piece.n; i++) {
		if (e->escaped)
			e->escaped = false;
		else if (e->in_text && piece.p[i] == '\\')
			e->escaped = true;
		else if (piece.p[i] == '"')
			e->in_text = !e->in_text;
	}
}

static void put_piece(struct engine *e, llama_token t, struct buf *out)
{
	char text[PIECE];
	const struct span piece = span_of(text, (size_t)piece_of(e, t, text));

	follow(e, piece);
	buf_span(out, piece);
}

static int say(struct engine *e, struct llama_sampler *grammar, struct buf *out,
	       struct err *err)
{
	const uint32_t most = e->answer + ENGINE_END;
	uint32_t i;

	e->in_text = e->escaped = false;
	for (i = 0; i < most; i++) {
		llama_token t = next(e, grammar, i >= e->answer);

		if (t < 0)
			return err_set(err, -1,
				       "the model has no word for what it may "
				       "say");
		if (llama_vocab_is_eog(e->vocab, t))
			return buf_ok(out) ? 0
					   : err_set(err, -1,
						     "the answer is too long");
		put_piece(e, t, out);
		llama_sampler_accept(grammar, t);
		llama_sampler_accept(e->chooser, t);
		if (decode(e, &t, 1) < 0)
			return err_set(err, -1,
				       "the answer is longer than the model's "
				       "context");
	}
	return err_set(err, -1, "the answer came to no end");
}

int engine_say(struct engine *e, const json_t *messages, const char *grammar,
	       struct buf *out, struct err *err)
{
	struct tokens *ts = calloc(1, sizeof(*ts));
	struct llama_sampler *g = NULL;
	int r = ts ? read_all(e, messages, ts) : -1;

	if (r < 0)
		r = err_set(err, -1, "the conversation cannot be told");
	else if (ts->full ||
		 ts->n + e->answer + ENGINE_END / 4 > llama_n_ctx(e->ctx))
		r = err_set(err, -E2BIG,
			    "the conversation is longer than the model's "
			    "context of %u tokens",
			    llama_n_ctx(e->ctx));
	else if (read_on(e, ts) < 0)
		r = err_set(err, -1, "the model failed to read");
	if (r == 0)
		g = llama_sampler_init_grammar(e->vocab, grammar, "root");
	if (r == 0 && !g)
		r = err_set(err, -1, "llama.cpp does not take the grammar");
	if (r == 0)
		r = say(e, g, out, err);
	if (g)
		llama_sampler_free(g);
	free(ts);
	return r;
}
