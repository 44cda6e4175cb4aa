/*
 * fresh_test: the canary and the AT_RANDOM bytes are others after each draw,
 * what compiled code does with the canary goes on to work, and a smashed stack
 * is still the death of the process. Each case is a child that never returns.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fresh.h"

enum { DRAWS = 100, AT_RANDOM_BYTES = 16 };

#define PROTECTED __attribute__((noinline))

static uint64_t canary(void)
{
	uint64_t v;

	__asm__ volatile("movq %%fs:0x28, %0" : "=r"(v));
	return v;
}

/* An array makes the compiler guard this one; it fills n of its 16 bytes. */
static PROTECTED int fill(size_t n)
{
	volatile char room[16];
	size_t i;

	for (i = 0; i < n; i++)
		((volatile char *)room)[i] = 'x';
	return room[n / 2];
}

static FRESH_CALLER _Noreturn void draws(void)
{
	uint64_t old;
	int i;

	for (i = 0; i < DRAWS; i++) {
		old = canary();
		if (fresh_draw() < 0)
			_exit(1);
		/* the same again by chance: once in 2^56 */
		if (canary() == old || canary() & 0xff)
			_exit(2);
		if (fill(16) != 'x' || printf("%s", "") < 0)
			_exit(4);
	}
	_exit(0);
}

static FRESH_CALLER _Noreturn void at_random(void)
{
	uint8_t before[AT_RANDOM_BYTES];
	const void *at = (const void *)(uintptr_t)getauxval(AT_RANDOM);

	memcpy(before, at, sizeof(before));
	if (fresh_draw() < 0 || memcmp(before, at, sizeof(before)) == 0)
		_exit(1);
	_exit(0);
}

static FRESH_CALLER _Noreturn void smashes(void)
{
	if (fresh_draw() < 0)
		_exit(1);
	(void)fill(48);
	_exit(0);
}

/* What FRESH_CALLER is for: one that guards itself and returns dies. */
static PROTECTED int guarded_draw(void)
{
	volatile char room[16] = { 0 };

	return fresh_draw() < 0 ? 1 : room[3];
}

static FRESH_CALLER _Noreturn void misused(void)
{
	_exit(guarded_draw());
}

static int run(void (*fn)(void))
{
	const struct rlimit none = { 0, 0 };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)!freopen("/dev/null", "w", stderr);
		fn();
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static void test_rows(void **)
{
	assert_int_equal(run(draws), 0);
	assert_int_equal(run(at_random), 0);
}

static void test_stack_checks_still_bite(void **)
{
	assert_int_equal(run(smashes), 1000 + SIGABRT);
	assert_int_equal(run(misused), 1000 + SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_stack_checks_still_bite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
