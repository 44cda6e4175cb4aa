/* Tests of status: what a person sees, against golden text; nothing is guessed
 * where an answer lacks a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "cli/golden.h"
#include "cli/status.h"

/* A monitor's answer in which all is well. */
static const char good[] =
	"{'version': '0.1.0', 'uptime_s': 71, 'backend': 'qemu-kvm',"
	" 'backend_why': 'a guest ran', 'emulated': false, 'own_qemu': true, "
	"'killed': false,"
	" 'cgroups': 'v2', 'limits': 'cgroup v2: memory, pids, cpu',"
	" 'planner': 'triage',"
	" 'core': {'state': 'up', 'restarts': 0, 'failures': 0,"
	"	   'since_ms': 70100, 'again_ms': 0, 'cause': '',"
	"	   'records_held': 0},"
	" 'processes': [{'name': 'auditd', 'pid': 7, 'running': true,"
	"		 'state': 'up', 'restarts': 0, 'failures': 0,"
	"		 'since_ms': 70200, 'again_ms': 0, 'cause': ''},"
	"		{'name': 'connector:inbox', 'pid': 9, 'running': true,"
	"		 'state': 'up', 'restarts': 2, 'failures': 1,"
	"		 'since_ms': 2000, 'again_ms': 0,"
	"		 'cause': 'was ended by signal 9 (KILL)'}],"
	" 'vms': {'places': 4, 'running': 3, 'slow': 1, 'waiting': 2,"
	"	  'started': 1234, 'failed': 5},"
	" 'templates': [{'kind': 'reader', 'state': 'renewing',"
	"		 'age_ms': 59999, 'clones': 900, 'build_ms': 812,"
	"		 'mib': 61, 'built': 1, 'retired': 0, 'why': ''},"
	"		{'kind': 'planner', 'state': 'building', 'age_ms': 20,"
	"		 'clones': 0, 'build_ms': 0, 'mib': 0, 'built': 0,"
	"		 'retired': 0, 'why': ''}],"
	" 'pools': [{'kind': 'reader', 'depth': 2, 'parked': 1,"
	"	     'how': 'resumed', 'served': 9, 'died': 0, 'recycled': 0},"
	"	    {'kind': 'planner', 'depth': 0, 'parked': 0,"
	"	     'how': 'waiting', 'served': 0, 'died': 0,"
	"	     'recycled': 0}],"
	" 'starts': {'cold': 0, 'clone': 1225, 'pool': 9, 'cold_why': ''},"
	" 'items': {'read': 10, 'refused': 1, 'task_failed': 0,"
	"	    'interrupted': 0, 'given_up': 0, 'pending': 2},"
	" 'queue': [{'source': 'inbox', 'waiting': 9000, 'at_work': 6,"
	"	     'bytes': 123456789, 'blocked': 0, 'why': ''},"
	"	    {'source': 'lists', 'waiting': 5000, 'at_work': 2,"
	"	     'bytes': 7, 'blocked': 4,"
	"	     'why': '5002 items of this source wait'}],"
	" 'accounts': [{'name': 'imap', 'kind': 'imap', 'state': 'up',"
	"		'detail': 'mx.example.org', 'since_ms': 61000,"
	"		'again_ms': 0, 'skipped': 2},"
	"	       {'name': 'bot', 'kind': 'telegram',"
	"		'state': 'waiting', 'detail': '', 'since_ms': 100,"
	"		'again_ms': 9900, 'skipped': 0}],"
	" 'audit': {'size': 99, 'root': 'abcd'}}";

/* One whose templates fail it, with what a guest's death may say in it. */
static const char bad[] =
	"{'version': '0.1.0', 'uptime_s': 7200, 'backend': 'qemu-tcg',"
	" 'backend_why': 'no /dev/kvm', 'emulated': true, 'own_qemu': false, "
	"'killed': true,"
	" 'kills': {'set': 2, 'trips': 3, 'frozen': 1, 'latches': ["
	"	{'level': 'task', 'task': 17, 'reason': 'canary: \\u001b[2Jx'},"
	"	{'level': 'capability', 'capability': 'email.send',"
	"	 'reason': ''}], 'revoked': [{'connector': 'drafts',"
	"	 'result': 'nothing-to-revoke', 'detail': 'a folder'}],"
	"	'lease': {'autonomy_s': 86400, 'left_s': 0}},"
	" 'cgroups': 'none', 'limits': 'resource limits only',"
	" 'planner': 'none',"
	" 'core': {'state': 'down', 'restarts': 5, 'failures': 3,"
	"	   'since_ms': 2500, 'again_ms': 1500,"
	"	   'cause': 'auditd: the audit log cannot be written: commit: "
	"ENOSPC', 'records_held': 2, 'advice': 'make room on its disk'},"
	" 'processes': [{'name': 'auditd', 'pid': 0, 'running': false,"
	"		 'state': 'down', 'restarts': 5, 'failures': 3,"
	"		 'since_ms': 2500, 'again_ms': 0,"
	"		 'cause': 'the audit log cannot be written: commit: "
	"ENOSPC'}],"
	" 'vms': {'places': 2, 'running': 0, 'slow': 0, 'waiting': 0,"
	"	  'started': 3, 'failed': 2},"
	" 'templates': [{'kind': 'reader', 'state': 'broken',"
	"		 'age_ms': 700000, 'clones': 0, 'build_ms': 0,"
	"		 'mib': 0, 'built': 0, 'retired': 0,"
	"		 'why': 'deadline: not ready\\nITEM 1: READ\\u001b['},"
	"		{'kind': 'planner', 'state': 'resting', 'age_ms': 1,"
	"		 'clones': 3, 'build_ms': 900, 'mib': 36, 'built': 2,"
	"		 'retired': 2, 'why': 'a clone died: hangup: gone'}],"
	" 'pools': [{'kind': 'reader', 'depth': 2, 'parked': 0,"
	"	     'how': 'waiting', 'served': 0, 'died': 7,"
	"	     'recycled': 0}],"
	" 'starts': {'cold': 3, 'clone': 0, 'pool': 0,"
	"	     'cold_why': 'reader while no template can be built: x'},"
	" 'items': {'read': 0, 'refused': 2, 'task_failed': 0,"
	"	    'interrupted': 1, 'given_up': 1, 'pending': 0},"
	" 'queue': [],"
	" 'accounts': [{'name': 'smtp', 'kind': 'smtp',"
	"		'state': 'refused', 'detail': 'login \\u001b[2J',"
	"		'since_ms': 2000, 'again_ms': 0, 'skipped': 0},"
	"	       {'name': 'git', 'kind': 'http', 'state': 'none',"
	"		'detail': '', 'since_ms': 1000, 'again_ms': 0,"
	"		'skipped': 0}],"
	" 'room': {'why': 'the host has 9 MiB of memory left'},"
	" 'audit': {'size': 9, 'root': 'ef', 'reserve': 100, "
	"	    'reserve_left': 60, 'full': true,"
	"	    'reserve_why': 'the disk is full'}}";

static json_t *parse(const char *text)
{
	char copy[4096];
	json_error_t why;
	json_t *j;
	size_t i;

	assert_true(str_printf(copy, sizeof(copy), "%s", text) > 0);
	for (i = 0; copy[i]; i++)
		if (copy[i] == '\'')
			copy[i] = '"';
	j = json_loads(copy, 0, &why);
	if (!j)
		fail_msg("%d:%d: %s", why.line, why.column, why.text);
	return j;
}

static void compare(const char *answer, const char *golden)
{
	static const struct show how = { 0 };
	CLEAN_BUF struct buf b;
	json_t *j = parse(answer);

	buf_init(&b, 1 << 16);
	status_print(&b, &how, j);
	assert_true(buf_ok(&b));
	json_decref(j);
	compare_golden(golden, buf_cstr(&b));
}

static void all_is_well(void **)
{
	compare(good, "status.txt");
}

static void templates_fail(void **)
{
	compare(bad, "status-bad.txt");
}

/* A broker or monitor that says less than it should. */
static void nothing_known(void **)
{
	compare("{'templates': [{}, 7], 'pools': [{}], 'starts': {}}",
		"status-empty.txt");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(templates_fail),
		cmocka_unit_test(nothing_known),
	};

	return cmocka_run_group_tests_name("cli/status", tests, NULL, NULL);
}
