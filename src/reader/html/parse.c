/*
 * parse: see parse.h. MyHTML takes its memory from functions of its own name,
 * which are here: they count, and where too much is asked for they leave the
 * parser by longjmp. It never sees a request fail, for it does not check all of
 * them. Whatever it held is freed by a list of its blocks, and it is made anew.
 * A limit that is seen between two tokens leaves it by longjmp, too, but whole:
 * it is cleaned like after any document.
 *
 * Where it makes one text of two it appends the second to the first, and that
 * may stand right before it: it copies between places that overlap, by memcpy.
 * The linker gives it another one (meson.build).
 */
#include "reader/html/parse.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	TOKENS_A_CLOCK = 256,
	BASE_DEPTH = 2, /* html and body */
};

/* In front of each block of the parser's; as malloc() aligns. */
struct block {
	struct block *next;
	struct block *prev;
	size_t n;
	size_t pad;
};

enum leave { LEAVE_CUT = 1, LEAVE_LOST };

static struct {
	myhtml_t *my;
	myhtml_tree_t *tree;
	struct block *blocks;
	size_t used;
	jmp_buf out; /* good while something is being parsed or made */
	size_t at;   /* where the token stands that was over a limit */
	size_t root_attrs;
	unsigned int tokens;
	struct timespec start;
} parser;

/* Memory */

void *__wrap_memcpy(void *dst, const void *src, size_t n);

void *__wrap_memcpy(void *dst, const void *src, size_t n)
{
	return memmove(dst, src, n);
}

static void block_link(struct block *b)
{
	b->prev = NULL;
	b->next = parser.blocks;
	if (b->next)
		b->next->prev = b;
	parser.blocks = b;
	parser.used += b->n;
}

static void block_unlink(struct block *b)
{
	if (b->next)
		b->next->prev = b->prev;
	if (b->prev)
		b->prev->next = b->next;
	else
		parser.blocks = b->next;
	parser.used -= b->n;
}

static void *block_new(struct block *old, size_t n)
{
	struct block *b = NULL;

	if (n <= PARSE_MEMORY_MAX && parser.used <= PARSE_MEMORY_MAX - n)
		b = realloc(old, sizeof(*b) + n);
	if (!b) {
		if (old)
			block_link(old);
		longjmp(parser.out, LEAVE_LOST);
	}
	b->n = n;
	block_link(b);
	return b + 1;
}

void *mycore_malloc(size_t size)
{
	return block_new(NULL, size);
}

void *mycore_calloc(size_t num, size_t size)
{
	size_t n;
	void *p;

	if (__builtin_mul_overflow(num, size, &n))
		n = SIZE_MAX;
	p = block_new(NULL, n);
	memset(p, 0, n);
	return p;
}

void *mycore_realloc(void *dst, size_t size)
{
	struct block *old = dst ? (struct block *)dst - 1 : NULL;

	if (old)
		block_unlink(old);
	return block_new(old, size);
}

void *mycore_free(void *dst)
{
	struct block *b = dst;

	if (b--) {
		block_unlink(b);
		free(b);
	}
	return NULL;
}

static void parser_drop(void)
{
	while (parser.blocks) {
		struct block *b = parser.blocks;

		parser.blocks = b->next;
		free(b);
	}
	parser.used = 0;
	parser.my = NULL;
	parser.tree = NULL;
}

/* Limits */

static bool time_over(void)
{
	struct timespec now;

	if (++parser.tokens % TOKENS_A_CLOCK)
		return false;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - parser.start.tv_sec) * 1000 +
		       (now.tv_nsec - parser.start.tv_nsec) / 1000000 >
	       PARSE_MS_MAX;
}

/*
 * The attributes of one tag; and of all that go to the one html or body
 * element, each of which is looked for among those that are there.
 */
static bool attrs_over(const myhtml_token_node_t *t)
{
	size_t n = 0;

	for (const myhtml_token_attr_t *a = t->attr_first; a; a = a->next)
		n++;
	if (t->tag_id == MyHTML_TAG_HTML || t->tag_id == MyHTML_TAG_BODY)
		parser.root_attrs += n;
	return n > PARSE_ATTRS_MAX || parser.root_attrs > PARSE_ROOT_ATTRS_MAX;
}

/* Before a token reaches the tree. */
static void *token_look(myhtml_tree_t *tree, myhtml_token_node_t *t, void *ctx)
{
	if (tree->open_elements->length > PARSE_DEPTH_MAX + BASE_DEPTH ||
	    tree->active_formatting->length > PARSE_FORMATTING_MAX ||
	    t->tag_id > MyHTML_TAG_LAST_ENTRY + PARSE_TAGS_MAX ||
	    attrs_over(t) || parser.used > PARSE_MEMORY_CUT || time_over()) {
		parser.at = t->element_begin;
		longjmp(parser.out, LEAVE_CUT);
	}
	return ctx;
}

/* No threads: one would have to be copied with the machine, and be waited for.
 */
static void parser_make(void)
{
	parser.my = myhtml_create();
	if (myhtml_init(parser.my, MyHTML_OPTIONS_PARSE_MODE_SINGLE, 1, 0))
		longjmp(parser.out, LEAVE_LOST);
	parser.tree = myhtml_tree_create();
	if (myhtml_tree_init(parser.tree, parser.my))
		longjmp(parser.out, LEAVE_LOST);
	myhtml_callback_before_token_done_set(parser.tree, token_look, NULL);
}

/* 0, or why it was left; a function of its own for what setjmp() demands. */
static int parser_run(struct span html)
{
	int left = setjmp(parser.out);

	if (left)
		return left;
	if (parser.tree)
		myhtml_tree_clean(parser.tree);
	else
		parser_make();
	if (html.p && myhtml_parse_single(parser.tree, MyENCODING_UTF_8,
					  (const char *)html.p, html.n))
		return LEAVE_LOST;
	return 0;
}

static int run(struct span html)
{
	int left = parser_run(html);

	if (left == LEAVE_LOST)
		parser_drop();
	return left;
}

void parse_init(void)
{
	(void)run(span_of(NULL, 0));
}

void parse_html(struct span html, struct parsed *ret)
{
	int left;

	if (parser.used > PARSE_MEMORY_KEPT)
		parser_drop();
	parser.root_attrs = 0;
	parser.tokens = 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &parser.start);
	left = run(html);
	ret->tree = left == LEAVE_LOST ? NULL : parser.tree;
	ret->end = left == LEAVE_LOST  ? 0
		   : left == LEAVE_CUT ? parser.at
				       : html.n;
}
