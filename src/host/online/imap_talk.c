/* imap_talk: see imap_talk.h. */
#include "imap_talk.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/str.h"

enum { COMMAND_MAX = 2048 };

static void examine(struct imap_talk *t);
static void next_row(struct imap_talk *t);

int imap_talk_init(struct imap_talk *t, const struct imap_hooks *hooks,
		   const char *user, const struct secret *secret,
		   const char *folder)
{
	*t = (struct imap_talk){ .hooks = *hooks,
				 .user = user,
				 .secret = secret };
	imap_reader_init(&t->reader);
	return imap_folder(folder, t->folder);
}

void imap_talk_done(struct imap_talk *t)
{
	imap_reader_done(&t->reader);
	secret_wipe(&t->answer);
}

static void say(struct imap_talk *t, const char *text)
{
	t->hooks.send(t->hooks.arg, span_str(text));
}

static void command(struct imap_talk *t, enum imap_step step, const char *text)
{
	char line[COMMAND_MAX];

	t->step = step;
	t->tag++;
	if (str_printf(line, sizeof(line), "A%u %s\r\n", t->tag, text) < 0)
		t->why = "a command is too long";
	else
		say(t, line);
}

static int stop(struct imap_talk *t, const char *why)
{
	t->why = why;
	return -1;
}

void imap_talk_start(struct imap_talk *t)
{
	command(t, IMAP_STEP_CAPABILITY, "CAPABILITY");
}

/* --- the folder's name: modified UTF-7 --- */

/* A well-formed character at *s. */
static uint32_t take_char(const uint8_t **s)
{
	const uint8_t *p = *s;
	uint32_t c = p[0];
	int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	int i;

	if (more)
		c &= 0x3fU >> more;
	for (i = 1; i <= more; i++)
		c = c << 6 | (p[i] & 0x3f);
	*s = p + more + 1;
	return c;
}

static void put_unit(struct buf *b, uint32_t unit)
{
	buf_u8(b, (uint8_t)(unit >> 8));
	buf_u8(b, (uint8_t)unit);
}

/* "&" base64 of UTF-16 with "," for "/", without padding, "-" */
static void put_shifted(struct buf *b, const uint8_t **s)
{
	CLEAN_BUF struct buf units;
	unsigned char text[IMAP_FOLDER * 2];
	int i, n;

	buf_init(&units, IMAP_FOLDER);
	while (**s >= 0x80) {
		uint32_t c = take_char(s);

		if (c >= 0x10000) {
			put_unit(&units, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(&units, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			put_unit(&units, c);
		}
	}
	if (!buf_ok(&units)) {
		b->bad = true;
		return;
	}
	n = EVP_EncodeBlock(text, units.p, (int)units.n);
	buf_u8(b, '&');
	for (i = 0; i < n && text[i] != '='; i++)
		buf_u8(b, text[i] == '/' ? ',' : text[i]);
	buf_u8(b, '-');
}

int imap_folder(const char *name, char ret[IMAP_FOLDER])
{
	const uint8_t *s = (const uint8_t *)name;
	CLEAN_BUF struct buf b;

	buf_init(&b, IMAP_FOLDER - 1);
	if (!*s || !utf8_valid(span_str(name)))
		return -1;
	buf_u8(&b, '"');
	while (*s) {
		if (*s >= 0x80) {
			put_shifted(&b, &s);
			continue;
		}
		if (*s < 0x20 || *s == 0x7f)
			return -1;
		if (*s == '"' || *s == '\\')
			buf_u8(&b, '\\');
		buf_u8(&b, *s);
		if (*s == '&')
			buf_u8(&b, '-');
		s++;
	}
	buf_u8(&b, '"');
	return buf_ok(&b) ? str_copy(ret, IMAP_FOLDER, buf_view(&b)) : -1;
}

/* --- login --- */

/* base64 of head, secret and tail into t->answer. */
static int make_answer(struct imap_talk *t, struct span head, const char *tail)
{
	struct span key = secret_view(t->secret);
	struct span end = span_str(tail);
	struct secret plain = { 0 };
	size_t n = head.n + key.n + end.n;
	int r = secret_room(&plain, n + 1);

	if (r == 0)
		r = secret_room(&t->answer, (n + 2) / 3 * 4 + 1);
	if (r == 0) {
		memcpy(plain.p, head.p, head.n);
		memcpy(plain.p + head.n, key.p, key.n);
		memcpy(plain.p + head.n + key.n, end.p, end.n);
		t->answer.n =
			(size_t)EVP_EncodeBlock(t->answer.p, plain.p, (int)n);
	}
	secret_wipe(&plain);
	return r;
}

static void send_answer(struct imap_talk *t)
{
	t->hooks.send(t->hooks.arg, secret_view(&t->answer));
	say(t, "\r\n");
	secret_wipe(&t->answer);
}

static int authenticate(struct imap_talk *t, const char *mechanism,
			struct span head, const char *tail)
{
	char line[COMMAND_MAX];

	if (make_answer(t, head, tail) < 0)
		return stop(t, "the credential is too long");
	if (!t->sasl_ir) {
		(void)str_printf(line, sizeof(line), "AUTHENTICATE %s",
				 mechanism);
		command(t, IMAP_STEP_LOGIN, line);
		return 0;
	}
	t->step = IMAP_STEP_LOGIN;
	t->tag++;
	(void)str_printf(line, sizeof(line), "A%u AUTHENTICATE %s ", t->tag,
			 mechanism);
	say(t, line);
	send_answer(t);
	return 0;
}

static bool quotable(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] >= 0x7f)
			return false;
	return true;
}

/* Into ret, which has room. */
static void put_quoted(struct secret *ret, struct span s)
{
	size_t i;

	ret->p[ret->n++] = '"';
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			ret->p[ret->n++] = '\\';
		ret->p[ret->n++] = s.p[i];
	}
	ret->p[ret->n++] = '"';
}

/* LOGIN "user" "password", for servers without SASL. */
static int plain_login(struct imap_talk *t)
{
	struct span user = span_str(t->user), key = secret_view(t->secret);
	struct secret line = { 0 };
	char head[32];

	if (t->no_login || !quotable(user) || !quotable(key))
		return stop(t, "the server has no login that is known");
	if (secret_room(&line, 2 * (user.n + key.n) + 8) < 0)
		return stop(t, "the credential is too long");
	put_quoted(&line, user);
	line.p[line.n++] = ' ';
	put_quoted(&line, key);
	line.p[line.n++] = '\r';
	line.p[line.n++] = '\n';
	t->step = IMAP_STEP_LOGIN;
	t->tag++;
	(void)str_printf(head, sizeof(head), "A%u LOGIN ", t->tag);
	say(t, head);
	t->hooks.send(t->hooks.arg, secret_view(&line));
	secret_wipe(&line);
	return 0;
}

static int login(struct imap_talk *t)
{
	char head[COMMAND_MAX];
	int n;

	if (t->xoauth2) {
		n = str_printf(head, sizeof(head), "user=%s\001auth=Bearer ",
			       t->user);
		if (!t->bearer || n < 0)
			return stop(t, "the server has no XOAUTH2");
		return authenticate(t, "XOAUTH2", span_of(head, (size_t)n),
				    "\001\001");
	}
	if (!t->plain)
		return plain_login(t);
	n = str_printf(head, sizeof(head), "%c%s%c", 0, t->user, 0);
	if (n < 0)
		return stop(t, "the user's name is too long");
	return authenticate(t, "PLAIN", span_of(head, (size_t)n), "");
}

static void take_capabilities(struct imap_talk *t, struct span list)
{
	t->idle = imap_has_word(list, "IDLE");
	t->sasl_ir = imap_has_word(list, "SASL-IR");
	t->plain = imap_has_word(list, "AUTH=PLAIN");
	t->bearer = imap_has_word(list, "AUTH=XOAUTH2");
	t->no_login = imap_has_word(list, "LOGINDISABLED");
}

/* --- what is new --- */

static void examine(struct imap_talk *t)
{
	char line[COMMAND_MAX];

	t->validity = t->next = 0;
	t->news = false;
	(void)str_printf(line, sizeof(line), "EXAMINE %s", t->folder);
	command(t, IMAP_STEP_EXAMINE, line);
}

static void rest(struct imap_talk *t)
{
	if (t->news)
		examine(t);
	else if (t->idle)
		command(t, IMAP_STEP_IDLE, "IDLE");
	else
		t->step = IMAP_STEP_REST;
}

/* The next part of what is not seen to yet. */
static void list(struct imap_talk *t)
{
	uint32_t last = t->next - 1;
	char line[COMMAND_MAX];

	t->n_rows = t->row = 0;
	t->overflow = false;
	if (t->after >= last) {
		rest(t);
		return;
	}
	t->end = last - t->after > t->window ? t->after + t->window : last;
	(void)str_printf(line, sizeof(line),
			 "UID FETCH %u:%u (UID RFC822.SIZE)", t->after + 1,
			 t->end);
	command(t, IMAP_STEP_LIST, line);
}

static int selected(struct imap_talk *t)
{
	if (!t->validity || !t->next)
		return stop(t, "the server does not say its UIDs");
	t->after = t->hooks.selected(t->hooks.arg, t->validity, t->next);
	t->window = IMAP_ROWS;
	t->hooks.ready(t->hooks.arg);
	list(t);
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	const struct imap_row *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static void take_row(struct imap_talk *t, const struct imap_response *r)
{
	/* A server may tell of others, and of flags, at any time. */
	if (!r->uid || !r->have_size || r->uid <= t->after || r->uid > t->end)
		return;
	if (t->n_rows == IMAP_ROWS) {
		t->overflow = true;
		return;
	}
	t->rows[t->n_rows++] = (struct imap_row){ r->uid, r->size };
}

/* A wide part with more in it than fits is listed again, narrower; one with
 * nothing in it makes the next one wider. */
static void listed(struct imap_talk *t)
{
	if (t->overflow && t->window > IMAP_ROWS) {
		t->window = IMAP_ROWS;
		list(t);
		return;
	}
	if (!t->n_rows)
		t->window =
			t->window > UINT32_MAX / 2 ? UINT32_MAX : t->window * 2;
	else
		qsort(t->rows, t->n_rows, sizeof(t->rows[0]), by_uid);
	next_row(t);
}

static void row_done(struct imap_talk *t)
{
	t->after = t->rows[t->row++].uid;
}

/* From where the rows are, to the next that is to be fetched. */
static void next_row(struct imap_talk *t)
{
	char line[COMMAND_MAX];

	for (; t->row < t->n_rows; row_done(t)) {
		const struct imap_row *row = &t->rows[t->row];

		if (row->uid <= t->after ||
		    !t->hooks.wants(t->hooks.arg, row->uid))
			continue;
		if (row->size > LIMIT_ITEM) {
			t->hooks.skip(t->hooks.arg, row->uid,
				      "it is larger than a message may be");
			continue;
		}
		if (!t->hooks.room(t->hooks.arg)) {
			t->step = IMAP_STEP_FULL;
			return;
		}
		t->had_body = false;
		(void)str_printf(line, sizeof(line),
				 "UID FETCH %u (UID BODY.PEEK[])", row->uid);
		command(t, IMAP_STEP_FETCH, line);
		return;
	}
	t->after = t->end;
	t->hooks.scanned(t->hooks.arg, t->end);
	list(t);
}

/* What is quoted, without its backslashes. */
static void unquote(struct buf *b, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		buf_u8(b, s.p[i]);
	}
}

static void take_body(struct imap_talk *t, const struct imap_response *r)
{
	CLEAN_BUF struct buf quoted;
	struct span bytes = buf_view(&t->reader.literal);
	uint32_t uid;

	buf_init(&quoted, IMAP_LINE);
	if (t->had_body || t->later)
		return;
	uid = t->rows[t->row].uid;
	if (r->uid != uid || !r->have_body)
		return;
	if (!r->body_literal) {
		unquote(&quoted, r->body);
		bytes = buf_view(&quoted);
	}
	t->had_body = t->hooks.mail(t->hooks.arg, uid, bytes);
	t->later = !t->had_body;
	if (t->had_body)
		row_done(t);
}

static int fetched(struct imap_talk *t, enum imap_status status)
{
	uint32_t uid;

	if (t->had_body) {
		next_row(t);
		return 0;
	}
	if (t->later) {
		t->later = false;
		t->step = IMAP_STEP_FULL;
		return 0;
	}
	uid = t->rows[t->row].uid;
	if (status == IMAP_OK) {
		t->hooks.skip(t->hooks.arg, uid, NULL);
	} else if (t->hooks.failed(t->hooks.arg, uid)) {
		t->hooks.skip(t->hooks.arg, uid, "the server does not give it");
	} else {
		return stop(t, "the server does not give a mail");
	}
	row_done(t);
	next_row(t);
	return 0;
}

/* --- what comes --- */

static int on_data(struct imap_talk *t, const struct imap_response *r)
{
	if (r->status == IMAP_BYE)
		return stop(t, "the server says goodbye");
	if (r->status == IMAP_OK && t->step == IMAP_STEP_EXAMINE) {
		(void)imap_code_number(r->code, "UIDVALIDITY", &t->validity);
		(void)imap_code_number(r->code, "UIDNEXT", &t->next);
		return 0;
	}
	if (imap_has_word(r->name, "CAPABILITY"))
		take_capabilities(t, r->text);
	else if (imap_has_word(r->name, "EXISTS") &&
		 t->step != IMAP_STEP_EXAMINE)
		t->news = true;
	else if (imap_has_word(r->name, "FETCH") && t->step == IMAP_STEP_LIST)
		take_row(t, r);
	else if (imap_has_word(r->name, "FETCH") && t->step == IMAP_STEP_FETCH)
		take_body(t, r);
	if (t->news && t->step == IMAP_STEP_IDLE && t->idling)
		imap_talk_tick(t);
	return 0;
}

static int on_continue(struct imap_talk *t)
{
	if (t->step == IMAP_STEP_IDLE && !t->idling) {
		t->idling = true;
		if (t->news)
			imap_talk_tick(t);
		return 0;
	}
	if (t->step != IMAP_STEP_LOGIN)
		return stop(t, "the server asks for what there is not");
	if (t->answer.p)
		send_answer(t);
	else
		/* XOAUTH2 tells of its error so, and waits for a line. */
		say(t, "\r\n");
	return 0;
}

static int on_login(struct imap_talk *t, const struct imap_response *r)
{
	secret_wipe(&t->answer);
	if (r->status == IMAP_OK) {
		/* Some of it they tell to those who are known alone. */
		t->in = true;
		imap_talk_start(t);
		return 0;
	}
	/* "Come back later" is not "no". */
	t->refused = !imap_has_word(r->code, "UNAVAILABLE") &&
		     !imap_has_word(r->code, "LIMIT");
	return stop(t, t->refused ? "the server does not take the credential"
				  : "the server has no login at present");
}

static int on_tagged(struct imap_talk *t, const struct imap_response *r)
{
	char tag[16];
	bool ok = r->status == IMAP_OK;

	(void)str_printf(tag, sizeof(tag), "A%u", t->tag);
	if (!span_is(r->tag, tag))
		return stop(t, "the server answers what was not asked");
	if (!ok && t->step != IMAP_STEP_LOGIN && t->step != IMAP_STEP_FETCH &&
	    t->step != IMAP_STEP_IDLE)
		return stop(t, t->step == IMAP_STEP_EXAMINE
				       ? "the server does not open the folder"
				       : "the server refuses a command");
	switch (t->step) {
	case IMAP_STEP_CAPABILITY:
		if (!t->in)
			return login(t);
		examine(t);
		return 0;
	case IMAP_STEP_LOGIN:
		return on_login(t, r);
	case IMAP_STEP_EXAMINE:
		return selected(t);
	case IMAP_STEP_LIST:
		listed(t);
		return 0;
	case IMAP_STEP_FETCH:
		return fetched(t, r->status);
	case IMAP_STEP_IDLE:
		/* It ends what was not to be ended, or never began. */
		t->idle = t->idling;
		t->idling = false;
		examine(t);
		return 0;
	case IMAP_STEP_DONE:
		t->idling = false;
		examine(t);
		return 0;
	case IMAP_STEP_NOOP:
		t->step = IMAP_STEP_FULL;
		imap_talk_room(t);
		return 0;
	case IMAP_STEP_FULL:
	case IMAP_STEP_NEW:
	case IMAP_STEP_REST:
		break;
	}
	return stop(t, "the server answers what was not asked");
}

static int on_response(struct imap_talk *t)
{
	struct imap_response r;
	int ret = -1;

	if (imap_parse(buf_view(&t->reader.line), t->reader.have_literal, &r) <
	    0)
		return stop(t, "the server says what is not IMAP");
	switch (r.kind) {
	case IMAP_CONTINUE:
		ret = on_continue(t);
		break;
	case IMAP_TAGGED:
		ret = on_tagged(t, &r);
		break;
	case IMAP_UNTAGGED:
		ret = on_data(t, &r);
		break;
	}
	return t->why ? -1 : ret;
}

int imap_talk_bytes(struct imap_talk *t, struct span in)
{
	while (in.n) {
		switch (imap_reader_next(&t->reader, &in)) {
		case IMAP_MORE:
			break;
		case IMAP_RESPONSE:
			if (on_response(t) < 0)
				return -1;
			break;
		case IMAP_TOO_LARGE:
			/* It said that it was smaller. What comes now is not
			 * worth reading to its end. */
			if (t->step == IMAP_STEP_FETCH && !t->had_body &&
			    !t->later)
				t->hooks.skip(t->hooks.arg, t->rows[t->row].uid,
					      "it is larger than a message may "
					      "be");
			return stop(t, "the server sends more than it said");
		case IMAP_BAD_LINE:
		case IMAP_BAD_LITERAL:
			return stop(t, "the server says what is not IMAP");
		}
	}
	return 0;
}

void imap_talk_room(struct imap_talk *t)
{
	if (t->step == IMAP_STEP_FULL)
		next_row(t);
}

void imap_talk_tick(struct imap_talk *t)
{
	if (t->step == IMAP_STEP_IDLE && t->idling) {
		t->step = IMAP_STEP_DONE;
		say(t, "DONE\r\n");
	} else if (t->step == IMAP_STEP_REST) {
		examine(t);
	} else if (t->step == IMAP_STEP_FULL) {
		command(t, IMAP_STEP_NOOP, "NOOP");
	}
}

enum imap_waits imap_talk_waits(const struct imap_talk *t)
{
	if (t->step == IMAP_STEP_IDLE && t->idling)
		return IMAP_WAITS_IDLE;
	if (t->step == IMAP_STEP_REST)
		return IMAP_WAITS_REST;
	return t->step == IMAP_STEP_FULL ? IMAP_WAITS_ROOM : IMAP_WAITS_SERVER;
}
