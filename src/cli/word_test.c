/*
 * word_test: what only the owner at a terminal can say: yes to a request, that
 * a task is frozen, that the lease begins again. Without a terminal on both
 * sides, with another word, or with a card that is not the one on record,
 * nothing is said. The test is the terminal and the control process.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/testing.h"
#include "cli/cli.h"
#include "privsep/chan.h"

static const char conf_text[] = "bulkhead: 1\n"
				"state: state\n"
				"control: {users: [%u], socket: %s/socket}\n"
				"agents:\n"
				"  assistant:\n"
				"    policy: assistant.yaml\n"
				"    planner: {kind: triage}\n"
				"    tasks:\n"
				"      - {on: mail, say: \"What is new?\"}\n"
				"connectors:\n"
				"  inbox: {kind: maildir, path: Maildir}\n"
				"  drafts: {kind: outbox, path: outbox}\n";

enum { WORDS = 6 };

enum sits { AT_TERMINAL, ONLY_TYPES, NO_TERMINAL };

static struct world {
	char dir[32], conf[48];
	int listener;
	const char *card;
	bool other_hash;
	/* What was said. */
	unsigned approved, refused, frozen, leases;
} w;

static struct msg in, out;

static int remove_one(const char *p, const struct stat *, int, struct FTW *)
{
	return remove(p);
}

static int setup(void **)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char text[2048];
	CLEAN_FD int fd = -1;

	w = (struct world){ .dir = "/tmp/bhwd-XXXXXX", .card = "otter\nq7\n" };
	assert_non_null(mkdtemp(w.dir));
	(void)str_printf(w.conf, sizeof(w.conf), "%s/b.yaml", w.dir);
	(void)str_printf(text, sizeof(text), conf_text, getuid(), w.dir);
	fd = open(w.conf, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)str_printf(at.sun_path, sizeof(at.sun_path), "%s/socket", w.dir);
	w.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w.listener, (struct sockaddr *)&at, sizeof(at)),
			 0);
	assert_int_equal(listen(w.listener, 8), 0);
	return 0;
}

static int teardown(void **)
{
	fd_close(&w.listener);
	(void)nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void say(struct chan *c, enum msg_type t)
{
	out.type = t;
	assert_int_equal(chan_send(c, &out, NULL, 0), 0);
}

static void show(struct chan *c)
{
	struct sha256 h;

	out.c_approval = (struct m_c_approval){
		.ticket = 7,
		.card = 7,
		.button = 7,
		.task = 3,
		.state = 1,
		.undo = 1,
		.remember = 1,
		.show = 1,
		.quorum = 1,
		.capability = SPAN_LIT("email.send"),
		.text = span_str(w.card),
	};
	sha256_init(&h);
	sha256_add(&h, span_str(w.card));
	sha256_final(&h, out.c_approval.hash);
	out.c_approval.hash[0] ^= w.other_hash;
	say(c, MSG_C_APPROVAL);
}

/* One client, until it hangs up. */
static void serve(void)
{
	struct chan c;
	const char *why;

	assert_int_equal(
		chan_init(&c, accept4(w.listener, NULL, NULL, SOCK_CLOEXEC)),
		0);
	while (chan_recv(&c, &in, &why) == 1) {
		w.approved +=
			in.type == MSG_C_APPROVE && in.c_approve.ticket == 7;
		w.refused += in.type == MSG_C_DECLINE;
		w.frozen += in.type == MSG_C_DECLINE && in.c_decline.freeze;
		w.leases += in.type == MSG_C_LEASE;
		if (in.type == MSG_C_APPROVALS)
			show(&c);
		say(&c, MSG_C_OK);
	}
	chan_done(&c);
}

static void child(const char *const *words, enum sits how)
{
	const struct cli cli = { .config_path = w.conf };
	const struct cli_command *command = cli_find(words[0]);
	static char copies[WORDS][32];
	char *argv[WORDS] = { NULL };
	int pair[2], argc = 0;

	for (; words[argc]; argc++) {
		(void)str_printf(copies[argc], sizeof(copies[argc]), "%s",
				 words[argc]);
		argv[argc] = copies[argc];
	}
	/* Its word comes the same way, and nobody sees what it says. */
	if (how != AT_TERMINAL && (pipe(pair) < 0 || dup2(pair[1], 1) < 0))
		_exit(99);
	if (how == NO_TERMINAL) {
		char word[64];
		ssize_t n = read(0, word, sizeof(word));

		if (n <= 0 || pipe(pair) < 0 ||
		    write(pair[1], word, (size_t)n) != n ||
		    dup2(pair[0], 0) < 0)
			_exit(99);
	}
	exit(command->run(argc, argv, &cli));
}

/* Its exit code, once it has ended. */
static int run(const char *const *words, const char *word, enum sits how)
{
	int terminal, status;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
	struct pollfd p[2];
	char text[4096];

	assert_true(pid >= 0);
	if (pid == 0)
		child(words, how);
	assert_int_equal(write(terminal, word, strlen(word)), strlen(word));
	p[0] = (struct pollfd){ .fd = terminal, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = w.listener, .events = POLLIN };
	for (;;) {
		assert_true(poll(p, 2, 20000) > 0);
		if (p[1].revents)
			serve();
		else if (p[0].revents &&
			 read(terminal, text, sizeof(text)) <= 0)
			break; /* nobody has its other end any more */
	}
	(void)close(terminal);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define APPROVE                                                                \
	{                                                                      \
		"approvals", "approve", "q7", NULL                             \
	}
#define FREEZE                                                                 \
	{                                                                      \
		"approvals", "refuse", "q7", "--freeze", NULL                  \
	}
#define REFUSE                                                                 \
	{                                                                      \
		"approvals", "refuse", "q7", NULL                              \
	}
#define LEASE                                                                  \
	{                                                                      \
		"rearm", "--lease", NULL                                       \
	}

static void test_words(void **)
{
	static const struct {
		const char *argv[WORDS], *word;
		enum sits how;
		int rc;
		unsigned approved, refused, frozen, leases;
	} rows[] = {
		{ APPROVE, "q7\n", AT_TERMINAL, CLI_OK, 1, 0, 0, 0 },
		{ APPROVE, "q7\n", ONLY_TYPES, CLI_NO, 0, 0, 0, 0 },
		{ APPROVE, "q7\n", NO_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ APPROVE, "q8\n", AT_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ APPROVE, "yes\n", AT_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ APPROVE, "\n", AT_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ APPROVE, "\4", AT_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ FREEZE, "freeze\n", AT_TERMINAL, CLI_OK, 0, 1, 1, 0 },
		{ FREEZE, "freeze\n", ONLY_TYPES, CLI_NO, 0, 0, 0, 0 },
		{ FREEZE, "freeze\n", NO_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ FREEZE, "q7\n", AT_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ LEASE, "rearm\n", AT_TERMINAL, CLI_OK, 0, 0, 0, 1 },
		{ LEASE, "rearm\n", ONLY_TYPES, CLI_NO, 0, 0, 0, 0 },
		{ LEASE, "rearm\n", NO_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		{ LEASE, "yes\n", AT_TERMINAL, CLI_NO, 0, 0, 0, 0 },
		/* To say no is nobody's harm. */
		{ REFUSE, "\n", NO_TERMINAL, CLI_OK, 0, 1, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		w.approved = w.refused = w.frozen = w.leases = 0;
		assert_int_equal(run(rows[i].argv, rows[i].word, rows[i].how),
				 rows[i].rc);
		assert_int_equal(w.approved, rows[i].approved);
		assert_int_equal(w.refused, rows[i].refused);
		assert_int_equal(w.frozen, rows[i].frozen);
		assert_int_equal(w.leases, rows[i].leases);
	}
}

/* What is shown has to be what is on record, and something. */
static void test_card(void **)
{
	static const char *const argv[] = APPROVE;

	w.other_hash = true;
	assert_int_equal(run(argv, "q7\n", AT_TERMINAL), CLI_NO);
	w.other_hash = false;
	w.card = "";
	assert_int_equal(run(argv, "q7\n", AT_TERMINAL), CLI_NO);
	w.card = "to lea\33[2Ato max\n";
	assert_int_equal(run(argv, "q7\n", AT_TERMINAL), CLI_NO);
	assert_int_equal(w.approved, 0);
	w.card = "to lea\n";
	assert_int_equal(run(argv, "q7\n", AT_TERMINAL), CLI_OK);
	assert_int_equal(w.approved, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_card, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
