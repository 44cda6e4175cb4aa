/*
 * sops_tree: what is in a file of sops, whichever of its formats it has: maps,
 * lists and scalars, in the order of the file, in one table. All texts lie in
 * one arena; of a value that is encrypted it is the ENC[...] as it stands in
 * the file, so that nothing here is secret but `plain`.
 */
#ifndef VAULT_SOPS_TREE_H
#define VAULT_SOPS_TREE_H

#include "base/buf.h"
#include "base/err.h"

enum {
	SOPS_NODES = 8192,
	SOPS_DEPTH = 24,
	SOPS_KEY_MAX = 1024,
	SOPS_TEXTS_MAX = 4 << 20,
	SOPS_PATH_MAX = 8192,
};

enum sops_format { SOPS_NONE, SOPS_JSON, SOPS_YAML, SOPS_ENV, SOPS_INI };

/* The text of a scalar is what sops takes into its MAC for it. */
enum sops_kind {
	SOPS_MAP,
	SOPS_LIST,
	SOPS_STR,
	SOPS_INT,
	SOPS_FLOAT,
	SOPS_BOOL, /* "True", "False" */
	SOPS_BYTES,
	SOPS_TIME,
	SOPS_NULL,
	SOPS_COMMENT, /* a line of a format of lines, as it is */
	SOPS_KINDS
};

struct sops_text {
	uint32_t at, n; /* in the arena */
};

struct sops_node {
	uint32_t up; /* its map or list; SOPS_ROOT of a document */
	enum sops_kind kind;
	bool gone;	/* taken out */
	bool encrypted; /* is to be, by the rules of its file */
	bool fresh;	/* its text is not what `plain` says: to be sealed */
	struct sops_text key;
	struct sops_text text;
	/* Of one that is encrypted: what it says, in locked memory. */
	enum sops_kind plain_kind;
	struct span plain;
};

#define SOPS_ROOT UINT32_MAX

struct sops_tree {
	enum sops_format format;
	struct buf texts;
	struct sops_node *nodes; /* owned; of SOPS_NODES */
	uint32_t n;
	uint32_t meta;	    /* the map of sops' own, SOPS_ROOT: there is none */
	bool comments_lost; /* the file has some, and the tree has not */
};

/* Whether a byte is one of those of a text. */
static inline bool sops_among(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* 0 or -ENOMEM. */
[[nodiscard]] int sops_tree_init(struct sops_tree *t, enum sops_format format);
void sops_tree_done(struct sops_tree *t);

/*
 * One more node, behind all that are there. Its index, or SOPS_ROOT after err
 * says why: a key that its map has already, a limit, no memory.
 */
[[nodiscard]] uint32_t sops_add(struct sops_tree *t, uint32_t up,
				enum sops_kind kind, struct span key,
				struct span text, struct err *err);

struct span sops_key(const struct sops_tree *t, uint32_t i);
struct span sops_node_text(const struct sops_tree *t, uint32_t i);
[[nodiscard]] int sops_set_text(struct sops_tree *t, uint32_t i,
				struct span text);

/* Takes a node out, with all that is in it. */
void sops_remove(struct sops_tree *t, uint32_t i);

/* The child of that key, or SOPS_ROOT. */
uint32_t sops_child(const struct sops_tree *t, uint32_t up, struct span key);

/* The next child of a node behind `after` (SOPS_ROOT: the first), or
 * SOPS_ROOT. */
uint32_t sops_next(const struct sops_tree *t, uint32_t up, uint32_t after);

bool sops_is_scalar(enum sops_kind kind);

/* Whether a node is sops' own, or in it. */
bool sops_in_meta(const struct sops_tree *t, uint32_t i);

/* Appends the keys from the root to the node, each with `sep` behind it; lists
 * add nothing, or with `indexes` their number. */
void sops_path(const struct sops_tree *t, uint32_t i, char sep, bool indexes,
	       struct buf *ret);

/* --- the formats ---------------------------------------------------------- */

/* Which of its formats a text is in; SOPS_NONE: it is no file of sops. */
enum sops_format sops_sniff(struct span file);

/* Fills an empty tree. 0, or -EINVAL, -ENOMEM after err says where and why. */
[[nodiscard]] int sops_read_json(struct sops_tree *t, struct span file,
				 struct err *err);
[[nodiscard]] int sops_read_yaml(struct sops_tree *t, struct span file,
				 struct err *err);
[[nodiscard]] int sops_read_env(struct sops_tree *t, struct span file,
				struct err *err);
[[nodiscard]] int sops_read_ini(struct sops_tree *t, struct span file,
				struct err *err);

/* Appends the tree in its format, sops' own last; buf_ok says the rest. */
void sops_write_nodes(const struct sops_tree *t, struct buf *ret);

/* A float of JSON or YAML as sops' own program writes it: all digits, no
 * exponent, the fewest that are the same number. -1: it is none. */
[[nodiscard]] int sops_float(struct buf *ret, struct span text);

/* --- what sops itself keeps in a file ------------------------------------- */

/* A text of that name; false: it has none. */
bool sops_meta_text(const struct sops_tree *t, const char *name,
		    struct span *ret);

/* Of the i-th age recipient its "recipient" or "enc". */
bool sops_meta_age(const struct sops_tree *t, unsigned i, const char *what,
		   struct span *ret);

/* Why a file is not read, by the kinds of keys in it; NULL. *others: there are
 * keys of other kinds than age. */
const char *sops_meta_odd(const struct sops_tree *t, bool *others);

/* Sets the text of that name, which is added where there is none. */
[[nodiscard]] int sops_meta_set(struct sops_tree *t, const char *name,
				struct span text, struct err *err);

/* Takes all age recipients out; adds one. */
void sops_meta_drop_age(struct sops_tree *t);
[[nodiscard]] int sops_meta_add_age(struct sops_tree *t, unsigned i,
				    struct span recipient, struct span enc,
				    struct err *err);

/* Marks each node that the rules say is encrypted. 0, or -EINVAL after err. */
[[nodiscard]] int sops_rules(struct sops_tree *t, struct err *err);

#endif
