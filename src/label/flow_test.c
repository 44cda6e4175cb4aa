/* flow_test: each rule against each kind of label and recipient. */
#include "base/testing.h"

#include "label/flow.h"

static struct atoms *atoms;
static uint32_t lea, max, item_a, body_a, body_b;

static uint32_t origin(const char *item, const char *field)
{
	return atoms_origin(
		atoms, &(struct atom_origin){ .connector = SPAN_LIT("imap"),
					      .account = SPAN_LIT("me"),
					      .item = span_str(item),
					      .field = span_str(field) });
}

/* What a mail of lea's is labelled with: for her and the owner. */
static struct label mail_of_lea(void)
{
	struct label l = label_of(body_a, INTEGRITY_KNOWN);

	label_restrict(&l, &lea, 1);
	return l;
}

static struct label secret(void)
{
	struct label l = label_of(body_a, INTEGRITY_KNOWN);

	label_restrict(&l, NULL, 0);
	return l;
}

static bool goes(enum flow rule, struct label l, const uint32_t *who, size_t n)
{
	struct flow_to to = { .n = n,
			      .who = who,
			      .n_items = 1,
			      .items = &item_a,
			      .atoms = atoms };

	return !flow_refuses(rule, &l, &to);
}

static void test_audience(void **)
{
	const uint32_t both[] = { lea, max }, owner = PRINCIPAL_OWNER,
		       everyone = PRINCIPAL_EVERYONE, nobody = ATOM_NONE;
	struct label open = label_of(body_a, INTEGRITY_EXTERNAL);

	assert_true(goes(FLOW_AUDIENCE, mail_of_lea(), &lea, 1));
	assert_true(goes(FLOW_AUDIENCE, mail_of_lea(), &owner, 1));
	assert_false(goes(FLOW_AUDIENCE, mail_of_lea(), &max, 1));
	assert_false(goes(FLOW_AUDIENCE, mail_of_lea(), both, 2));
	assert_false(goes(FLOW_AUDIENCE, mail_of_lea(), &everyone, 1));
	assert_false(goes(FLOW_AUDIENCE, mail_of_lea(), &nobody, 1));
	assert_false(goes(FLOW_AUDIENCE, mail_of_lea(), NULL, 0));
	assert_false(goes(FLOW_AUDIENCE, secret(), &lea, 1));
	assert_true(goes(FLOW_AUDIENCE, secret(), &owner, 1));
	assert_true(goes(FLOW_AUDIENCE, open, both, 2));
	assert_true(goes(FLOW_AUDIENCE, open, &everyone, 1));
	assert_true(goes(FLOW_AUDIENCE, open, &nobody, 1));
	assert_false(goes(FLOW_AUDIENCE, open, NULL, 0));
}

static void test_owner_only(void **)
{
	const uint32_t owner = PRINCIPAL_OWNER,
		       and_lea[] = { PRINCIPAL_OWNER, lea };

	assert_true(goes(FLOW_OWNER, secret(), &owner, 1));
	assert_false(goes(FLOW_OWNER, label_empty(), and_lea, 2));
	assert_false(goes(FLOW_OWNER, label_empty(), NULL, 0));
}

static void test_public(void **)
{
	const uint32_t owner = PRINCIPAL_OWNER;

	assert_true(goes(FLOW_PUBLIC, label_empty(), NULL, 0));
	assert_false(goes(FLOW_PUBLIC, mail_of_lea(), &owner, 1));
	assert_false(goes(FLOW_PUBLIC, secret(), &owner, 1));
}

static void test_same_thread(void **)
{
	struct label l = mail_of_lea();

	assert_true(goes(FLOW_THREAD, l, &lea, 1));
	assert_false(goes(FLOW_THREAD, l, &max, 1));
	assert_true(goes(FLOW_THREAD, l, NULL, 0));
	label_add_atom(&l, ATOM_OWNER);
	label_add_atom(&l, ATOM_CONFIG);
	label_add_atom(&l, item_a);
	assert_true(goes(FLOW_THREAD, l, &lea, 1));
	label_add_atom(&l, body_b);
	assert_false(goes(FLOW_THREAD, l, &lea, 1));
	assert_false(goes(FLOW_THREAD, secret(), &lea, 1));
	l = mail_of_lea();
	label_add_atom(&l, ATOM_NONE);
	assert_false(goes(FLOW_THREAD, l, &lea, 1));
	l = label_of(60000, INTEGRITY_KNOWN); /* a number without a name */
	assert_false(goes(FLOW_THREAD, l, &lea, 1));
}

static void test_bounds(void **)
{
	uint32_t who[FLOW_RECIPIENTS + 1], items[FLOW_THREAD_ITEMS + 1], i;
	struct label l = mail_of_lea();
	struct flow_to to = { .who = who, .items = items, .atoms = atoms };

	for (i = 0; i < ARRAY_SIZE(who); i++)
		who[i] = lea;
	for (i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = item_a;
	to.n = FLOW_RECIPIENTS;
	to.n_items = FLOW_THREAD_ITEMS;
	assert_null(flow_refuses(FLOW_AUDIENCE, &l, &to));
	assert_null(flow_refuses(FLOW_THREAD, &l, &to));
	to.n++;
	to.n_items++;
	assert_non_null(flow_refuses(FLOW_AUDIENCE, &l, &to));
	assert_non_null(flow_refuses(FLOW_OWNER, &l, &to));
	assert_non_null(flow_refuses(FLOW_THREAD, &l, &to));
	assert_non_null(flow_refuses(0, &l, &to));
	assert_non_null(flow_refuses(FLOW_MAX, &l, &to));
	assert_string_equal(flow_name(FLOW_OWNER), "owner-only");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_audience),
		cmocka_unit_test(test_owner_only),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_same_thread),
		cmocka_unit_test(test_bounds),
	};
	int r;

	atoms = atoms_new(1);
	lea = atoms_principal(atoms, SPAN_LIT("email"), SPAN_LIT("lea@x.org"));
	max = atoms_principal(atoms, SPAN_LIT("email"), SPAN_LIT("max@x.org"));
	item_a = origin("17", "");
	body_a = origin("17", "body");
	body_b = origin("18", "body");
	r = cmocka_run_group_tests_name("label/flow", tests, NULL, NULL);
	atoms_free(atoms);
	return r;
}
