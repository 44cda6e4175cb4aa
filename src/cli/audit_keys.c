/*
 * audit_keys: the keys that the audit log is signed with, one an epoch; a new
 * one when the owner asks; and the root key, which he keeps elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/audit.h"
#include "cli/client.h"
#include "tlog/anchor.h"

enum { NEW_KEY_MS = 10000, NEW_KEY_TRY_MS = 50 };

/* --- bulkhead audit keys ------------------------------------------------- */

static int add_key(void *arg, const struct tlog_key *k)
{
	json_t *row = json_pack("{s:I, s:s}", "epoch", (json_int_t)k->epoch,
				"key", k->vkey);

	if (row && k->epoch)
		(void)json_object_set_new(row, "record",
					  json_integer((json_int_t)k->index));
	return json_array_append_new(arg, row) < 0 ? -ENOMEM : 0;
}

static void print_keys(const json_t *keys)
{
	const json_t *row, *record;
	size_t i;

	json_array_foreach(keys, i, row)
	{
		record = json_object_get(row, "record");
		(void)printf("%5lld  ", (long long)json_integer_value(
						json_object_get(row, "epoch")));
		if (record)
			(void)printf("%10lld  ",
				     (long long)json_integer_value(record));
		else
			(void)printf("%10s  ", "-");
		(void)puts(json_string_value(json_object_get(row, "key")));
	}
}

static int list_keys(const struct cli *cli, int dir)
{
	json_t *keys = json_array();
	struct err err = { 0 };
	int rc = CLI_OK;

	if (!keys || tlog_keys(dir, add_key, keys, &err) < 0) {
		cli_error("%s", err.code ? err.msg : "out of memory");
		rc = CLI_NO;
	} else if (cli->json) {
		json_t *all = json_pack("{s:O}", "keys", keys);

		rc = cli_json(stdout, all);
		json_decref(all);
	} else {
		print_keys(keys);
	}
	json_decref(keys);
	return rc;
}

static bool epoch_of(int dir, uint64_t *ret)
{
	struct tlog_state s;
	struct err err;

	if (tlog_head(dir, &s, &err) < 0)
		return false;
	*ret = s.epoch;
	return true;
}

/* Asks for it and waits until the log has it. */
static int new_key(const struct cli *cli, int dir)
{
	const struct timespec pause = { .tv_nsec = NEW_KEY_TRY_MS * 1000000L };
	struct msg m = { .type = MSG_C_KEY };
	uint64_t before, now;
	struct conf conf;
	int rc = cli_conf(cli, &conf);
	int i;

	if (rc != CLI_OK)
		return rc;
	if (!epoch_of(dir, &before)) {
		cli_error("the log cannot be read: `bulkhead audit verify` "
			  "says why");
		return CLI_NO;
	}
	rc = client_ask(&conf, &m, NULL, NULL);
	if (rc != CLI_OK)
		return rc;
	for (i = 0; i < NEW_KEY_MS / NEW_KEY_TRY_MS; i++) {
		if (epoch_of(dir, &now) && now > before)
			return CLI_OK;
		(void)nanosleep(&pause, NULL);
	}
	cli_error("auditd was asked, but has no new key after %d s: `bulkhead "
		  "logs` may say why",
		  NEW_KEY_MS / 1000);
	return CLI_TIMEOUT;
}

int audit_keys(int argc, char **argv, const struct cli *cli)
{
	bool new = false;
	const struct cli_opt opts[] = { { "--new", &new, NULL } };
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc != 1)
		return cli_usage("audit", "keys takes no operand");
	rc = audit_log_open(cli, &log);
	if (rc == CLI_OK && new)
		rc = new_key(cli, log.dir);
	return rc == CLI_OK ? list_keys(cli, log.dir) : rc;
}

/* --- bulkhead audit root ------------------------------------------------- */

/* Whole, new, and for its owner alone. */
static int write_root(const char *file, const char *text)
{
	CLEAN_FD int fd =
		open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, span_str(text));

	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		cli_error("%s: %s", file, strerror(-r));
	return r < 0 ? CLI_NO : CLI_OK;
}

static int root_new(const char *file)
{
	char text[NOTE_KEY_MAX], vkey[NOTE_VKEY_MAX];
	struct note_key k;
	int rc;

	if (note_key_new("bulkhead-root", &k, text) < 0) {
		cli_error("cannot make a key");
		return CLI_NO;
	}
	note_vkey_format(&k.vkey, vkey);
	note_key_done(&k);
	rc = write_root(file, text);
	OPENSSL_cleanse(text, sizeof(text));
	if (rc == CLI_OK)
		(void)printf("%s\n", vkey);
	return rc;
}

static int root_sign(const struct cli *cli, const char *file)
{
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	CLEAN_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
	char text[NOTE_KEY_MAX], vkey[NOTE_VKEY_MAX];
	struct err err = { 0 };
	ssize_t n;
	int rc, r;

	n = fd < 0 ? -errno : fd_read_all(fd, (uint8_t *)text, sizeof(text));
	if (n < 0) {
		cli_error("%s: %s", file, strerror((int)-n));
		return CLI_NO;
	}
	rc = audit_log_open(cli, &log);
	if (rc == CLI_OK) {
		r = anchor_sign(log.dir, span_of(text, (size_t)n), vkey, &err);
		if (r < 0)
			cli_error("%s: %s", file, err.msg);
		else
			(void)printf("%s\n", vkey);
		rc = r < 0 ? CLI_NO : CLI_OK;
	}
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

int audit_root(int argc, char **argv, const struct cli *cli)
{
	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc == 3 && !strcmp(argv[1], "new"))
		return root_new(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "sign"))
		return root_sign(cli, argv[2]);
	return cli_usage("audit", "root takes new or sign, and the file of the "
				  "root key");
}
