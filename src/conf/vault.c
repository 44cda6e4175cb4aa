/*
 * vault: the map `vault` of bulkhead.yaml: where secrets are, and what opens
 * them. The secrets themselves are never read by this folder.
 */
#include "conf/loader.h"

#include <string.h>

#include "base/str.h"

static void set_files(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n) ||
	    yaml_count(n) > CONF_FILES) {
		conf_fault(l, n, "a list of 1 to %d files, e.g. [secrets.age]",
			   CONF_FILES);
		return;
	}
	for (i = 0; i < yaml_count(n); i++)
		conf_path(l, yaml_at(n, i), l->c.vault.files[i]);
	l->c.vault.n_files = (uint32_t)yaml_count(n);
}

static void set_identity(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_path(l, n, l->c.vault.identity);
}

static const struct load_word passphrase_words[] = {
	{ "ask", 1, false },
};

static void set_passphrase(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->c.vault.passphrase =
		load_choose(&l->load, n, LOAD_TABLE(passphrase_words)) > 0;
}

static void set_credential(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);

	if (text &&
	    (!conf_name_ok(text) ||
	     str_copy(l->c.vault.credential, sizeof(l->c.vault.credential),
		      span_str(text)) < 0))
		conf_fault(l, n,
			   "a credential's name has 1 to %d of a-z 0-9 . _ -",
			   CONF_NAME_MAX - 1);
}

const struct load_rule conf_vault_rules[CONF_VAULT_RULES] = {
	{ { "files", true, false,
	    "files of age or sops that the secrets are in",
	    "a list of 1 to 8 paths", NULL },
	  set_files },
	{ { "identity", false, false,
	    "the file of the keys that open them, of mode 0600", "a path",
	    NULL },
	  set_identity },
	{ { "passphrase", false, false,
	    "instead: a passphrase, asked for on the terminal", NULL, NULL },
	  set_passphrase,
	  LOAD_TABLE(passphrase_words) },
	{ { "credential", false, false,
	    "instead: the name of a systemd credential that is the keys' file",
	    "a name", NULL },
	  set_credential },
};

void conf_set_vault(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_walk(l, n, conf_vault_rules, CONF_VAULT_RULES);
	if (yaml_kind(n) == YAML_MAP &&
	    !!yaml_get(n, "identity") + !!yaml_get(n, "passphrase") +
			    !!yaml_get(n, "credential") !=
		    1)
		conf_fault(l, n,
			   "one of \"identity\", \"passphrase\" and "
			   "\"credential\" opens the files");
}

void conf_check_vault(struct loader *l)
{
	const struct yaml_node *root = yaml_root(l->load.y);
	const struct yaml_node *all = yaml_kind(root) == YAML_MAP
					      ? yaml_get(root, "connectors")
					      : NULL;
	size_t i;

	if (!all || yaml_kind(all) != YAML_MAP || yaml_get(root, "vault"))
		return;
	for (i = 0; i < yaml_count(all); i++) {
		const struct yaml_node *row = yaml_at(all, i);
		const struct yaml_node *secret =
			yaml_kind(row) == YAML_MAP ? yaml_get(row, "secret")
						   : NULL;

		if (!secret)
			continue;
		conf_fault(l, secret,
			   "a secret, and no vault that it is in: set vault "
			   "(`bulkhead vault init`)");
		return;
	}
}
