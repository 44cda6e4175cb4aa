/*
 * load_people: the owner and the other principals: who they are to each
 * provider, and where they are asked. Identities are the numbers and names that
 * a provider vouches for, never what somebody shows as a name.
 */
#include "base/str.h"
#include "policy/loader.h"

/* A number as a provider writes it; groups have a minus in front. */
static struct span number_id(struct loader *l, const struct yaml_node *n,
			     bool groups)
{
	const char *text = load_scalar(&l->l, n);
	uint64_t v;

	if (!text)
		return (struct span){ 0 };
	if (num_parse(span_str(groups && *text == '-' ? text + 1 : text), 1,
		      INT_LIMIT, &v) < 0) {
		fault(l, n,
		      "a number as the provider knows it belongs here, no "
		      "name");
		return (struct span){ 0 };
	}
	return span_str(text);
}

static struct span word_id(struct loader *l, const struct yaml_node *n)
{
	CLEAN_BUF struct buf unused;
	const char *text = load_scalar(&l->l, n), *why;

	buf_init(&unused, ID_MAX);
	if (!text)
		return (struct span){ 0 };
	why = type_canon(TYPE_ID, false, span_str(text), &unused);
	if (why)
		fault(l, n, "\"%.80s\" %s; mend or remove it", text, why);
	return span_str(text);
}

static void set_telegram(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->telegram = number_id(l, n, false);
}

static void set_slack(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->slack = word_id(l, n);
}

static void set_github(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->github = word_id(l, n);
}

static void set_email(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	struct principal *p = l->principal;
	const char *text = load_scalar(&l->l, n), *why;

	if (!text)
		return;
	why = type_canon(TYPE_EMAIL, false, span_str(text), &p->mem);
	if (why)
		fault(l, n, "\"%.80s\" %s; mend or remove it", text, why);
	else
		p->email = buf_view(&p->mem);
}

static void set_bot(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->approvals_bot = name_of(l, n);
}

static void set_chat(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->approvals_chat = number_id(l, n, true);
	l->principal->chat_at = yaml_place(n);
}

static void set_slack_bot(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->slack_bot = name_of(l, n);
}

static void set_channel(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->slack_channel = word_id(l, n);
	l->principal->channel_at = yaml_place(n);
}

static const struct load_word truth_words[] = {
	{ "true", 1, false },
	{ "false", 0, false },
};

static void set_cli(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal->cli = load_choose(&l->l, n, LOAD_TABLE(truth_words)) == 1;
}

static const struct load_rule approvals_rules[] = {
	{ { "telegram_bot", false, false,
	    "the connector that shows the cards and nothing else", "a name",
	    NULL },
	  set_bot },
	{ { "chat", false, false, "the number of the chat they are shown in",
	    "a number", NULL },
	  set_chat },
	{ { "slack_bot", false, false,
	    "the same on Slack: the connector that shows the cards and nothing "
	    "else",
	    "a name", NULL },
	  set_slack_bot },
	{ { "channel", false, false,
	    "the id of the Slack channel they are shown in, e.g. D0RAOUL",
	    "an id", NULL },
	  set_channel },
	{ { "cli", false, false, "whether `bulkhead approvals` may answer",
	    NULL, "true for the owner" },
	  set_cli,
	  LOAD_TABLE(truth_words) },
};
const struct load_schema approvals_schema = { "owner.approvals.",
					      LOAD_TABLE(approvals_rules) };

static void set_approvals(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	struct principal *p = l->principal;

	load_section(l, n, &approvals_schema);
	if (!p->approvals_bot != !p->approvals_chat.n)
		fault(l, n,
		      "\"telegram_bot\" and \"chat\" belong together: write "
		      "both, or neither");
	if (!p->slack_bot != !p->slack_channel.n)
		fault(l, n,
		      "\"slack_bot\" and \"channel\" belong together: write "
		      "both, or neither");
}

static const struct load_rule person_rules[] = {
	{ { "telegram", false, false, "the numeric id, as the API says it",
	    "a number", NULL },
	  set_telegram },
	{ { "slack", false, false, "the member id, e.g. U0RAOUL", "an id",
	    NULL },
	  set_slack },
	{ { "github", false, false, "the login", "an id", NULL }, set_github },
	{ { "email", false, false,
	    "an address to write to; mail from it never speaks for anybody",
	    "an address", NULL },
	  set_email },
	{ { "approvals", false, false, "how this person is asked", "a map",
	    NULL },
	  set_approvals },
};
const struct load_schema person_schema = { "owner.", LOAD_TABLE(person_rules) };

/* Whose press of a button counts has to be known. A private chat on Telegram
 * has the number of who it is with. */
static void check_word(struct loader *l, const struct yaml_node *n)
{
	const struct principal *p = l->principal;
	const bool group = p->approvals_chat.n && p->approvals_chat.p[0] == '-';

	if (p->approvals_bot && group && !p->telegram.n)
		fault(l, n,
		      "the approval chat is a group: add telegram, the number "
		      "of who answers there");
	if (p->approvals_bot && p->approvals_chat.n && !group && p->telegram.n &&
	    !span_eq(p->approvals_chat, p->telegram))
		load_fault(&l->l, p->chat_at,
			   "this can never match: a private chat has the "
			   "number of who it is with, which is not this one");
	if (p->slack_bot && !p->slack.n)
		fault(l, n,
		      "slack_bot: add slack, the member id of who answers "
		      "there");
}

static void load_person(struct loader *l, const struct yaml_node *n)
{
	load_section(l, n, &person_schema);
	check_word(l, n);
	if (yaml_kind(n) == YAML_MAP && !yaml_count(n))
		fault(l, n,
		      "nothing says who this is: add telegram, slack, "
		      "github or email");
}

void set_owner(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->principal = &l->p->principals[0];
	l->principal->at = yaml_place(n);
	load_person(l, n);
}

void set_principals(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "principals"))
		return;
	if (yaml_count(n) >= POLICY_PRINCIPALS) {
		fault(l, n, "more than %d principals: use fewer",
		      POLICY_PRINCIPALS - 1);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		struct principal *p = &l->p->principals[l->p->n_principals++];

		p->name = yaml_key(n, i);
		p->at = yaml_key_place(n, i);
		buf_init(&p->mem, EMAIL_MAX);
		if (check_name(l, p->at, p->name) && !strcmp(p->name, "owner"))
			load_fault(&l->l, p->at,
				   "the owner stands under owner: choose "
				   "another name");
		l->principal = p;
		load_person(l, yaml_at(n, i));
	}
}

bool principal_is(const struct principal *p, enum arg_type t, struct span v)
{
	if (t == TYPE_EMAIL)
		return p->email.n && span_eq(p->email, v);
	return (p->telegram.n && span_eq(p->telegram, v)) ||
	       (p->slack.n && span_eq(p->slack, v)) ||
	       (p->github.n && span_eq(p->github, v));
}

static bool is_name(const char *name, struct span v)
{
	return name && span_is(v, name);
}

/* As connectors take it: with its provider's name before it, or without. */
static struct span bare_chat(struct span chat)
{
	static const char *const providers[] = { "telegram:", "slack:" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(providers); i++) {
		const size_t n = strlen(providers[i]);

		if (chat.n > n && !memcmp(chat.p, providers[i], n))
			return span_of(chat.p + n, chat.n - n);
	}
	return chat;
}

/* Groups are the same chat to every bot; a person's chat is each bot's own. */
bool policy_is_approval_chat(const struct policy *p, struct span chat)
{
	size_t i;

	chat = bare_chat(chat);
	for (i = 0; i < p->n_principals; i++) {
		const struct principal *o = &p->principals[i];
		struct span own = o->approvals_chat;

		if ((own.n && own.p[0] == '-' && span_eq(own, chat)) ||
		    (o->slack_channel.n && span_eq(o->slack_channel, chat)) ||
		    is_name(o->approvals_bot, chat) ||
		    is_name(o->slack_bot, chat))
			return true;
	}
	return false;
}

struct span principal_id(const struct principal *p, unsigned via)
{
	if (via == VIA_SLACK)
		return p->slack;
	if (via != VIA_TELEGRAM || p->telegram.n)
		return via == VIA_TELEGRAM ? p->telegram
					   : (struct span){ NULL, 0 };
	return p->approvals_chat;
}

const char *principal_asked(const struct principal *p, unsigned via,
			    struct span *chat)
{
	*chat = via == VIA_SLACK ? p->slack_channel : p->approvals_chat;
	return via == VIA_SLACK	     ? p->slack_bot
	       : via == VIA_TELEGRAM ? p->approvals_bot
				     : NULL;
}

/* One person under two names would be two of a quorum. */
void check_twins(struct loader *l)
{
	static const unsigned ways[] = { VIA_TELEGRAM, VIA_SLACK };
	size_t i, k, w;

	for (i = 0; i < l->p->n_principals; i++)
		for (k = 0; k < i; k++)
			for (w = 0; w < ARRAY_SIZE(ways); w++) {
				const struct principal *p =
					&l->p->principals[i];
				struct span id = principal_id(p, ways[w]);

				if (id.n &&
				    span_eq(id, principal_id(
							&l->p->principals[k],
							ways[w])))
					load_fault(&l->l, p->at,
						   "\"%s\" is the same person "
						   "as \"%s\": one of them "
						   "has to go",
						   p->name,
						   l->p->principals[k].name);
			}
}
