/* forward_test: bytes go both ways, each way to its own end, and no further
 * than the other side takes them. */
#include "base/testing.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/agent/forward.h"

enum { MUCH = 1 << 20, QUIET_MS = 50 };

static struct pair p;
static int client, server; /* our ends */

static int begin(void **)
{
	int a[2], b[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	client = a[0];
	server = b[0];
	assert_int_equal(fd_nonblock(client, true), 0);
	assert_int_equal(fd_nonblock(server, true), 0);
	assert_int_equal(pair_open(&p, a[1], a[1], b[1]), 0);
	return 0;
}

static int end(void **)
{
	if (p.used)
		pair_close(&p);
	fd_close(&client);
	fd_close(&server);
	return 0;
}

/* Goes on until nothing moves. False: it is over. */
static bool run(void)
{
	struct pollfd set[FORWARD_FDS];

	while (p.used) {
		pair_wants(&p, set);
		if (poll(set, FORWARD_FDS, QUIET_MS) <= 0)
			return true;
		if (!pair_serve(&p, set))
			return false;
	}
	return false;
}

static void comes(int fd, const char *text)
{
	char got[64];
	ssize_t n = read(fd, got, sizeof(got) - 1);

	assert_int_equal(n, strlen(text));
	got[n] = 0;
	assert_string_equal(got, text);
}

static void both_ways(void **)
{
	assert_int_equal(write(client, "ask", 3), 3);
	assert_int_equal(write(server, "answer", 6), 6);
	assert_true(run());
	comes(server, "ask");
	comes(client, "answer");
	/* A half that ends leaves the other as it is. */
	assert_int_equal(write(client, "last", 4), 4);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_true(run());
	comes(server, "last");
	comes(server, "");
	assert_int_equal(write(server, "more", 4), 4);
	assert_true(run());
	comes(client, "more");
	assert_int_equal(shutdown(server, SHUT_WR), 0);
	assert_false(run());
	comes(client, "");
}

/* What the other does not take stays where it came from. */
static void held_back(void **)
{
	uint8_t *much = calloc(1, MUCH), *got = calloc(1, MUCH);
	size_t sent = 0, came = 0;
	bool alive = true;
	size_t i;

	assert_true(much && got);
	for (i = 0; i < MUCH; i++)
		much[i] = (uint8_t)(i % 251);
	while (came < MUCH && alive) {
		ssize_t n = write(client, much + sent, MUCH - sent);

		sent += n > 0 ? (size_t)n : 0;
		alive = run();
		if (sent < MUCH && came == 0)
			assert_true(p.up.n - p.up.at <= FORWARD_CHUNK);
		while ((n = read(server, got + came, MUCH - came)) > 0)
			came += (size_t)n;
	}
	assert_int_equal(came, MUCH);
	assert_memory_equal(got, much, MUCH);
	free(much);
	free(got);
}

/* Who is gone takes the other along. */
static void gone(void **)
{
	assert_int_equal(write(server, "x", 1), 1);
	fd_close(&client);
	assert_false(run());
	assert_false(p.used);
	assert_true(p.in < 0 && p.server < 0);
}

/* A pipe's end is closed, where a socket's is said. */
static void pipes(void **)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, both[2];

	assert_true(pipe(in) == 0 && pipe(out) == 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
	pair_close(&p);
	fd_close(&server);
	server = both[0];
	assert_int_equal(pair_open(&p, in[0], out[1], both[1]), 0);
	assert_int_equal(write(in[1], "ask", 3), 3);
	assert_true(run());
	comes(server, "ask");
	assert_int_equal(write(server, "answer", 6), 6);
	fd_close(&in[1]);
	assert_true(run());
	comes(server, "");
	fd_close(&server);
	assert_false(run());
	comes(out[0], "answer");
	comes(out[0], "");
	fd_close(&out[0]);
}

static void no_server(void **)
{
	char path[200];

	assert_int_equal(forward_connect("/nonexistent/socket"), -ENOENT);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	assert_int_equal(forward_connect(path), -ENAMETOOLONG);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(both_ways),
		ROW(held_back),
		ROW(gone),
		ROW(pipes),
		cmocka_unit_test(no_server),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("guest/forward", tests, NULL, NULL);
}
