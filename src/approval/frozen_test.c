/* frozen_test: a call is thawed as it was frozen: it resolves to the same
 * bytes, origins and labels, with nothing of its task there any more. */
#include "approval/frozen.h"
#include "base/str.h"
#include "base/testing.h"
#include "policy/model.h"

static const char yaml[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"owner: {email: me@example.net}\n"
	"sources:\n"
	"  mail: {reader: email, connector: inbox, integrity: external, "
	"audience: thread, reveal: handles}\n"
	"capabilities:\n"
	"  note.add:\n"
	"    connector: out\n"
	"    effect: internal\n"
	"    undo: reversible\n"
	"    args:\n"
	"      text: {type: text, max: 100, role: content, from: [planner]}\n"
	"    decide:\n"
	"      - allow: {}\n"
	"    limits: {rate: 1/day}\n";

static struct policy *policy;
static struct atoms *atoms;
static struct handles *handles;
static struct tokens owner;
static struct label external, own, pc;
static struct arg_fact fact;
static struct decide_item items[2];
static struct arg_context context;
static struct m_call call;
static struct decide_in in;
static struct decision d;
static struct link_set links;

static const struct handle *add_handle(const char *kind, enum arg_type type,
				       const char *bytes, uint64_t item)
{
	const struct handle *k = NULL;
	const struct handle_value v = { .kind = span_str(kind),
					.type = type,
					.origin = ORIGIN_HANDLE,
					.bytes = span_str(bytes),
					.item = item,
					.label = &external };

	assert_int_equal(handles_add(handles, &v, &k), 0);
	return k;
}

static void make_context(void)
{
	const struct atom_origin o = { .connector = SPAN_LIT("inbox"),
				       .account = SPAN_LIT("me"),
				       .item = SPAN_LIT("9") };
	const struct handle *from;
	const struct handle *k;
	struct handle_value v;

	atoms = atoms_new(77);
	handles = handles_new(40);
	assert_non_null(atoms);
	assert_non_null(handles);
	items[1].atom = atoms_origin(atoms, &o);
	items[1].sender_who = atoms_principal(atoms, SPAN_LIT("email"),
					      SPAN_LIT("bob@example.com"));
	external = label_of(items[1].atom, INTEGRITY_EXTERNAL);
	label_restrict(&external, &items[1].sender_who, 1);
	own = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	pc = own;
	assert_int_equal(
		tokens_read(&owner, SPAN_LIT("write to lea@example.org, soon")),
		0);
	(void)add_handle("mail.other", TYPE_TEXT, "not of this call", 3);
	from = add_handle("mail.from", TYPE_EMAIL, "bob@example.com", 9);
	(void)add_handle("mail.other", TYPE_TEXT, "nor this", 3);
	(void)add_handle("mail.body", TYPE_TEXT, "the body", 9);
	v = (struct handle_value){ .kind = SPAN_LIT("mail.name"),
				   .type = TYPE_TEXT,
				   .origin = ORIGIN_HANDLE,
				   .bytes = SPAN_LIT("Bob"),
				   .item = 9,
				   .label = &external };
	assert_int_equal(handles_add_field(handles, from, "name", &v, &k), 0);
	fact = (struct arg_fact){ .type = TYPE_EMAIL,
				  .value = SPAN_LIT("bob@example.com"),
				  .label = &external,
				  .item = 9 };
}

static void put_arg(const char *name, enum arg_json json, const char *value)
{
	call.args[call.n++] = (struct m_arg){ .name = span_str(name),
					      .json = (uint8_t)json,
					      .value = span_str(value) };
}

static void make_call(void)
{
	call.capability = SPAN_LIT("email.send");
	put_arg("to", ARG_STRING, "lea@example.org");
	put_arg("cc", ARG_REF, "@41");
	put_arg("body", ARG_TEMPLATE, "Hi {0}: {1}");
	put_arg("body", ARG_FILL, "@41.name");
	put_arg("body", ARG_FILL, "@43");
	put_arg("note", ARG_STRING, "mine, see https://example.com/a now");
}

static int group_setup(void **)
{
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (policy_load("p.yaml", span_str(yaml), NULL, &policy, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	make_context();
	make_call();
	items[0].item = 3;
	items[1].item = 9;
	items[1].source = &policy->sources[0].row;
	items[1].sender = SPAN_LIT("bob@example.com");
	items[1].chat = SPAN_LIT("bob@example.com");
	context = (struct arg_context){ .handles = handles,
					.owner = &owner,
					.owner_label = &own,
					.pc = &pc,
					.facts = &fact,
					.n_facts = 1 };
	link_set_init(&links);
	link_set_add(&links, SPAN_LIT("https://example.com/a"));
	link_set_add(&links, SPAN_LIT("https://example.com/b"));
	items[1].links = &links;
	in = (struct decide_in){ .call = &call,
				 .context = &context,
				 .atoms = atoms,
				 .items = items,
				 .n_items = 2,
				 .task = 5,
				 .task_item = 9,
				 .session = SESSION_PRIVATE,
				 .wall_s = 1234 };
	return 0;
}

static int group_teardown(void **)
{
	link_set_done(&links);
	args_done(&d.resolved);
	handles_free(handles);
	tokens_done(&owner);
	atoms_free(atoms);
	policy_free(policy);
	return 0;
}

/* The rows of the call by argument: first, how many, type, role. */
static const struct {
	uint32_t at, n;
	enum arg_type type;
	enum arg_role role;
} shape[] = {
	{ 0, 1, TYPE_EMAIL, ROLE_TARGET },
	{ 1, 1, TYPE_EMAIL, ROLE_TARGET },
	{ 2, 3, TYPE_TEXT, ROLE_CONTENT },
	{ 5, 1, TYPE_TEXT, ROLE_CONTENT },
};

static void resolve(struct args *ret, const struct decide_in *from)
{
	struct arg_fault fault;
	size_t i;

	args_init(ret);
	for (i = 0; i < ARRAY_SIZE(shape); i++) {
		const struct arg_want want = { .type = shape[i].type,
					       .names = shape[i].role ==
							ROLE_TARGET };

		if (args_resolve(ret, from->context, &want,
				 from->call->args + shape[i].at, shape[i].n,
				 &fault) < 0)
			fail_msg("argument %zu %s", i, fault.why);
	}
}

static void make_decision(void)
{
	size_t i;

	args_done(&d.resolved);
	resolve(&d.resolved, &in);
	d.n = ARRAY_SIZE(shape);
	for (i = 0; i < d.n; i++) {
		d.args[i].type = (uint8_t)shape[i].type;
		d.args[i].role = (uint8_t)shape[i].role;
		d.args[i].value_index = i;
		d.args[i].value = arg_bytes(&d.resolved, &d.resolved.values[i]);
	}
}

static void text_of(struct buf *b, const struct args *a,
		    const struct atoms *names)
{
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		const struct arg_value *v = &a->values[i];

		buf_span(b, arg_bytes(a, v));
		buf_printf(b, " member=%x parts=%zu ", v->member, v->n_parts);
		label_text(b, &v->label, names);
		for (k = 0; k < v->n_parts; k++)
			buf_printf(b, " %x", a->parts[v->first + k].origins);
		buf_u8(b, '\n');
	}
}

static void test_round(void **)
{
	CLEAN_BUF struct buf row;
	CLEAN_BUF struct buf before;
	CLEAN_BUF struct buf after;
	struct frozen *f;
	struct args again;

	buf_init(&row, LIMIT_ROW);
	buf_init(&before, 1 << 16);
	buf_init(&after, 1 << 16);
	make_decision();
	text_of(&before, &d.resolved, atoms);
	frozen_encode(&row, &in, &d);
	assert_true(buf_ok(&row));
	f = frozen_decode(buf_view(&row), policy);
	assert_non_null(f);
	resolve(&again, &f->in);
	text_of(&after, &again, f->atoms);
	assert_string_equal(buf_cstr(&after), buf_cstr(&before));
	assert_non_null(strstr(buf_cstr(&after), "Hi Bob: the body"));
	assert_int_equal(f->in.task, 5);
	assert_int_equal(f->in.task_item, 9);
	assert_int_equal(f->in.session, SESSION_PRIVATE);
	/* Of the items and handles, those alone that the call is about. */
	assert_int_equal(f->in.n_items, 1);
	assert_int_equal(f->items[0].item, 9);
	assert_ptr_equal(f->items[0].source, &policy->sources[0].row);
	assert_true(link_set_has(f->items[0].links,
				 SPAN_LIT("https://example.com/a")));
	assert_false(link_set_has(f->items[0].links,
				  SPAN_LIT("https://example.com/b")));
	assert_false(link_set_has(f->in.owner_links,
				  SPAN_LIT("https://example.com/a")));
	assert_true(span_is(atoms_name(f->atoms, f->items[0].sender_who),
			    "=email/bob@example.com"));
	assert_null(handles_find(f->handles, SPAN_LIT("@40")));
	assert_null(handles_find(f->handles, SPAN_LIT("@42")));
	assert_non_null(handles_find(f->handles, SPAN_LIT("@43")));
	args_done(&again);
	frozen_free(f);
}

static void test_bad(void **)
{
	CLEAN_BUF struct buf row;
	size_t n;

	buf_init(&row, LIMIT_ROW);
	make_decision();
	frozen_encode(&row, &in, &d);
	for (n = 0; n < row.n; n++)
		assert_null(frozen_decode(span_of(row.p, n), policy));
	buf_u8(&row, 0);
	assert_null(frozen_decode(buf_view(&row), policy));
	buf_cut(&row, row.n - 1);
	row.p[0]++;
	assert_null(frozen_decode(buf_view(&row), policy));
}

/* Any byte of it another one: it thaws or not, and nothing worse. */
static void test_changed(void **)
{
	CLEAN_BUF struct buf row;
	size_t n;

	buf_init(&row, LIMIT_ROW);
	make_decision();
	frozen_encode(&row, &in, &d);
	for (n = 0; n < row.n; n++) {
		row.p[n] ^= 0x41;
		frozen_free(frozen_decode(buf_view(&row), policy));
		row.p[n] ^= 0x41;
	}
}

static void test_too_many(void **)
{
	struct m_call kept = call;
	uint32_t n;

	for (n = FROZEN_HANDLES - 1; n <= FROZEN_HANDLES + 1; n++) {
		CLEAN_BUF struct buf row;
		uint32_t i;

		buf_init(&row, LIMIT_ROW);
		if (n > LIMIT_ARGS)
			break;
		call.n = n;
		for (i = 0; i < n; i++)
			call.args[i].value = SPAN_LIT("@41.name");
		frozen_encode(&row, &in, &d);
		assert_true(buf_ok(&row));
	}
	call = kept;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
