/*
 * sops_meta: what sops keeps in a file for itself: who may open it, its MAC,
 * and the rule that says which values are encrypted. JSON and YAML have it as a
 * map of lists of maps, dotenv and INI flat: age__list_0__map_enc.
 *
 * SECURITY: of all this only lastmodified is proved by the MAC. A rule that was
 * changed makes values that were encrypted not so, or the other way round, and
 * then the MAC or a value does not fit: it opens nothing. A pattern is matched
 * with bounds on its work.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>

#include "base/str.h"
#include "sops_tree.h"

enum {
	PATTERN_MAX = 512,
	FLAT_MAX = 128,
	MATCH_STEPS = 100000,
	MATCH_KIB = 256,
};

static bool is_flat(const struct sops_tree *t)
{
	return t->format == SOPS_ENV || t->format == SOPS_INI;
}

bool sops_meta_text(const struct sops_tree *t, const char *name,
		    struct span *ret)
{
	const uint32_t i = t->meta == SOPS_ROOT
				   ? SOPS_ROOT
				   : sops_child(t, t->meta, span_str(name));

	if (i == SOPS_ROOT || !sops_is_scalar(t->nodes[i].kind))
		return false;
	*ret = sops_node_text(t, i);
	return true;
}

static void flat_name(char ret[FLAT_MAX], unsigned i, const char *what)
{
	(void)str_printf(ret, FLAT_MAX, "age__list_%u__map_%s", i, what);
}

bool sops_meta_age(const struct sops_tree *t, unsigned i, const char *what,
		   struct span *ret)
{
	char name[FLAT_MAX];
	uint32_t list, row;

	if (t->meta == SOPS_ROOT)
		return false;
	if (is_flat(t)) {
		flat_name(name, i, what);
		return sops_meta_text(t, name, ret);
	}
	list = sops_child(t, t->meta, SPAN_LIT("age"));
	if (list == SOPS_ROOT || t->nodes[list].kind != SOPS_LIST)
		return false;
	row = sops_next(t, list, SOPS_ROOT);
	while (row != SOPS_ROOT && i--)
		row = sops_next(t, list, row);
	if (row == SOPS_ROOT || t->nodes[row].kind != SOPS_MAP)
		return false;
	row = sops_child(t, row, span_str(what));
	if (row == SOPS_ROOT || !sops_is_scalar(t->nodes[row].kind))
		return false;
	*ret = sops_node_text(t, row);
	return true;
}

/* Whether there is a list of that name with anything in it. */
static bool has_list(const struct sops_tree *t, const char *name)
{
	char flat[FLAT_MAX];
	uint32_t i;
	int n;

	if (!is_flat(t)) {
		i = sops_child(t, t->meta, span_str(name));
		return i != SOPS_ROOT &&
		       sops_next(t, i, SOPS_ROOT) != SOPS_ROOT;
	}
	n = str_printf(flat, sizeof(flat), "%s__list_", name);
	for (i = sops_next(t, t->meta, SOPS_ROOT); i != SOPS_ROOT;
	     i = sops_next(t, t->meta, i)) {
		const struct span key = sops_key(t, i);

		if (n > 0 && key.n > (size_t)n &&
		    !memcmp(key.p, flat, (size_t)n))
			return true;
	}
	return false;
}

const char *sops_meta_odd(const struct sops_tree *t, bool *others)
{
	static const char *const kinds[] = { "pgp",	 "kms",	     "gcp_kms",
					     "azure_kv", "hc_vault", "hckms" };
	size_t i;

	*others = false;
	if (t->meta == SOPS_ROOT)
		return "it has nothing of sops in it";
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		*others = *others || has_list(t, kinds[i]);
	return has_list(t, "key_groups")
		       ? "it has several key groups (Shamir), which are not "
			 "read"
		       : NULL;
}

int sops_meta_set(struct sops_tree *t, const char *name, struct span text,
		  struct err *err)
{
	uint32_t i = sops_child(t, t->meta, span_str(name));

	if (i == SOPS_ROOT)
		i = sops_add(t, t->meta, SOPS_STR, span_str(name), text, err);
	else if (sops_set_text(t, i, text) < 0)
		return err_set(err, -ENOMEM, "it is too large");
	if (i == SOPS_ROOT)
		return -EINVAL;
	t->nodes[i].kind = SOPS_STR;
	return 0;
}

void sops_meta_drop_age(struct sops_tree *t)
{
	uint32_t i = sops_next(t, t->meta, SOPS_ROOT), next;

	for (; i != SOPS_ROOT; i = next) {
		const struct span key = sops_key(t, i);

		next = sops_next(t, t->meta, i);
		if (span_is(key, "age") ||
		    (key.n > 10 && !memcmp(key.p, "age__list_", 10)))
			sops_remove(t, i);
	}
}

static int add(struct sops_tree *t, uint32_t up, const char *key,
	       struct span text, struct err *err)
{
	return sops_add(t, up, SOPS_STR, span_str(key), text, err) == SOPS_ROOT
		       ? -EINVAL
		       : 0;
}

int sops_meta_add_age(struct sops_tree *t, unsigned i, struct span recipient,
		      struct span enc, struct err *err)
{
	char name[FLAT_MAX], other[FLAT_MAX];
	uint32_t list, row;

	if (is_flat(t)) {
		flat_name(name, i, "recipient");
		flat_name(other, i, "enc");
		return add(t, t->meta, name, recipient, err) < 0 ||
				       add(t, t->meta, other, enc, err) < 0
			       ? -EINVAL
			       : 0;
	}
	list = sops_child(t, t->meta, SPAN_LIT("age"));
	if (list == SOPS_ROOT)
		list = sops_add(t, t->meta, SOPS_LIST, SPAN_LIT("age"),
				SPAN_LIT(""), err);
	row = list == SOPS_ROOT ? SOPS_ROOT
				: sops_add(t, list, SOPS_MAP, SPAN_LIT(""),
					   SPAN_LIT(""), err);
	return row == SOPS_ROOT ||
			       add(t, row, "recipient", recipient, err) < 0 ||
			       add(t, row, "enc", enc, err) < 0
		       ? -EINVAL
		       : 0;
}

/* --- which values are encrypted --------------------------------------------
 */

enum rule_kind {
	UNENCRYPTED_SUFFIX,
	ENCRYPTED_SUFFIX,
	UNENCRYPTED_REGEX,
	ENCRYPTED_REGEX,
	RULE_KINDS
};

struct rule {
	enum rule_kind kind;
	struct span text;
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *bounds;
};

/* 1, 0, or -1: it could not be said within its bounds. */
static int rule_fits(const struct rule *r, struct span key)
{
	int n;

	if (r->kind == UNENCRYPTED_SUFFIX || r->kind == ENCRYPTED_SUFFIX)
		return key.n >= r->text.n &&
		       !memcmp(key.p + key.n - r->text.n, r->text.p, r->text.n);
	n = pcre2_match(r->code, key.p, key.n, 0, 0, r->match, r->bounds);
	return n >= 0 ? 1 : n == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

static int compile(struct rule *r)
{
	PCRE2_SIZE at;
	int code;

	if (r->text.n > PATTERN_MAX)
		return -1;
	r->code = pcre2_compile(r->text.p, r->text.n,
				PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C |
					PCRE2_NO_AUTO_CAPTURE,
				&code, &at, NULL);
	r->match = r->code ? pcre2_match_data_create_from_pattern(r->code, NULL)
			   : NULL;
	r->bounds = pcre2_match_context_create(NULL);
	if (!r->match || !r->bounds)
		return -1;
	return pcre2_set_match_limit(r->bounds, MATCH_STEPS) ||
			       pcre2_set_depth_limit(r->bounds, MATCH_STEPS) ||
			       pcre2_set_heap_limit(r->bounds, MATCH_KIB)
		       ? -1
		       : 0;
}

static void rule_done(struct rule *r)
{
	pcre2_match_context_free(r->bounds);
	pcre2_match_data_free(r->match);
	pcre2_code_free(r->code);
}

/* The one that the file names; without one, sops' own suffix. */
static int find_rule(const struct sops_tree *t, struct rule *r, struct err *err)
{
	static const char *const names[RULE_KINDS] = {
		[UNENCRYPTED_SUFFIX] = "unencrypted_suffix",
		[ENCRYPTED_SUFFIX] = "encrypted_suffix",
		[UNENCRYPTED_REGEX] = "unencrypted_regex",
		[ENCRYPTED_REGEX] = "encrypted_regex",
	};
	struct span text;
	unsigned k, n = 0;

	*r = (struct rule){ UNENCRYPTED_SUFFIX, SPAN_LIT("_unencrypted"), NULL,
			    NULL, NULL };
	for (k = 0; k < RULE_KINDS; k++)
		if (sops_meta_text(t, names[k], &text) && text.n) {
			r->kind = k;
			r->text = text;
			n++;
		}
	if (n > 1)
		return err_set(err, -EINVAL,
			       "it has two rules of what is encrypted");
	if (sops_meta_text(t, "encrypted_comment_regex", &text) ||
	    sops_meta_text(t, "unencrypted_comment_regex", &text))
		return err_set(err, -EINVAL,
			       "its rule is by comments, which are not read");
	if (r->kind >= UNENCRYPTED_REGEX && compile(r) < 0)
		return err_set(err, -EINVAL,
			       "its %s is none, or longer than %d bytes",
			       names[r->kind], PATTERN_MAX);
	return 0;
}

/* A node that is in one that fits, fits. */
static int mark(struct sops_tree *t, const struct rule *r)
{
	uint32_t i;
	int fits;

	for (i = 0; i < t->n; i++) {
		struct sops_node *n = &t->nodes[i];
		const bool in_map =
			n->up != SOPS_ROOT && t->nodes[n->up].kind == SOPS_MAP;

		n->encrypted = n->up != SOPS_ROOT && t->nodes[n->up].encrypted;
		if (n->encrypted || !in_map || n->kind == SOPS_COMMENT)
			continue;
		fits = rule_fits(r, sops_key(t, i));
		if (fits < 0)
			return -1;
		n->encrypted = fits;
	}
	if (r->kind == UNENCRYPTED_SUFFIX || r->kind == UNENCRYPTED_REGEX)
		for (i = 0; i < t->n; i++)
			t->nodes[i].encrypted = !t->nodes[i].encrypted;
	return 0;
}

int sops_rules(struct sops_tree *t, struct err *err)
{
	struct rule r;
	int ret = find_rule(t, &r, err);

	if (ret == 0 && mark(t, &r) < 0)
		ret = err_set(err, -EINVAL,
			      "its rule of what is encrypted cannot be "
			      "applied to its keys");
	rule_done(&r);
	return ret;
}
