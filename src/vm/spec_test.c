/* spec_test: the specification string, its bounds and its back-end names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/span.h"
#include "vm/vm.h"

static const struct vm_spec good = { .backend = VM_QEMU_TCG,
				     .start = VM_CLONE,
				     .memory_mib = 128,
				     .cpus = 2,
				     .deadline_s = 15,
				     .tsc_khz = 2596144,
				     .console = true,
				     .own_qemu = true,
				     .alone = true,
				     .held_s = 5 };

static const char good_text[] =
	"backend=qemu-tcg start=clone memory_mib=128 "
	"cpus=2 deadline_s=15 tsc_khz=2596144 "
	"console=1 own_qemu=1 alone=1 disk=0 groups=0 held_s=5";

static void format_and_parse(void **)
{
	char text[VM_SPEC_TEXT];
	struct vm_spec got;

	assert_int_equal(vm_spec_format(text, sizeof(text), &good), 0);
	assert_string_equal(text, good_text);
	assert_int_equal(vm_spec_parse(span_str(text), &got), 0);
	assert_int_equal(got.backend, good.backend);
	assert_int_equal(got.start, good.start);
	assert_int_equal(got.memory_mib, good.memory_mib);
	assert_int_equal(got.cpus, good.cpus);
	assert_int_equal(got.deadline_s, good.deadline_s);
	assert_int_equal(got.tsc_khz, good.tsc_khz);
	assert_true(got.console);
	assert_true(got.own_qemu);
	assert_true(got.alone);
	assert_int_equal(got.held_s, good.held_s);
	assert_int_equal(vm_spec_format(text, sizeof(good_text), &good), 0);
	assert_int_equal(vm_spec_format(text, sizeof(good_text) - 1, &good),
			 -1);
}

static void bounds(void **)
{
	static const struct {
		struct vm_spec spec;
		int want;
	} rows[] = {
		{ { VM_QEMU_KVM, VM_COLD, 64, 1, 1, 0, false }, 0 },
		{ { VM_QEMU_KVM, VM_COLD, 63, 1, 1, 0, false }, -1 },
		{ { VM_QEMU_KVM, VM_COLD, 65536, 16, 1, 0, false }, 0 },
		{ { VM_QEMU_KVM, VM_COLD, 65537, 16, 1, 0, false }, -1 },
		{ { VM_QEMU_KVM, VM_COLD, 64, 17, 1, 0, false }, -1 },
		{ { VM_QEMU_KVM, VM_COLD, 64, 0, 1, 0, false }, -1 },
		{ { VM_QEMU_KVM, VM_COLD, 64, 1, 0, 0, false }, -1 },
		{ { VM_QEMU_KVM, VM_TEMPLATE, 64, 1, 1, 0, false }, 0 },
		{ { VM_QEMU_KVM, VM_START_MAX, 64, 1, 1, 0, false }, -1 },
		{ { VM_AUTO, VM_COLD, 64, 1, 1, 0, false }, -1 },
		{ { VM_BACKEND_MAX, VM_COLD, 64, 1, 1, 0, false }, -1 },
		{ { VM_QEMU_TCG, VM_COLD, 65536, 16, UINT32_MAX, UINT32_MAX,
		    true },
		  0 },
		{ { VM_QEMU_TCG, VM_CLONE, 65536, 16, UINT32_MAX, UINT32_MAX,
		    true, true, true, false, 3, UINT32_MAX },
		  0 },
		{ { .backend = VM_QEMU_TCG,
		    .start = VM_TEMPLATE,
		    .memory_mib = 64,
		    .cpus = 1,
		    .deadline_s = 1,
		    .held_s = 1 },
		  -1 },
		{ { .backend = VM_QEMU_TCG,
		    .start = VM_COLD,
		    .memory_mib = 64,
		    .cpus = 1,
		    .deadline_s = 1,
		    .disk = true },
		  0 },
		{ { .backend = VM_QEMU_TCG,
		    .start = VM_TEMPLATE,
		    .memory_mib = 64,
		    .cpus = 1,
		    .deadline_s = 1,
		    .disk = true },
		  -1 },
		{ { .backend = VM_QEMU_TCG,
		    .start = VM_COLD,
		    .memory_mib = 64,
		    .cpus = 1,
		    .deadline_s = 1,
		    .held_s = 1 },
		  -1 },
		{ { .backend = VM_QEMU_TCG,
		    .start = VM_CLONE,
		    .memory_mib = 64,
		    .cpus = 1,
		    .deadline_s = 1,
		    .alone = true },
		  -1 },
		{ { .backend = VM_QEMU_TCG,
		    .start = VM_TEMPLATE,
		    .memory_mib = 64,
		    .cpus = 1,
		    .deadline_s = 1,
		    .own_qemu = true,
		    .alone = true },
		  -1 },
	};
	char text[VM_SPEC_TEXT];
	struct vm_spec got;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			vm_spec_format(text, sizeof(text), &rows[i].spec),
			rows[i].want);
		if (rows[i].want == 0)
			assert_int_equal(vm_spec_parse(span_str(text), &got),
					 0);
	}
}

static void refused(void **)
{
	static const char *const rows[] = {
		"",
		"backend=qemu-tcg",
		"backend=qemu-tcg memory_mib=128 cpus=1 deadline_s=1 tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=0 held_s=0",
		"backend=qemu-tcg start=warm memory_mib=128 cpus=1 "
		"deadline_s=1 tsc_khz=0 console=0 own_qemu=0 alone=0 disk=0 "
		"groups=0 "
		"held_s=0",
		"backend=auto start=cold memory_mib=128 cpus=1 deadline_s=1 "
		"tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=0 held_s=0",
		"backend=none start=cold memory_mib=128 cpus=1 deadline_s=1 "
		"tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=0 held_s=0",
		"backend=qemu-tcg start=cold memory_mib=63 cpus=1 deadline_s=1 "
		"tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=0 held_s=0",
		"backend=qemu-tcg start=cold memory_mib=128 cpus=1 "
		"deadline_s=1 tsc_khz=0 "
		"console=2 own_qemu=0 alone=0 disk=0 groups=0 held_s=0",
		"backend=qemu-tcg start=cold memory_mib=128 cpus=1 "
		"deadline_s=1 tsc_khz=0 "
		"console=0 own_qemu=1 alone=2 disk=0 groups=0 held_s=0",
		"backend=qemu-tcg start=clone memory_mib=128 cpus=1 "
		"deadline_s=1 tsc_khz=0 "
		"console=0 own_qemu=2 alone=0 disk=0 groups=0 held_s=0",
		"backend=qemu-tcg start=cold memory_mib=128 cpus=1 "
		"deadline_s=1 tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=0 held_s=0 more=1",
		"backend=qemu-tcg start=cold memory_mib=128 cpus=1 "
		"deadline_s=1 tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=4 held_s=0",
		"backend=qemu-tcg start=cold cpus=1 memory_mib=128 "
		"deadline_s=1 tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=0 held_s=0",
		"backend=qemu-tcg start=cold memory_mib=-128 cpus=1 "
		"deadline_s=1 "
		"tsc_khz=0 console=0 own_qemu=0 alone=0 disk=0 groups=0 "
		"held_s=0",
		"backend=qemu-tcg start=cold memory_mib=4294967296 cpus=1 "
		"deadline_s=1 "
		"tsc_khz=0 console=0 own_qemu=0 alone=0 disk=0 groups=0 "
		"held_s=0",
		"backend=qemu-tcg start=cold memory_mib=128 cpus=1 "
		"deadline_s=1 tsc_khz=0 "
		"console=0 own_qemu=0 alone=0 disk=0 groups=0 held_s=1",
	};
	struct vm_spec got;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(vm_spec_parse(span_str(rows[i]), &got), -1);
	/* Every proper beginning of a good one is refused, too. */
	for (i = 0; i < sizeof(good_text) - 1; i++)
		assert_int_equal(vm_spec_parse(span_of(good_text, i), &got),
				 -1);
}

static void names(void **)
{
	int b, s, p;

	for (s = 0; s < VM_START_MAX; s++)
		assert_int_equal(vm_start_parse(span_str(
					 vm_start_name((enum vm_start)s))),
				 s);
	for (p = 0; p < VM_PARK_MAX; p++)
		assert_int_equal(
			vm_park_parse(span_str(vm_park_name((enum vm_park)p))),
			p);
	assert_null(vm_start_name(VM_START_MAX));
	assert_null(vm_park_name(VM_PARK_MAX));
	assert_int_equal(vm_start_parse(SPAN_LIT("warm")), VM_START_MAX);
	assert_int_equal(vm_park_parse(SPAN_LIT("")), VM_PARK_MAX);

	for (b = 0; b < VM_BACKEND_MAX; b++)
		assert_int_equal(vm_backend_parse(span_str(
					 vm_backend_name((enum vm_backend)b))),
				 b);
	assert_null(vm_backend_name(VM_BACKEND_MAX));
	assert_int_equal(vm_backend_parse(SPAN_LIT("qemu")), VM_BACKEND_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_and_parse),
		cmocka_unit_test(bounds),
		cmocka_unit_test(refused),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
