/* Tests of the list of users, and of who is at the other end of a socket. */
#include "privsep/users.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"

static void lists(void **)
{
	static const struct {
		const char *text;
		int want;
		size_t n;
	} rows[] = {
		{ "", 0, 0 },
		{ "0", 0, 1 },
		{ "0,1000", 0, 2 },
		{ "4294967294", 0, 1 },
		{ "4294967295", -EPROTO, 0 },
		{ "-1", -EPROTO, 0 },
		{ "1 ", -EPROTO, 0 },
		{ ",1", -EPROTO, 0 },
		{ "1,,2", -EPROTO, 0 },
		{ "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", 0, USERS_MAX },
		{ "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", -EPROTO, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct users u = { 0 };

		assert_int_equal(users_take(&u, span_str(rows[i].text)),
				 rows[i].want);
		if (rows[i].want == 0)
			assert_int_equal(u.n, rows[i].n);
	}
}

static void peers(void **)
{
	struct users u = { .n = 1, .uids = { geteuid() + 1 } };
	int pair[2];
	uid_t uid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_false(users_have_peer(&u, pair[0], &uid));
	assert_int_equal(uid, geteuid());
	u.uids[u.n++] = geteuid();
	assert_true(users_have_peer(&u, pair[0], &uid));
	u.n = 0;
	assert_false(users_have_peer(&u, pair[0], &uid));
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	u.n = 2;
	assert_false(users_have_peer(&u, -1, &uid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
