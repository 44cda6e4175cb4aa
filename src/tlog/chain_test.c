/* Tests of chain: a log whose key changes, by itself and with interruptions. */
#include "tlog/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "tlog/copy.h"
#include "tlog/head.h"
#include "tlog/layout.h"

enum { COPIES = 20 };

static char path[64];
static int dir;

static int remove_one(const char *p, const struct stat *, int, struct FTW *)
{
	return remove(p);
}

static int make_dir(void **)
{
	/* In memory where possible: a change of keys syncs ten times. */
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)str_printf(path, sizeof(path), "%s/chain-XXXXXX", base);
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int drop_dir(void **)
{
	fd_close(&dir);
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct tlog *open_ok(void)
{
	struct tlog *t = NULL;
	struct err err;

	if (tlog_open(dir, &t, &err) < 0)
		fail_msg("tlog_open: %s", err.msg);
	return t;
}

static void put(struct tlog *t, const char *text)
{
	uint64_t index;

	assert_int_equal(tlog_add(t, span_str(text), &index), 0);
	assert_int_equal(tlog_commit(t), 0);
}

static void announce(struct tlog *t, const struct tlog_key *k)
{
	char text[400];

	(void)str_printf(text, sizeof(text), "key %s %s", k->vkey, k->sig);
	put(t, text);
}

static void rotate(struct tlog *t)
{
	struct tlog_key k;

	assert_int_equal(tlog_key_new(t, &k), 0);
	assert_int_equal(k.index, tlog_size(t));
	announce(t, &k);
	assert_int_equal(tlog_key_take(t), 0);
}

static struct tlog_state verify_ok(void)
{
	struct tlog_state s;
	struct err err;

	if (tlog_verify(dir, &s, &err) < 0)
		fail_msg("tlog_verify: %s", err.msg);
	return s;
}

/* All of a file, with room behind. */
static void slurp(const char *name, struct buf *b)
{
	buf_init(b, 1 << 20);
	assert_int_equal(layout_read(dir, name, 1 << 20, b), 0);
}

static void spill(const char *name, struct span bytes)
{
	assert_int_equal(layout_publish(dir, name, bytes, LAYOUT_LATER), 0);
}

static bool is_there(const char *name)
{
	return layout_exists(dir, name) == 1;
}

static int count_key(void *arg, const struct tlog_key *k)
{
	uint64_t *n = arg;

	assert_int_equal(k->epoch, *n);
	assert_int_equal(k->sig[0] == 0, *n == 0);
	(*n)++;
	return 0;
}

/* Keys change, the log goes on, and is one. */
static void keys_change(void **)
{
	struct tlog *t = open_ok();
	struct tlog_state s;
	struct stat st;
	struct err err;
	uint64_t n = 0;
	size_t i;

	/* Before the first record, too. */
	for (i = 0; i < 5; i++) {
		struct buf before, now;

		slurp("key", &before);
		rotate(t);
		slurp("key", &now);
		assert_false(span_eq(buf_view(&before), buf_view(&now)));
		assert_false(is_there("key.next") || is_there("keys.next"));
		assert_int_equal(fstatat(dir, "key", &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_in_range(tlog_key_age(t), 0, 100);
		put(t, "between");
		assert_int_equal(tlog_publish(t), 0);
		if (i % 2) {
			tlog_close(t);
			t = open_ok();
			assert_string_equal(tlog_recovery(t), "");
		}
		buf_done(&before);
		buf_done(&now);
	}
	assert_int_equal(tlog_publish(t), 0);
	s = verify_ok();
	assert_int_equal(s.size, 10);
	assert_int_equal(s.epoch, 5);
	assert_int_equal(tlog_keys(dir, count_key, &n, &err), 0);
	assert_int_equal(n, 6);
	tlog_close(t);
	assert_int_equal(verify_ok().size, 10);
}

/* The private half that was in force is overwritten in its own blocks. */
static void erased(void **)
{
	struct tlog *t = open_ok();
	int fd = openat(dir, "key", O_RDONLY | O_CLOEXEC);
	char text[NOTE_KEY_MAX];
	ssize_t n;

	rotate(t);
	n = fd_pread_all(fd, text, sizeof(text), 0);
	assert_true(n > 50);
	while (n > 0)
		assert_int_equal(text[--n], 0);
	(void)close(fd);
	tlog_close(t);
}

/* What was signed by a key that is gone still holds. */
static void kept_checkpoint(void **)
{
	struct tlog *t = open_ok();
	struct tlog_state s;
	struct buf note;
	struct err err;

	put(t, "one");
	assert_int_equal(tlog_publish(t), 0);
	slurp("checkpoint", &note);
	rotate(t);
	put(t, "two");
	rotate(t);
	assert_int_equal(
		tlog_verify_note(dir, buf_view(&note), "kept", &s, &err), 0);
	assert_int_equal(s.size, 1);
	buf_done(&note);
	tlog_close(t);
}

/* A checkpoint of that size, signed by that key. */
static void sign(struct buf *b, const struct note_key *k, uint64_t size,
		 const uint8_t root[TLOG_HASH])
{
	struct checkpoint c = { .origin = span_str(k->vkey.name),
				.size = size };
	CLEAN_BUF struct buf text;

	memcpy(c.root, root, TLOG_HASH);
	buf_init(&text, 4096);
	buf_init(b, 4096);
	checkpoint_format(&text, &c);
	assert_int_equal(note_sign(b, buf_view(&text), k), 0);
}

/* Who has the key of yesterday signs nothing of today, and today's nothing of
 * yesterday. */
static void out_of_force(void **)
{
	static const struct {
		unsigned key;
		uint64_t size;
		int want;
	} rows[] = {
		{ 0, 2, 0 },	    { 0, 3, 0 },	{ 0, 4, -EBADMSG },
		{ 1, 2, -EBADMSG }, { 1, 3, 0 },	{ 1, 5, 0 },
		{ 1, 6, 0 },	    { 1, 7, -EBADMSG }, { 2, 5, -EBADMSG },
		{ 2, 6, 0 },	    { 2, 7, 0 },
	};
	struct tlog *t = open_ok();
	uint8_t root[8][TLOG_HASH];
	struct note_key keys[3];
	struct tlog_state s;
	struct err err;
	struct buf b;
	size_t i;

	/* Records 2 and 5 announce. */
	for (i = 0; i < 7; i++) {
		if (i == 0 || i == 2 || i == 5) {
			if (i)
				rotate(t);
			slurp("key", &b);
			assert_int_equal(
				note_key_parse(buf_view(&b), &keys[i / 2]), 0);
			buf_done(&b);
		}
		if (i != 2 && i != 5)
			put(t, "x");
		tlog_root(t, root[i + 1]);
	}
	assert_int_equal(tlog_publish(t), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		sign(&b, &keys[rows[i].key], rows[i].size, root[rows[i].size]);
		assert_int_equal(
			tlog_verify_note(dir, buf_view(&b), "it", &s, &err),
			rows[i].want);
		if (rows[i].want)
			assert_non_null(strstr(err.msg, "not in force"));
		buf_done(&b);
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		note_key_done(&keys[i]);
	tlog_close(t);
}

static int open_r(struct err *err)
{
	struct tlog *t;
	int r = tlog_open(dir, &t, err);

	if (r == 0)
		tlog_close(t);
	return r;
}

/* Whatever is done to the file with the keys is found, by both. */
static void tampered(void **)
{
	struct tlog *t = open_ok();
	struct tlog_state s;
	struct err err;
	struct buf b;
	size_t i, half;

	put(t, "x");
	rotate(t);
	rotate(t);
	put(t, "y");
	assert_int_equal(tlog_publish(t), 0);
	tlog_close(t);
	slurp("keys", &b);
	half = b.n / 2;
	for (i = 0; i < b.n; i += 7) {
		b.p[i] ^= 1;
		spill("keys", buf_view(&b));
		assert_int_equal(tlog_verify(dir, &s, &err), -EBADMSG);
		assert_int_equal(open_r(&err), -EBADMSG);
		b.p[i] ^= 1;
	}
	for (i = 0; i < b.n; i += half) {
		spill("keys", span_of(b.p, i));
		assert_int_equal(tlog_verify(dir, &s, &err), -EBADMSG);
		assert_int_equal(open_r(&err), -EBADMSG);
	}
	/* The second without the first. */
	spill("keys", span_of(b.p + half, b.n - half));
	assert_int_equal(tlog_verify(dir, &s, &err), -EBADMSG);
	spill("keys", buf_view(&b));
	(void)verify_ok();
	buf_done(&b);
}

/* A log of these records in the current directory, under a key of its own. */
static void make_log(const char *const *records, size_t n,
		     uint8_t root[TLOG_HASH])
{
	struct tlog *t = open_ok();
	size_t i;

	for (i = 0; i < n; i++)
		put(t, records[i]);
	assert_int_equal(tlog_publish(t), 0);
	tlog_root(t, root);
	tlog_close(t);
}

/* What its own keys have to do with it gives way to these; the checkpoint is
 * signed with the key in force. */
static void take_keys(struct buf files[3], uint64_t size,
		      const uint8_t root[TLOG_HASH])
{
	static const char *const names[] = { "key", "vkey", "keys" };
	struct note_key k;
	struct buf note;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		spill(names[i], buf_view(&files[i]));
	assert_int_equal(note_key_parse(buf_view(&files[0]), &k), 0);
	sign(&note, &k, size, root);
	spill("checkpoint", buf_view(&note));
	buf_done(&note);
	note_key_done(&k);
}

/* Who has all of the host, and the key of today, writes another yesterday. */
static void past_rewritten(void **)
{
	static const struct {
		size_t at; /* the record that is another */
		int want;
	} rows[] = { { 9, 0 }, { 0, -EBADMSG }, { 1, -EBADMSG }, { 3, 0 } };
	const char *records[] = { "a", "b", NULL, "c" };
	struct tlog *t = open_ok();
	uint8_t root[TLOG_HASH];
	char text[400];
	struct buf files[3];
	struct tlog_key k;
	struct tlog_state s;
	struct err err;
	size_t i;

	put(t, "a");
	put(t, "b");
	assert_int_equal(tlog_key_new(t, &k), 0);
	announce(t, &k);
	assert_int_equal(tlog_key_take(t), 0);
	tlog_close(t);
	slurp("key", &files[0]);
	slurp("vkey", &files[1]);
	slurp("keys", &files[2]);
	(void)str_printf(text, sizeof(text), "key %s %s", k.vkey, k.sig);
	records[2] = text;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *forged[ARRAY_SIZE(records)];

		assert_int_equal(drop_dir(NULL), 0);
		assert_int_equal(make_dir(NULL), 0);
		memcpy(forged, records, sizeof(forged));
		if (rows[i].at < ARRAY_SIZE(forged))
			forged[rows[i].at] = "forged";
		make_log(forged, ARRAY_SIZE(forged), root);
		take_keys(files, ARRAY_SIZE(forged), root);
		assert_int_equal(tlog_verify(dir, &s, &err), rows[i].want);
		if (rows[i].want)
			assert_non_null(strstr(err.msg, "were changed"));
		assert_int_equal(open_r(&err), rows[i].want);
		if (rows[i].want)
			assert_non_null(strstr(err.msg, "were changed"));
	}
	for (i = 0; i < ARRAY_SIZE(files); i++)
		buf_done(&files[i]);
}

/* A link that its record does not have: signed, and yet no key. */
static void not_announced(void **)
{
	struct tlog *t = open_ok();
	struct tlog_state s;
	struct tlog_key k;
	struct err err;

	put(t, "x");
	assert_int_equal(tlog_key_new(t, &k), 0);
	put(t, "something else");
	assert_int_equal(tlog_key_take(t), 0);
	put(t, "y");
	assert_int_equal(tlog_publish(t), 0);
	tlog_close(t);
	assert_int_equal(tlog_verify(dir, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "record 1 announces"));
}

/* --- a change that is cut short ------------------------------------------ */

static void cut_at_new(struct tlog *t)
{
	struct tlog_key k;

	assert_int_equal(tlog_key_new(t, &k), 0);
}

static void cut_at_private(struct tlog *t)
{
	cut_at_new(t);
	assert_int_equal(unlinkat(dir, "keys.next", 0), 0);
}

static void cut_at_record(struct tlog *t)
{
	struct tlog_key k;

	assert_int_equal(tlog_key_new(t, &k), 0);
	announce(t, &k);
}

static void cut_at_keys(struct tlog *t)
{
	cut_at_record(t);
	assert_int_equal(tlog_publish(t), 0);
	assert_int_equal(renameat(dir, "keys.next", dir, "keys"), 0);
}

static void cut_at_erase(struct tlog *t)
{
	static const uint8_t zeros[100];

	cut_at_keys(t);
	spill("key", span_of(zeros, sizeof(zeros)));
}

static void cut_short(void **)
{
	static const struct {
		void (*cut)(struct tlog *t);
		uint64_t size, epoch;
	} rows[] = {
		{ cut_at_private, 3, 1 }, { cut_at_new, 3, 1 },
		{ cut_at_record, 4, 2 },  { cut_at_keys, 4, 2 },
		{ cut_at_erase, 4, 2 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tlog_state s;
		struct tlog *t;
		struct buf b;

		assert_int_equal(make_dir(NULL), 0);
		t = open_ok();
		put(t, "x");
		rotate(t);
		put(t, "y");
		rows[i].cut(t);
		tlog_close(t);
		t = open_ok();
		assert_non_null(strstr(tlog_recovery(t), "keys: a change"));
		assert_false(is_there("key.next") || is_there("keys.next"));
		s = verify_ok();
		assert_int_equal(s.size, rows[i].size);
		assert_int_equal(s.epoch, rows[i].epoch);
		slurp("key", &b);
		assert_null(memchr(b.p, 0, b.n));
		buf_done(&b);
		/* And it goes on. */
		rotate(t);
		put(t, "z");
		assert_int_equal(tlog_publish(t), 0);
		tlog_close(t);
		s = verify_ok();
		assert_int_equal(s.size, rows[i].size + 2);
		assert_int_equal(s.epoch, rows[i].epoch + 1);
		assert_int_equal(drop_dir(NULL), 0);
	}
	assert_int_equal(make_dir(NULL), 0);
}

/* What it may not be called with. */
static void misuse(void **)
{
	struct tlog *t = open_ok();
	struct tlog_key k;
	uint64_t index;

	assert_int_equal(tlog_add(t, SPAN_LIT("x"), &index), 0);
	assert_int_equal(tlog_key_new(t, &k), -EBUSY);
	assert_int_equal(tlog_commit(t), 0);
	assert_int_equal(tlog_key_new(t, &k), 0);
	/* Two records instead of one. */
	announce(t, &k);
	put(t, "y");
	assert_int_equal(tlog_key_take(t), -EINVAL);
	assert_int_equal(tlog_key_take(t), -EIO);
	tlog_close(t);
	t = open_ok();
	assert_int_equal(verify_ok().epoch, 0);
	tlog_close(t);
}

/* --- copies -------------------------------------------------------------- */

static int take_file(void *arg, const char *name, struct span bytes)
{
	const int *to = arg;

	return layout_publish(*to, name, bytes, LAYOUT_LATER);
}

static void copied(void **)
{
	struct tlog *t = open_ok();
	char other[] = "/tmp/chain-XXXXXX";
	struct tlog_state s;
	struct err err;
	uint64_t size;
	int to;

	assert_non_null(mkdtemp(other));
	to = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(t, "x");
	rotate(t);
	put(t, "y");
	assert_int_equal(tlog_publish(t), 0);
	assert_int_equal(tlog_copy(dir, take_file, &to, &size, &err), 0);
	assert_int_equal(size, 3);
	tlog_close(t);
	assert_int_equal(tlog_open(to, &t, &err), 0);
	tlog_close(t);
	assert_int_equal(tlog_verify(to, &s, &err), 0);
	assert_int_equal(s.epoch, 1);
	(void)close(to);
	(void)nftw(other, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static _Noreturn void change_for_ever(void)
{
	struct tlog *t = open_ok();

	for (;;) {
		put(t, "x");
		rotate(t);
		assert_int_equal(tlog_publish(t), 0);
		/* Not so many that the chain is what takes the time. */
		(void)usleep(5000);
	}
}

/* A copy and a reader in the middle of changes: whole, or told to come again.
 */
static void copied_meanwhile(void **)
{
	pid_t child;
	int i, copies = 0;

	tlog_close(open_ok());
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		change_for_ever();
	for (i = 0; i < COPIES; i++) {
		char other[] = "/tmp/chain-XXXXXX";
		struct tlog_state s;
		struct tlog *t;
		struct err err = { 0 };
		uint64_t size;
		int to, r;

		assert_non_null(mkdtemp(other));
		to = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = tlog_copy(dir, take_file, &to, &size, &err);
		if (r < 0 && r != -EAGAIN)
			fail_msg("tlog_copy: %s", err.msg);
		if (r == 0) {
			copies++;
			if (tlog_open(to, &t, &err) < 0)
				fail_msg("the copy: %s", err.msg);
			tlog_close(t);
			assert_int_equal(tlog_verify(to, &s, &err), 0);
		}
		(void)close(to);
		(void)nftw(other, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	assert_true(copies > 0);
	/* Killed wherever it was. */
	tlog_close(open_ok());
	(void)verify_ok();
}

/* As many keys as there may be, and one more. */
static void most_keys(void **)
{
	static struct note_key keys[2];
	static const uint8_t zeros[TLOG_HASH];
	char text[NOTE_KEY_MAX], vkey[NOTE_VKEY_MAX];
	char root[B64_LEN(TLOG_HASH) + 1];
	struct note_vkey first;
	struct chain c;
	struct buf b;
	struct err err;
	size_t i;

	assert_int_equal(note_key_new("bulkhead", &keys[0], text), 0);
	first = keys[0].vkey;
	b64_encode(root, span_of(zeros, sizeof(zeros)));
	buf_init(&b, CHAIN_FILE_MAX);
	for (i = 1; i <= CHAIN_MAX; i++) {
		struct note_key *by = &keys[(i - 1) % 2];
		struct note_key *new = &keys[i % 2];
		char link[600];

		note_key_done(new);
		assert_int_equal(note_key_named(first.name, new, text), 0);
		note_vkey_format(&new->vkey, vkey);
		(void)str_printf(link, sizeof(link),
				 "bulkhead audit key\n%s\n%zu\n%zu\n%s\n%s\n",
				 first.name, i, 10 * i, root, vkey);
		assert_int_equal(note_sign(&b, span_str(link), by), 0);
		if (i < CHAIN_MAX - 1)
			continue;
		assert_int_equal(
			chain_parse(&first, buf_view(&b), "keys", &c, &err),
			i < CHAIN_MAX ? 0 : -ENOMEM);
		if (i < CHAIN_MAX) {
			assert_int_equal(c.n, CHAIN_MAX);
			chain_done(&c);
		}
	}
	note_key_done(&keys[0]);
	note_key_done(&keys[1]);
	buf_done(&b);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(keys_change),	  IN_DIR(erased),
		IN_DIR(kept_checkpoint),  IN_DIR(out_of_force),
		IN_DIR(tampered),	  IN_DIR(past_rewritten),
		IN_DIR(not_announced),	  IN_DIR(cut_short),
		IN_DIR(misuse),		  IN_DIR(copied),
		IN_DIR(copied_meanwhile), cmocka_unit_test(most_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
