/*
 * tiny_gguf: writes a model of no use: two layers of random weights, of half a
 * megabyte, with a vocabulary of bytes, letters and pairs of letters. It is a
 * whole model to llama.cpp, which is what tests need of it.
 *
 * usage: tiny_gguf SEED LIKED FILE
 *
 * The characters LIKED are said more often than chance has it, the more often
 * they stand there: with '"' among them its texts come to an end.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ggml.h>
#include <gguf.h>

enum {
	WIDTH = 32,
	HEADS = 2,
	LAYERS = 2,
	INNER = 64,
	CONTEXT = 8192,
	WORDS = 1280,
	WORD = 16,
	TENSORS = 9 * LAYERS + 3,
};

/* Kinds of words, as the format numbers them. */
enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6 };

struct vocab {
	char text[WORDS][WORD];
	const char *list[WORDS];
	float score[WORDS];
	int32_t kind[WORDS];
	size_t n;
};

static uint64_t state;

/* splitmix64, for the same weights everywhere. */
static uint64_t chance(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* About normal, with that deviation. */
static float noise(float deviation)
{
	float sum = 0;
	int i;

	for (i = 0; i < 12; i++)
		sum += (float)(chance() >> 40) / (float)(1 << 24);
	return (sum - 6) * deviation;
}

static void word(struct vocab *v, const char *text, float score, int32_t kind)
{
	if (v->n == WORDS)
		abort();
	(void)snprintf(v->text[v->n], WORD, "%s", text);
	v->list[v->n] = v->text[v->n];
	v->score[v->n] = score;
	v->kind[v->n++] = kind;
}

/* Two letters that may stand together are one word. */
static void pairs(struct vocab *v)
{
	char text[WORD];
	int a, b;

	for (a = 'a'; a <= 'z'; a++) {
		for (b = 'a'; b <= 'z'; b++) {
			(void)snprintf(text, sizeof(text), "%c%c", a, b);
			word(v, text, -1, NORMAL);
		}
		(void)snprintf(text, sizeof(text), "\xe2\x96\x81%c", a);
		word(v, text, -2, NORMAL);
	}
	word(v, "{\"", -3, NORMAL);
	word(v, "\"}", -3, NORMAL);
	word(v, "\",", -3, NORMAL);
}

static void words(struct vocab *v)
{
	char text[WORD];
	int c;

	word(v, "<unk>", 0, UNKNOWN);
	word(v, "<s>", 0, CONTROL);
	word(v, "</s>", 0, CONTROL);
	word(v, "<|im_start|>", 0, CONTROL);
	word(v, "<|im_end|>", 0, CONTROL);
	for (c = 0; c < 256; c++) {
		(void)snprintf(text, sizeof(text), "<0x%02X>", c);
		word(v, text, 0, BYTE);
	}
	for (c = '!'; c <= '~'; c++) {
		(void)snprintf(text, sizeof(text), "%c", c);
		word(v, text, -9, NORMAL);
	}
	word(v, "\xe2\x96\x81", -9, NORMAL);
	pairs(v);
}

static void numbers(struct gguf_context *g)
{
	gguf_set_val_str(g, "general.architecture", "llama");
	gguf_set_val_u32(g, "llama.context_length", CONTEXT);
	gguf_set_val_u32(g, "llama.embedding_length", WIDTH);
	gguf_set_val_u32(g, "llama.block_count", LAYERS);
	gguf_set_val_u32(g, "llama.feed_forward_length", INNER);
	gguf_set_val_u32(g, "llama.attention.head_count", HEADS);
	gguf_set_val_u32(g, "llama.rope.dimension_count", WIDTH / HEADS);
	gguf_set_val_f32(g, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
}

static void tokenizer(struct gguf_context *g, const struct vocab *v)
{
	gguf_set_val_str(g, "tokenizer.ggml.model", "llama");
	gguf_set_arr_str(g, "tokenizer.ggml.tokens",
			 (const char **)(uintptr_t)v->list, v->n);
	gguf_set_arr_data(g, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32,
			  v->score, v->n);
	gguf_set_arr_data(g, "tokenizer.ggml.token_type", GGUF_TYPE_INT32,
			  v->kind, v->n);
	gguf_set_val_u32(g, "tokenizer.ggml.bos_token_id", 1);
	gguf_set_val_u32(g, "tokenizer.ggml.eos_token_id", 2);
}

/* A matrix of random numbers, or with deviation 0 a row of ones. */
static float *tensor(struct gguf_context *g, struct ggml_context *c,
		     const char *name, int64_t in, int64_t out, float deviation)
{
	struct ggml_tensor *t =
		deviation > 0 ? ggml_new_tensor_2d(c, GGML_TYPE_F32, in, out)
			      : ggml_new_tensor_1d(c, GGML_TYPE_F32, in);
	float *p = ggml_get_data_f32(t);
	int64_t i;

	for (i = 0; i < in * out; i++)
		p[i] = deviation > 0 ? noise(deviation) : 1;
	ggml_set_name(t, name);
	gguf_add_tensor(g, t);
	return p;
}

static void layer(struct gguf_context *g, struct ggml_context *c, int i)
{
	static const struct {
		const char *name;
		int in, out;
	} rows[] = {
		{ "attn_norm", WIDTH, 0 },	 { "attn_q", WIDTH, WIDTH },
		{ "attn_k", WIDTH, WIDTH },	 { "attn_v", WIDTH, WIDTH },
		{ "attn_output", WIDTH, WIDTH }, { "ffn_norm", WIDTH, 0 },
		{ "ffn_gate", WIDTH, INNER },	 { "ffn_up", WIDTH, INNER },
		{ "ffn_down", INNER, WIDTH },
	};
	char name[64];
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
		(void)snprintf(name, sizeof(name), "blk.%d.%s.weight", i,
			       rows[k].name);
		(void)tensor(g, c, name, rows[k].in,
			     rows[k].out ? rows[k].out : 1,
			     rows[k].out ? 0.2F : 0);
	}
}

/* What is always there in the first number of a state is what makes a word
 * liked whatever was said. */
static void like(const struct vocab *v, const char *liked, float *embedded,
		 float *out)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		const char *text = v->text[i], *c;

		embedded[i * WIDTH] = 4;
		out[i * WIDTH] = 0;
		for (c = liked; *c; c++)
			if (text[0] == *c && !text[1])
				out[i * WIDTH] += 2;
	}
}

int main(int argc, char **argv)
{
	struct ggml_init_params p = { .mem_size = 4 << 20 };
	static struct vocab v;
	struct ggml_context *c;
	struct gguf_context *g;
	float *embedded, *out;
	bool ok;
	int i;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: tiny_gguf SEED LIKED FILE\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 10);
	c = ggml_init(p);
	g = gguf_init_empty();
	words(&v);
	numbers(g);
	tokenizer(g, &v);
	embedded = tensor(g, c, "token_embd.weight", WIDTH, (int64_t)v.n, 1);
	(void)tensor(g, c, "output_norm.weight", WIDTH, 1, 0);
	out = tensor(g, c, "output.weight", WIDTH, (int64_t)v.n, 1);
	like(&v, argv[2], embedded, out);
	for (i = 0; i < LAYERS; i++)
		layer(g, c, i);
	ok = gguf_write_to_file(g, argv[3], false);
	gguf_free(g);
	ggml_free(c);
	return ok ? 0 : 1;
}
