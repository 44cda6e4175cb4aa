/* run_test: the process loop in a child, over real channels and Maildirs. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static char path[32];
static int root, dir, state_dir, gate_fd;
static struct gate *gate;
static struct chan monitor, broker;
static pid_t child;
static struct msg m;
static struct connector c;

static int remove_one(const char *p, const struct stat *st, int kind,
		      struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(p);
}

static int setup(void **state)
{
	(void)state;
	(void)str_printf(path, sizeof(path), "/tmp/connector-XXXXXX");
	if (!mkdtemp(path))
		return -1;
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(root, "mail", 0700) || mkdirat(root, "mail/new", 0700) ||
	    mkdirat(root, "mail/cur", 0700) || mkdirat(root, "state", 0700))
		return -1;
	dir = openat(root, "mail", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	state_dir = openat(root, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 || state_dir < 0 || gate_make(&gate, &gate_fd) < 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(&dir);
	fd_close(&state_dir);
	fd_close(&gate_fd);
	fd_close(&root);
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void start(const char *arg)
{
	int to_monitor[2], to_broker[2];

	assert_int_equal(chan_pair(to_monitor), 0);
	assert_int_equal(chan_pair(to_broker), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(to_monitor[0]);
		(void)close(to_broker[0]);
		_exit(connector_run(&c, to_monitor[1], to_broker[1], dir,
				    state_dir, gate_fd) < 0);
	}
	(void)close(to_monitor[1]);
	(void)close(to_broker[1]);
	assert_int_equal(chan_init(&monitor, to_monitor[0]), 0);
	assert_int_equal(chan_init(&broker, to_broker[0]), 0);
	m = (struct msg){ .type = MSG_HELLO };
	m.hello.name = SPAN_LIT("inbox");
	m.hello.arg = span_str(arg);
	assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
}

/* Waits for the end of the child; its exit code, -1 for a signal. */
static int ended(void)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	chan_done(&monitor);
	chan_done(&broker);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stop(enum msg_type how)
{
	m = (struct msg){ .type = how };
	assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
	return ended();
}

static void put(const char *name, struct span text)
{
	CLEAN_FD int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text), 0);
}

/* The next item within ms: its key; "" if there is none. */
static const char *item_within(int ms)
{
	static char key[600];
	struct pollfd p = { .fd = monitor.fd, .events = POLLIN };
	const char *why;

	key[0] = 0;
	do {
		if (poll(&p, 1, ms) <= 0)
			return key;
		assert_int_equal(chan_recv(&monitor, &m, &why), 1);
	} while (m.type == MSG_READY);
	assert_int_equal(m.type, MSG_ITEM);
	assert_int_equal(str_copy(key, sizeof(key), m.item.key), 0);
	return key;
}

static void tell(enum msg_type t, const char *key)
{
	m = (struct msg){ .type = t };
	m.item_done.key = span_str(key);
	m.item_done.verdict = ITEM_READ;
	assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
}

static void done(const char *text)
{
	char key[600];

	assert_int_equal(str_copy(key, sizeof(key), span_str(text)), 0);
	tell(MSG_ITEM_KEPT, key);
	tell(MSG_ITEM_DONE, key);
	m.item_done.key = SPAN_LIT("");
}

/* Bytes, size and hash agree; at most four until they are in the queue; nothing
 * twice. */
static void maildir_flow(void **state)
{
	static const uint8_t hash_of_abc[] = { 0xba, 0x78, 0x16, 0xbf };
	char keys[4][64];
	char text[8];
	int i, fd;

	(void)state;
	for (i = 0; i < 6; i++) {
		char name[32];

		(void)str_printf(name, sizeof(name), "new/%d.mail", i);
		put(name, SPAN_LIT("abc"));
	}
	start("kind=maildir");
	for (i = 0; i < 4; i++) {
		(void)str_copy(keys[i], sizeof(keys[i]),
			       span_str(item_within(5000)));
		assert_int_equal(keys[i][0], '0' + i);
		assert_int_equal(m.item.size, 3);
		assert_memory_equal(m.item.sha256, hash_of_abc, 4);
		fd = chan_take_fd(&monitor, 0);
		assert_int_equal(memfd_sealed_size(fd, 100), 3);
		assert_int_equal(fd_pread_all(fd, text, sizeof(text), 0), 3);
		assert_memory_equal(text, "abc", 3);
		(void)close(fd);
	}
	assert_string_equal(item_within(100), "");
	done(keys[2]);
	assert_string_equal(item_within(5000), "4.mail");
	done("4.mail");
	assert_string_equal(item_within(5000), "5.mail");
	tell(MSG_ITEM_KEPT, keys[0]);
	assert_string_equal(item_within(100), "");
	assert_int_equal(stop(MSG_STOP), 0);
	/* Not done is given again, kept or not, done is not; the mails are as
	 * they were. What another run of it gave may be done first. */
	start("kind=maildir");
	tell(MSG_ITEM_DONE, "of another run");
	for (i = 0; i < 4; i++)
		done(item_within(5000));
	assert_string_equal(item_within(200), "");
	assert_int_equal(stop(MSG_KILL), 0);
	assert_int_equal(faccessat(dir, "new/0.mail", F_OK, 0), 0);
	assert_int_equal(faccessat(dir, "new/4.mail", F_OK, 0), 0);
}

/* New mail is noticed; a mail that its reader flagged is not new. */
static void maildir_watch(void **state)
{
	(void)state;
	put("cur/old:2,S", SPAN_LIT("x"));
	start("kind=maildir");
	assert_string_equal(item_within(200), "");
	put("new/a.mail", SPAN_LIT("x"));
	assert_string_equal(item_within(5000), "a.mail");
	done("a.mail");
	assert_int_equal(renameat(dir, "new/a.mail", dir, "cur/a.mail:2,S"), 0);
	put("cur/b.mail:2,", SPAN_LIT("x"));
	assert_string_equal(item_within(5000), "b.mail");
	done("b.mail");
	assert_string_equal(item_within(300), "");
	assert_int_equal(stop(MSG_STOP), 0);
}

/* Links, folders, odd names, what is too large: passed over, never followed. */
static void maildir_odd(void **state)
{
	CLEAN_FD int fd = -1;

	(void)state;
	put("secret", SPAN_LIT("secret"));
	assert_int_equal(symlinkat("../secret", dir, "new/0.link"), 0);
	assert_int_equal(mkdirat(dir, "new/1.folder", 0700), 0);
	assert_int_equal(mkfifoat(dir, "new/2.fifo", 0600), 0);
	put("new/.hidden", SPAN_LIT("x"));
	put("new/3.large", SPAN_LIT("x"));
	fd = openat(dir, "new/3.large", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, LIMIT_ITEM + 1), 0);
	put("new/4.limit", SPAN_LIT("x"));
	fd_close(&fd);
	fd = openat(dir, "new/4.limit", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, LIMIT_ITEM), 0);
	put("new/5.newline\nx", SPAN_LIT("x"));
	put("new/6.last", SPAN_LIT("x"));
	start("kind=maildir");
	assert_string_equal(item_within(5000), "4.limit");
	assert_int_equal(m.item.size, LIMIT_ITEM);
	assert_string_equal(item_within(5000), "6.last");
	assert_string_equal(item_within(200), "");
	assert_int_equal(stop(MSG_STOP), 0);
}

/* Ten thousand at once, each once, without a scan for each. */
static void maildir_many(void **state)
{
	uint64_t begin;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		char name[32];

		(void)str_printf(name, sizeof(name), "new/%05d", i);
		put(name, SPAN_LIT("x"));
	}
	begin = now_ms();
	start("kind=maildir");
	for (i = 0; i < 300; i++) {
		char key[64];

		(void)str_copy(key, sizeof(key), span_str(item_within(20000)));
		assert_int_equal(strtol(key, NULL, 10), i);
		done(key);
	}
	assert_int_equal(stop(MSG_STOP), 0);
	assert_true(now_ms() - begin < 60000);
}

/* A peer that breaks the order ends the process, not the order. */
static void maildir_nonsense(void **state)
{
	(void)state;
	start("kind=maildir");
	tell(MSG_ITEM_KEPT, "never given");
	assert_int_equal(ended(), 1);
	start("kind=pigeon");
	assert_int_equal(ended(), 1);
	start("kind=outbox from=a@b\nBcc: c@d");
	assert_int_equal(ended(), 1);
}

/* Started for that alone it says what it can, gives no mail, and takes no
 * effect; started for work it does not take the question. */
static void revoked(void **state)
{
	const char *why;

	(void)state;
	put("new/0.mail", SPAN_LIT("abc"));
	start("revoke");
	m = (struct msg){ .type = MSG_REVOKE };
	assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
	assert_int_equal(chan_recv(&monitor, &m, &why), 1);
	assert_int_equal(m.type, MSG_READY);
	assert_int_equal(chan_recv(&monitor, &m, &why), 1);
	assert_int_equal(m.type, MSG_REVOKED);
	assert_int_equal(m.revoked.result, REVOKED_NOTHING);
	assert_string_equal(item_within(200), "");
	assert_int_equal(stop(MSG_STOP), 0);
	start("kind=maildir");
	assert_string_equal(item_within(5000), "0.mail");
	m = (struct msg){ .type = MSG_REVOKE };
	assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
	assert_int_equal(ended(), 1);
}

static void send_effect(uint64_t effect, const char *subject)
{
	m = (struct msg){ .type = MSG_EFFECT,
			  .ids = { .run = { 0xaa }, .task = 7 } };
	m.effect = (struct m_effect){ .effect = effect,
				      .capability = SPAN_LIT("email.send") };
	m.effect.n = 3;
	m.effect.args[0] = (struct m_arg){ SPAN_LIT("to"), ARG_STRING,
					   ARG_ELEMENT, SPAN_LIT("a@b") };
	m.effect.args[1] = (struct m_arg){ SPAN_LIT("subject"), ARG_STRING,
					   ARG_SCALAR, span_str(subject) };
	m.effect.args[2] = (struct m_arg){ SPAN_LIT("body"), ARG_STRING,
					   ARG_SCALAR, SPAN_LIT("text") };
	assert_int_equal(chan_send(&broker, &m, NULL, 0), 0);
}

static bool effect_ok(uint64_t effect)
{
	const char *why;

	assert_int_equal(chan_recv(&broker, &m, &why), 1);
	assert_int_equal(m.type, MSG_EFFECT_DONE);
	assert_int_equal(m.effect_done.effect, effect);
	return m.effect_done.state == EFFECT_DONE;
}

static int count_files(const char *folder)
{
	CLEAN_FD int fd =
		openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(take_fd(&fd));
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

#define NAME "effect-1.aa000000000000000000000000000000.bulkhead"

static void outbox_once(void **state)
{
	(void)state;
	start("kind=outbox from=me@example.org");
	send_effect(1, "one");
	assert_true(effect_ok(1));
	assert_true(span_is(m.effect_done.detail, NAME));
	send_effect(1, "one again");
	assert_true(effect_ok(1));
	assert_int_equal(count_files("new"), 1);
	/* Its owner read it meanwhile. */
	assert_int_equal(renameat(dir, "new/" NAME, dir, "cur/" NAME ":2,S"),
			 0);
	send_effect(1, "one again");
	assert_true(effect_ok(1));
	assert_int_equal(count_files("new"), 0);
	send_effect(2, "two\nBcc: c@d");
	assert_false(effect_ok(2));
	send_effect(3, "three");
	assert_true(effect_ok(3));
	assert_int_equal(count_files("new"), 1);
	assert_int_equal(count_files("tmp"), 0);
	assert_int_equal(stop(MSG_STOP), 0);
}

/* An effect that cannot be written is said to have failed. */
static void outbox_fails(void **state)
{
	(void)state;
	start("kind=outbox from=me@example.org");
	send_effect(1, "one");
	assert_true(effect_ok(1));
	assert_int_equal(unlinkat(dir, "tmp", AT_REMOVEDIR), 0);
	send_effect(2, "two");
	assert_false(effect_ok(2));
	assert_int_equal(stop(MSG_STOP), 0);
}

/* A mail that is in its folder did not fail, whatever fails after it: there is
 * no answer, and so nobody knows. */
static void outbox_unsure(void **state)
{
	struct pollfd p = { .events = POLLIN };
	int pair[2];

	(void)state;
	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(chan_init(&broker, pair[0]), 0);
	c = (struct connector){ .dir = dir, .gate = gate };
	assert_int_equal(chan_init(&c.broker, pair[1]), 0);
	(void)str_printf(c.outbox.from, sizeof(c.outbox.from), "me@b");
	assert_int_equal(outbox_start(&c), 0);
	/* Files are moved there, and it cannot be synced. */
	fd_close(&c.outbox.new);
	c.outbox.new = openat(dir, "new", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(c.outbox.new >= 0);
	send_effect(1, "one");
	c.in = m;
	outbox_effect(&c);
	assert_int_equal(count_files("new"), 1);
	assert_true(c.loop.stop && c.result < 0);
	p.fd = broker.fd;
	assert_int_equal(poll(&p, 1, 0), 0);
	outbox_stop(&c);
	chan_done(&c.broker);
	chan_done(&broker);
}

/* A kill that is there before the effect is read: nothing is written. */
static void outbox_killed(void **state)
{
	(void)state;
	start("kind=outbox from=me@example.org");
	send_effect(1, "one");
	assert_true(effect_ok(1));
	assert_int_equal(kill(child, SIGSTOP), 0);
	send_effect(2, "two");
	m = (struct msg){ .type = MSG_KILL };
	m.text.text = SPAN_LIT("test");
	assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
	assert_int_equal(kill(child, SIGCONT), 0);
	assert_int_equal(ended(), 0);
	assert_int_equal(count_files("new"), 1);
}

/* A narrower latch leaves it running. What was sent before it was set, and not
 * read yet, does not happen; other tasks' effects do. */
static void outbox_latched(void **state)
{
	const struct gate_row rows[] = {
		{ .capability = SPAN_LIT("email.send") },
		{ .task = 7 },
		{ .agent = true },
		{ .all = true },
	};
	size_t i;

	(void)state;
	start("kind=outbox from=me@example.org");
	assert_int_equal(gate_shut(gate,
				   &(struct gate_row){
					   .capability = SPAN_LIT("note.add"),
					   .task = 8 }),
			 0);
	send_effect(1, "one");
	assert_true(effect_ok(1));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(kill(child, SIGSTOP), 0);
		send_effect(2, "two");
		assert_int_equal(gate_shut(gate, &rows[i]), 0);
		assert_int_equal(kill(child, SIGCONT), 0);
		assert_false(effect_ok(2));
		assert_true(span_is(m.effect_done.detail,
				    "killed before it was done"));
		gate_open(gate, &rows[i]);
	}
	assert_int_equal(count_files("new"), 1);
	assert_int_equal(count_files("tmp"), 0);
	send_effect(3, "three");
	assert_true(effect_ok(3));
	assert_int_equal(stop(MSG_STOP), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(maildir_flow),	TEST(maildir_watch),
		TEST(maildir_odd),	TEST(maildir_many),
		TEST(maildir_nonsense), TEST(outbox_once),
		TEST(revoked),		TEST(outbox_fails),
		TEST(outbox_unsure),	TEST(outbox_killed),
		TEST(outbox_latched),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
