/*
 * bulkhead vault: the owner's secrets, in files of age or of sops.
 *
 * SECURITY: reads files that the owner wrote (src/vault). A secret comes from a
 * terminal, a pipe or a descriptor, never from an argument, and is shown only
 * where --reveal asks for it. Memory is locked, no core is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/vault_box.h"

/* What the options of all parts say. */
struct words {
	const char *connector, *hosts, *fd, *file, *to;
	bool reveal, passphrase, sops;
};

static struct conf conf; /* large */

/* --- init ---------------------------------------------------------------- */

static int make_identity(struct vault_box *b)
{
	struct age_identity id;
	int r = box_folders(b->identity);

	if (r == 0)
		r = box_new_identity(b->identity, &id);
	OPENSSL_cleanse(&id, sizeof(id));
	/* One that is there already is the one to be used. */
	if (r == 0 || r == -EEXIST)
		return CLI_OK;
	cli_error("%s: %s", b->identity, strerror(-r));
	return CLI_NO;
}

static int default_paths(struct vault_box *b, const struct words *w)
{
	const char *home = cli_home();

	*b = (struct vault_box){ 0 };
	if (str_printf(b->file, sizeof(b->file), "%s/.config/bulkhead/%s", home,
		       w->sops ? "secrets.sops.yaml" : "secrets.age") < 0 ||
	    (!w->passphrase &&
	     str_printf(b->identity, sizeof(b->identity),
			"%s/.config/bulkhead/identity.txt", home) < 0)) {
		cli_error("the home directory's path is too long");
		return CLI_NO;
	}
	return CLI_OK;
}

static int init(const struct words *w)
{
	bool known = conf.vault.n_files > 0;
	struct vault_box b;
	int r = known ? box_find(&b, &conf, w->file) : default_paths(&b, w);

	if (r == CLI_OK && access(b.file, F_OK) == 0) {
		cli_error("%s: is there already: nothing was changed", b.file);
		r = CLI_NO;
	}
	if (r == CLI_OK && *b.identity)
		r = make_identity(&b);
	if (r == CLI_OK)
		r = box_keys(&b, true);
	if (r == CLI_OK && box_folders(b.file) < 0)
		r = CLI_NO;
	if (r == CLI_OK && w->sops)
		r = box_new_sops(&b);
	if (r == CLI_OK)
		r = box_save(&b, secrets_empty());
	if (r == CLI_OK) {
		(void)printf("%s: made, with nothing in it\n", b.file);
		if (*b.identity)
			(void)printf("%s: opens it: keep a copy of it "
				     "somewhere safe\n",
				     b.identity);
	}
	if (r == CLI_OK && !known && *b.identity)
		(void)printf("\nTo be written into bulkhead.yaml:\n\n"
			     "vault:\n  files: [%s]\n  identity: %s\n",
			     b.file, b.identity);
	else if (r == CLI_OK && !known)
		(void)printf("\nTo be written into bulkhead.yaml:\n\n"
			     "vault:\n  files: [%s]\n  passphrase: ask\n",
			     b.file);
	box_done(&b);
	return r;
}

/* --- looking ------------------------------------------------------------- */

static json_t *row_json(const struct secret_row *row)
{
	json_t *hosts = json_array();
	size_t i;

	for (i = 0; i < row->n_hosts; i++)
		if (json_array_append_new(hosts, json_string(row->hosts[i])) <
		    0)
			break;
	return json_pack("{s:s, s:s, s:o}", "name", row->name, "connector",
			 row->connector, "hosts", hosts);
}

static void row_text(const struct secret_row *row)
{
	size_t i;

	cli_show(stdout, span_str(row->name));
	(void)printf("\tfor ");
	if (*row->connector)
		cli_show(stdout, span_str(row->connector));
	else
		(void)printf("the first connector that asks");
	for (i = 0; i < row->n_hosts; i++) {
		(void)printf(i ? ", " : ", at ");
		cli_show(stdout, span_str(row->hosts[i]));
	}
	(void)printf("\n");
}

static int list(struct vault_box *b, const struct cli *cli)
{
	json_t *rows = cli->json ? json_array() : NULL;
	struct jiter it = secrets_all(&b->secrets);
	struct secret_row row;
	int r = CLI_OK;

	while (secrets_next(&it, &row))
		if (!cli->json)
			row_text(&row);
		else if (json_array_append_new(rows, row_json(&row)) < 0)
			r = CLI_NO;
	if (cli->json && cli_json(stdout, rows) != CLI_OK)
		r = CLI_NO;
	json_decref(rows);
	return r;
}

/* The value as it is, to be piped; on a terminal with a line end. */
static int reveal(const struct secret_row *row)
{
	size_t room = row->value.raw.n;
	char *p = OPENSSL_secure_malloc(room);
	struct span value;
	int r = CLI_NO;

	if (p && jval_text(row->value, p, room, &value)) {
		if (isatty(STDOUT_FILENO))
			cli_show(stdout, value), (void)putchar('\n');
		else
			(void)fwrite(value.p, 1, value.n, stdout);
		r = fflush(stdout) == 0 ? CLI_OK : CLI_NO;
	}
	OPENSSL_secure_clear_free(p, room);
	return r;
}

static int show(struct vault_box *b, const char *name, const struct words *w)
{
	struct secret_row row;

	if (!secrets_find(&b->secrets, name, &row)) {
		cli_error("there is no secret of that name: `bulkhead vault "
			  "list` says which there are");
		return CLI_NO;
	}
	if (w->reveal)
		return reveal(&row);
	row_text(&row);
	return CLI_OK;
}

/* --- changing ------------------------------------------------------------ */

/* The hosts of a connector of the configuration; false: it has none of it. */
static bool hosts_of(struct secret_row *row, const char *connector)
{
	uint32_t i, k;

	for (i = 0; i < conf.n_connectors; i++) {
		const struct conf_connector *c = &conf.connectors[i];

		if (strcmp(c->name, connector) != 0)
			continue;
		for (k = 0; k < c->n_hosts && k < SECRETS_HOSTS; k++)
			conf_host_text(&c->hosts[k], row->hosts[k]);
		row->n_hosts = k;
		return true;
	}
	return false;
}

/* "a:1,b:2" */
static bool hosts_listed(struct secret_row *row, const char *list)
{
	row->n_hosts = 0;
	while (*list) {
		size_t n = strcspn(list, ",");

		if (row->n_hosts == SECRETS_HOSTS || !n ||
		    str_copy(row->hosts[row->n_hosts], SECRETS_HOST_MAX,
			     span_of(list, n)) < 0 ||
		    !strrchr(row->hosts[row->n_hosts], ':') ||
		    strpbrk(row->hosts[row->n_hosts], " \n"))
			return false;
		row->n_hosts++;
		list += n + (list[n] == ',');
	}
	return row->n_hosts > 0;
}

/* For whom it is: as was said, else as it was. */
static int bind_row(struct secret_row *row, const struct words *w)
{
	if (w->connector) {
		if (str_copy(row->connector, sizeof(row->connector),
			     span_str(w->connector)) < 0)
			return cli_usage("vault", "the name is too long");
		row->n_hosts = 0;
		if (!hosts_of(row, w->connector) && !w->hosts)
			cli_error("note: bulkhead.yaml has no connector of "
				  "that name yet: the secret is for any host "
				  "of it, until --hosts says which");
	}
	if (w->hosts && !hosts_listed(row, w->hosts))
		return cli_usage("vault", "--hosts takes NAME:PORT,NAME:PORT, "
					  "at most 8");
	return CLI_OK;
}

static int fd_of(const char *text, int *ret)
{
	uint64_t v;

	*ret = -1;
	if (!text)
		return CLI_OK;
	if (num_parse(span_str(text), 0, 1 << 20, &v) < 0)
		return cli_usage("vault", "--fd takes a number");
	*ret = (int)v;
	return CLI_OK;
}

static int write_row(struct vault_box *b, const char *name,
		     const struct secret_row *row, struct span value)
{
	struct buf text;
	int r;

	buf_init(&text, SECRETS_TEXT_MAX);
	r = secrets_write(&text, &b->secrets, name, row, value);
	if (r < 0)
		cli_error("%s", r == -EINVAL
					? "the secret is not UTF-8, or has "
					  "a NUL in it: base64 it"
					: "the file would be too large");
	r = r < 0 ? CLI_NO : box_save(b, buf_view(&text));
	if (text.p)
		OPENSSL_cleanse(text.p, text.cap);
	buf_done(&text);
	return r;
}

static int set(struct vault_box *b, const char *name, const struct words *w)
{
	struct secret_row row;
	uint8_t *value;
	size_t n;
	int fd, r;

	if (!secret_name_ok(name))
		return cli_usage("vault",
				 "a name has 1 to %d of a-z A-Z 0-9 . "
				 "_ -",
				 LIMIT_NAME);
	if (!secrets_find(&b->secrets, name, &row)) {
		row = (struct secret_row){ 0 };
		(void)str_copy(row.name, sizeof(row.name), span_str(name));
	}
	r = bind_row(&row, w);
	if (r == CLI_OK)
		r = fd_of(w->fd, &fd);
	if (r != CLI_OK)
		return r;
	value = box_line(name, fd, true, &n);
	if (!value)
		return CLI_NO;
	r = write_row(b, name, &row, span_of(value, n));
	box_free_line(value);
	return r;
}

static int forget(struct vault_box *b, const char *name)
{
	struct secret_row row;

	if (!secrets_find(&b->secrets, name, &row)) {
		cli_error("there is no secret of that name");
		return CLI_NO;
	}
	return write_row(b, name, NULL, SPAN_LIT(""));
}

/* The owner's editor, on a copy in memory that nobody else can open. */
static int run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	pid_t pid;
	int status;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	pid = fork();
	if (pid == 0) {
		/* As a shell would: EDITOR may have options. */
		(void)setenv("BULKHEAD_EDIT", path, 1);
		(void)setenv("BULKHEAD_EDITOR", editor, 1);
		(void)execl("/bin/sh", "sh", "-c",
			    "eval \"$BULKHEAD_EDITOR\" '\"$BULKHEAD_EDIT\"'",
			    (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		cli_error("the editor (%s) did not end well: nothing was "
			  "changed",
			  editor);
		return CLI_NO;
	}
	return CLI_OK;
}

static int edit_in(struct vault_box *b, const char *dir)
{
	uint8_t *text = OPENSSL_secure_malloc(SECRETS_TEXT_MAX + 1);
	char path[64];
	CLEAN_FD int fd = -1;
	ssize_t n = -1;
	int r;

	(void)str_printf(path, sizeof(path), "%s/secrets.json", dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	r = fd < 0 || fd_write_all(fd, span_of(b->text, b->n)) < 0
		    ? CLI_NO
		    : run_editor(path);
	fd_close(&fd);
	/* Editors may write a new file of the name. */
	if (r == CLI_OK)
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && text)
		n = fd_read_all(fd, text, SECRETS_TEXT_MAX + 1);
	if (r == CLI_OK && n < 0)
		r = CLI_NO;
	if (r == CLI_OK &&
	    !span_eq(span_of(text, (size_t)n), span_of(b->text, b->n)))
		r = box_save(b, span_of(text, (size_t)n));
	(void)unlink(path);
	OPENSSL_secure_clear_free(text, SECRETS_TEXT_MAX + 1);
	return r;
}

static int edit(struct vault_box *b)
{
	char dir[] = "/dev/shm/bulkhead-vault-XXXXXX";
	int r;

	/* Memory, not a disk: nothing of it stays. */
	if (!mkdtemp(dir)) {
		cli_error("/dev/shm: %s: there is no memory to edit in",
			  strerror(errno));
		return CLI_NO;
	}
	r = edit_in(b, dir);
	if (rmdir(dir) < 0)
		cli_error("%s: the editor left files there: remove them, they "
			  "may have secrets",
			  dir);
	return r;
}

/* The file again, for the new key in the place of all that are ours; in a file
 * of sops, which others may open, too, for them as before. */
static int rotate_file(struct vault_box *next, const struct vault_box *b)
{
	struct age_recipient all[AGE_KEYS];
	struct err err = { 0 };
	size_t i, k, n;

	n = b->sops ? sops_recipients(b->sops, all) : 0;
	for (i = 0; i < n; i++) {
		for (k = 0; k < b->n_identities; k++)
			if (!memcmp(all[i].public, b->identities[k].public, 32))
				break;
		if (k == b->n_identities && next->n_to < AGE_KEYS)
			next->to[next->n_to++] = all[i];
	}
	if (b->sops && sops_rotate(b->sops, next->to, next->n_to, &err) < 0) {
		cli_error("%s: %s", b->file, err.msg);
		return CLI_NO;
	}
	return box_save(next, span_of(b->text, b->n));
}

/* A new key for the same secrets; the old one is kept beside it. */
static int rotate(struct vault_box *b)
{
	char old[CONF_PATH_MAX + 8];
	struct age_identity id;
	struct vault_box next;
	int r;

	if (!*b->identity) {
		/* One of sops was not opened by a passphrase. */
		box_free_line(b->passphrase);
		b->passphrase = box_line("New passphrase of the vault", -1,
					 true, &b->passphrase_n);
		return b->passphrase ? box_save(b, span_of(b->text, b->n))
				     : CLI_NO;
	}
	if (str_printf(old, sizeof(old), "%s.old", b->identity) < 0 ||
	    access(old, F_OK) == 0) {
		cli_error("%s: is there already: move it away first", old);
		return CLI_NO;
	}
	if (rename(b->identity, old) < 0) {
		cli_error("%s: %s", b->identity, strerror(errno));
		return CLI_NO;
	}
	r = box_new_identity(b->identity, &id);
	next = *b;
	next.n_to = 1;
	memcpy(next.to[0].public, id.public, 32);
	OPENSSL_cleanse(&id, sizeof(id));
	r = r < 0 ? CLI_NO : rotate_file(&next, b);
	if (r != CLI_OK) {
		(void)rename(old, b->identity);
		cli_error("%s: is what it was", b->identity);
		return r;
	}
	(void)printf("%s: a new key\n%s: the old one: it still opens copies "
		     "of before. Who may have had it may have the secrets, "
		     "too: change those at their providers\n",
		     b->identity, old);
	return CLI_OK;
}

/* All secrets of another file, which the same keys open, into this one. */
static int import(struct vault_box *b, const char *path)
{
	struct vault_box from = { .identities = b->identities,
				  .n_identities = b->n_identities,
				  .passphrase = b->passphrase,
				  .passphrase_n = b->passphrase_n };
	struct secret_row row, here;
	struct jiter it;
	size_t n = 0;
	int r = str_copy(from.file, sizeof(from.file), span_str(path)) < 0
			? cli_usage("vault", "the path is too long")
			: box_open(&from);

	it = secrets_all(&from.secrets);
	while (r == CLI_OK && secrets_next(&it, &row)) {
		size_t room = row.value.raw.n;
		char *p;
		struct span value;

		if (secrets_find(&b->secrets, row.name, &here)) {
			cli_error("%s: has %s, too: it stays as it is here",
				  path, row.name);
			continue;
		}
		p = OPENSSL_secure_malloc(room);
		r = p && jval_text(row.value, p, room, &value)
			    ? write_row(b, row.name, &row, value)
			    : CLI_NO;
		OPENSSL_secure_clear_free(p, room);
		/* What is there now is what the next one is added to. */
		if (r == CLI_OK) {
			box_close(b);
			r = box_open(b);
			n++;
		}
	}
	box_close(&from);
	if (r == CLI_OK)
		(void)printf("%zu secrets taken over\n", n);
	return r;
}

/* For others, or another machine: the same, encrypted to them. */
static int export(struct vault_box *b, const char *to)
{
	struct age_recipient one;
	CLEAN_BUF struct buf sealed;

	buf_init(&sealed, AGE_FILE_MAX);
	if (!to || age_recipient_parse(&one, span_str(to)) < 0)
		return cli_usage("vault", "export takes --to age1...: %s",
				 to ? age_key_why(span_str(to))
				    : "whom it is for");
	if (age_seal(&sealed, &one, 1, SPAN_LIT(""), true,
		     span_of(b->text, b->n)) < 0 ||
	    fwrite(sealed.p, 1, sealed.n, stdout) != sealed.n ||
	    fflush(stdout) != 0) {
		cli_error("it could not be written");
		return CLI_NO;
	}
	return CLI_OK;
}

/* --- check --------------------------------------------------------------- */

/* What a connector of the configuration would not be given. */
static int check_connector(struct vault_box *b, const struct conf_connector *c)
{
	struct secret_row row, want = { 0 };
	CLEAN_BUF struct buf hosts;
	const char *why = NULL;
	size_t i;

	if (!*c->secret)
		return CLI_OK;
	buf_init(&hosts, LIMIT_HOSTS);
	(void)hosts_of(&want, c->name);
	for (i = 0; i < want.n_hosts; i++)
		buf_printf(&hosts, "%s%s", i ? " " : "", want.hosts[i]);
	if (!secrets_find(&b->secrets, c->secret, &row))
		why = "there is no secret of that name: `bulkhead vault set` "
		      "makes it";
	else
		why = secret_not_for(&row, c->name, buf_view(&hosts));
	if (why)
		cli_error("connector %s: secret %s: %s", c->name, c->secret,
			  why);
	else if (!*row.connector)
		cli_error("note: secret %s names no connector: the first that "
			  "asks has it",
			  c->secret);
	return why ? CLI_NO : CLI_OK;
}

static int check(struct vault_box *b)
{
	int r = CLI_OK;
	struct stat st;
	uint32_t i;

	if (stat(b->file, &st) == 0 && st.st_mode & 022) {
		cli_error("%s: others may write it: chmod 600 %s", b->file,
			  b->file);
		r = CLI_NO;
	}
	for (i = 0; i < conf.n_connectors; i++)
		if (check_connector(b, &conf.connectors[i]) != CLI_OK)
			r = CLI_NO;
	if (r == CLI_OK)
		(void)printf("%s: in order\n", b->file);
	return r;
}

/* --- dispatch ------------------------------------------------------------ */

static int run(struct vault_box *b, int argc, char **argv,
	       const struct words *w, const struct cli *cli)
{
	const char *what = argv[1];
	const char *one = argc == 3 ? argv[2] : NULL;

	if (!strcmp(what, "list") && argc == 2)
		return list(b, cli);
	if (!strcmp(what, "show") && one)
		return show(b, one, w);
	if (!strcmp(what, "set") && one)
		return set(b, one, w);
	if (!strcmp(what, "forget") && one)
		return forget(b, one);
	if (!strcmp(what, "edit") && argc == 2)
		return edit(b);
	if (!strcmp(what, "rotate") && argc == 2)
		return rotate(b);
	if (!strcmp(what, "import") && one)
		return import(b, one);
	if (!strcmp(what, "export") && argc == 2)
		return export(b, w->to);
	if (!strcmp(what, "check") && argc == 2)
		return check(b);
	return cli_usage("vault",
			 "it takes init, list, set NAME, show NAME, forget "
			 "NAME, edit, rotate, import FILE, export or check");
}

int cmd_vault(int argc, char **argv, const struct cli *cli)
{
	struct words w = { 0 };
	const struct cli_opt opts[] = {
		{ "--connector", NULL, &w.connector },
		{ "--hosts", NULL, &w.hosts },
		{ "--fd", NULL, &w.fd },
		{ "--file", NULL, &w.file },
		{ "--to", NULL, &w.to },
		{ "--reveal", &w.reveal, NULL },
		{ "--passphrase", &w.passphrase, NULL },
		{ "--sops", &w.sops, NULL },
	};
	struct vault_box b;
	int r;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc < 2)
		return cli_usage("vault", "say what to do");
	r = cli_conf(cli, &conf);
	if (r == 0)
		r = box_prepare();
	if (r != 0)
		return r;
	if (!strcmp(argv[1], "init") && argc == 2)
		return init(&w);
	r = box_find(&b, &conf, w.file);
	if (r == CLI_OK)
		r = box_keys(&b, false);
	if (r == CLI_OK)
		r = box_open(&b);
	if (r == CLI_OK)
		r = run(&b, argc, argv, &w, cli);
	box_done(&b);
	return r;
}
