/*
 * corpora_test: public vectors, which are not part of the tree: RFC 6962
 * proofs (tlog-merkle) and signed notes (tlog-notes). Where BULKHEAD_CORPORA
 * names no folder with them, it is skipped and says so.
 */
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "base/b64.h"
#include "tlog/layout.h"
#include "tlog/note.h"
#include "tlog/proof.h"

enum { SKIPPED = 77, PATH_MAX_BYTES = 1024, KEYS_MAX = 8 };

static int cases, failures;

static void check(bool ok, const char *what)
{
	cases++;
	if (ok)
		return;
	failures++;
	(void)printf("failed: %s\n", what);
}

/* A base64 member of at most 32 bytes, the rest zero: a few of the vectors
 * have words in place of a root. */
static bool get_hash(const json_t *row, const char *key, uint8_t ret[TLOG_HASH])
{
	const char *text = json_string_value(json_object_get(row, key));
	uint8_t raw[256];
	int n;

	n = text ? b64_decode(raw, sizeof(raw), span_str(text)) : -1;
	if (n < 1 || n > TLOG_HASH)
		return false;
	memset(ret, 0, TLOG_HASH);
	memcpy(ret, raw, (size_t)n);
	return true;
}

static bool get_proof(const json_t *row, struct proof *ret)
{
	const json_t *list = json_object_get(row, "proof");
	size_t i;

	ret->n = json_array_size(list);
	if (ret->n > PROOF_MAX)
		return false;
	for (i = 0; i < ret->n; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		uint8_t raw[256];

		if (!text ||
		    b64_decode(raw, sizeof(raw), span_str(text)) != TLOG_HASH)
			return false;
		memcpy(ret->hash[i], raw, TLOG_HASH);
	}
	return true;
}

/* The rows are loaded with their numbers as reals. */
static uint64_t get_int(const json_t *row, const char *key)
{
	double v = json_real_value(json_object_get(row, key));

	/* Some are as large as 2^64 - 1: any that is too large will do. */
	return v < 9e18 ? (uint64_t)v : UINT64_MAX;
}

static bool inclusion_holds(const json_t *row)
{
	uint8_t leaf[TLOG_HASH], root[TLOG_HASH];
	struct proof p;

	return get_hash(row, "leafHash", leaf) && get_hash(row, "root", root) &&
	       get_proof(row, &p) &&
	       proof_inclusion(&p, get_int(row, "leafIdx"),
			       get_int(row, "treeSize"), leaf, root);
}

static bool consistency_holds(const json_t *row)
{
	uint8_t root1[TLOG_HASH], root2[TLOG_HASH];
	struct proof p;

	return get_hash(row, "root1", root1) && get_hash(row, "root2", root2) &&
	       get_proof(row, &p) &&
	       proof_consistency(&p, get_int(row, "size1"),
				 get_int(row, "size2"), root1, root2);
}

/* nftw has no argument of its own for these. */
static bool (*row_holds)(const json_t *);
static int n_rows;

static int merkle_row(const char *path, const struct stat *, int kind,
		      struct FTW *)
{
	json_t *row;
	bool want;

	if (kind != FTW_F)
		return 0;
	n_rows++;
	row = json_load_file(path, JSON_DECODE_INT_AS_REAL, NULL);
	want = !json_is_true(json_object_get(row, "wantErr"));
	check(row && row_holds(row) == want, path);
	json_decref(row);
	return 0;
}

static void merkle_kind(const char *base, const char *kind,
			bool (*holds)(const json_t *))
{
	char path[PATH_MAX_BYTES];

	(void)str_printf(path, sizeof(path), "%s/tlog-merkle/%s", base, kind);
	row_holds = holds;
	(void)nftw(path, merkle_row, 16, FTW_PHYS);
}

static enum note_fault expected(const char *text)
{
	static const struct {
		const char *start;
		enum note_fault fault;
	} rows[] = {
		{ "ok", NOTE_OK },
		{ "error: no verifiable", NOTE_UNVERIFIED },
		{ "parses;", NOTE_UNVERIFIED },
		{ "error: malformed", NOTE_MALFORMED },
		{ "error: invalid signature", NOTE_BAD_SIGNATURE },
		{ "error: ambiguous", NOTE_AMBIGUOUS },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strncmp(text, rows[i].start, strlen(rows[i].start)))
			return rows[i].fault;
	return NOTE_FAULT_MAX;
}

static void note_row(const json_t *row)
{
	const json_t *list = json_object_get(row, "verifier_keys");
	const char *note = json_string_value(json_object_get(row, "note"));
	const char *hex = json_string_value(json_object_get(row, "note_hex"));
	struct note_vkey keys[KEYS_MAX];
	static uint8_t raw[NOTE_MAX];
	struct span bytes = span_str(note);
	struct span text;
	size_t n = 0;
	size_t i;

	for (i = 0; i < json_array_size(list) && n < KEYS_MAX; i++) {
		const char *k = json_string_value(json_array_get(list, i));

		check(note_vkey_parse(span_str(k), &keys[n]) == 0, k);
		n++;
	}
	if (hex && hex_decode(raw, strlen(hex) / 2, span_str(hex)) == 0)
		bytes = span_of(raw, strlen(hex) / 2);
	check(note_open(bytes, keys, n, &text) ==
		      expected(json_string_value(
			      json_object_get(row, "expect"))),
	      json_string_value(json_object_get(row, "name")));
}

static void notes(const char *base)
{
	char path[PATH_MAX_BYTES];
	FILE *f;

	(void)str_printf(path, sizeof(path), "%s/tlog-notes/notes.jsonl", base);
	f = fopen(path, "re");
	while (f) {
		json_t *row = json_loadf(
			f, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);

		if (!row)
			break;
		note_row(row);
		json_decref(row);
	}
	if (f)
		(void)fclose(f);
}

static json_t *load(const char *base, const char *name)
{
	char path[PATH_MAX_BYTES];
	json_t *json;

	(void)str_printf(path, sizeof(path), "%s/tlog-notes/%s", base, name);
	json = json_load_file(path, 0, NULL);
	check(json, path);
	return json;
}

/* Every proper part of a good key, and every byte of it changed, is bad. */
static void mangle(const char *good)
{
	char text[NOTE_VKEY_MAX];
	struct note_vkey k;
	size_t n = strlen(good), from, to;

	for (from = 0; from <= n; from++)
		for (to = from; to <= n; to++)
			check((note_vkey_parse(span_of(good + from, to - from),
					       &k) == 0) ==
				      (from == 0 && to == n),
			      "part of a key");
	(void)str_printf(text, sizeof(text), "%s", good);
	for (from = 0; from < n; from++) {
		text[from]++;
		check(note_vkey_parse(span_of(text, n), &k) < 0, "changed key");
		text[from]--;
	}
}

/* Ed25519 is deterministic: the signer's key makes the published note. */
static void sign_again(const char *base, const json_t *keys)
{
	const char *text =
		json_string_value(json_object_get(keys, "good_signer_key"));
	const char *note, *cut;
	char path[PATH_MAX_BYTES];
	struct note_key k;
	struct buf b;
	json_t *row = NULL;
	FILE *f;

	(void)str_printf(path, sizeof(path), "%s/tlog-notes/notes.jsonl", base);
	f = fopen(path, "re");
	if (f) {
		row = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
		(void)fclose(f);
	}
	note = json_string_value(json_object_get(row, "note"));
	cut = note ? strstr(note, "\n\n") : NULL;
	buf_init(&b, NOTE_MAX);
	check(cut && note_key_parse(span_str(text), &k) == 0, "signer key");
	if (cut) {
		size_t n = (size_t)(cut + 1 - note);

		check(note_sign(&b, span_of(note, n), &k) == 0, "signing");
		check(b.n <= strlen(note) && !memcmp(b.p, note, b.n),
		      "the published signature");
		note_key_done(&k);
	}
	buf_done(&b);
	json_decref(row);
}

static void key_vectors(const char *base)
{
	json_t *json = load(base, "keys.json");
	const json_t *good = json_object_get(json, "good_verifier_keys");
	const json_t *bad = json_object_get(json, "bad_verifier_keys");
	struct note_vkey k;
	size_t i;

	for (i = 0; i < json_array_size(good); i++)
		mangle(json_string_value(json_array_get(good, i)));
	for (i = 0; i < json_array_size(bad); i++) {
		const char *text = json_string_value(json_array_get(bad, i));

		check(note_vkey_parse(span_str(text), &k) < 0, text);
	}
	sign_again(base, json);
	json_decref(json);
}

static bool is_head(const char *text)
{
	struct checkpoint c;

	return checkpoint_parse(span_str(text), &c) == 0 &&
	       span_is(c.origin, "go.sum database tree");
}

static void tree_heads(const char *base)
{
	json_t *json = load(base, "tree-heads.json");
	const json_t *bad = json_object_get(json, "bad");
	size_t i;

	check(is_head(json_string_value(json_object_get(json, "good"))),
	      "good tree head");
	for (i = 0; i < json_array_size(bad); i++)
		check(!is_head(json_string_value(json_array_get(bad, i))),
		      "bad tree head");
	json_decref(json);
}

/* Paths with a level, as ours are; theirs begin with the tile's height. */
static void tile_paths(const char *base)
{
	json_t *json = load(base, "tile-paths.json");
	const json_t *rows = json_object_get(json, "parsed");
	size_t i;

	for (i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		uint64_t v[4] = { 0 };
		const char *want = json_string_value(json_array_get(row, 0));
		char got[LAYOUT_PATH];
		size_t k;

		for (k = 0; k < 4; k++)
			if (num_parse(span_str(json_string_value(
					      json_array_get(row, k + 1))),
				      0, UINT32_MAX, &v[k]) < 0)
				break;
		if (k < 4)
			continue; /* their data tiles, level -1 */
		layout_path(got, (unsigned)v[1], v[2],
			    v[3] == UINT64_C(1) << v[0] ? 0 : (uint32_t)v[3]);
		check(!strcmp(strchr(want + 5, '/'), got + 4), want);
	}
	json_decref(json);
}

int main(void)
{
	const char *base = getenv("BULKHEAD_CORPORA");
	char path[PATH_MAX_BYTES];

	if (!base || !base[0] ||
	    str_printf(path, sizeof(path), "%s/tlog-merkle", base) < 0 ||
	    access(path, R_OK) < 0) {
		(void)puts("skipped: BULKHEAD_CORPORA names no folder with "
			   "tlog-merkle and tlog-notes");
		return SKIPPED;
	}
	merkle_kind(base, "inclusion", inclusion_holds);
	merkle_kind(base, "consistency", consistency_holds);
	check(n_rows >= 134, "as many proofs as there should be");
	notes(base);
	key_vectors(base);
	tree_heads(base);
	tile_paths(base);
	(void)printf("%d cases, %d failed\n", cases, failures);
	return failures ? 1 : 0;
}
