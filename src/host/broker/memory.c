/*
 * memory: what a planner has kept for later tasks: notes, each under a name and
 * with the label that it had when it was written. What a stranger had a hand in
 * stays a stranger's, whichever task reads it: a planner that is shown such a
 * note is as tainted as by the message that it was made of.
 *
 * The policy decides on memory.put, memory.get, memory.list and memory.forget
 * like on any call; what it allows is done here, and no connector hears of it.
 * Beyond the policy, a task that is trusted less than a note neither replaces
 * nor forgets it, and what is of the owner and nobody else has places of its
 * own: no note of that kind is lost to a hostile message.
 *
 * A result tells of notes that the planner has not seen, and one by a handle of
 * what the handle stands for: both are counted as influence, and the second
 * taints (session_hidden).
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "host/broker/memory.h"
#include "host/broker/note.h"
#include "host/broker/session.h"

enum {
	FROM_MAX = 4 << 10,   /* of a label, for people */
	LIST_MAX = 24 << 10,  /* bytes of what memory.list says */
	TEXT_ROOM = LIST_MAX, /* of any result */
};

/* One call, as it was allowed. */
struct work {
	struct broker *b;
	struct session *s;
	const struct decision *d;
	uint64_t task;
	struct span name;
	struct label label; /* of what the call says, and of who makes it */
	struct memory_result *ret;
};

/* What there is. */
struct count {
	uint32_t n, others;
	struct span name; /* is looked for */
	bool all;	  /* and all are counted */
	bool found;
	struct buf copy; /* of its row */
};

static bool count_row(void *arg, struct span key, struct span value)
{
	struct count *c = arg;
	struct note n;

	c->n++;
	c->others +=
		note_decode(value, &n) < 0 || n.integrity < INTEGRITY_OWNER;
	if (!span_eq(key, c->name))
		return true;
	c->found = true;
	buf_span(&c->copy, value);
	return c->all;
}

/* True: there is a note of that name, and *note is it. A row that nobody can
 * read is none. */
static bool look(struct broker *b, struct span name, struct count *c,
		 struct note *note)
{
	c->name = name;
	buf_init(&c->copy, NOTE_MAX);
	(void)keep_rows(b, ROW_MEMORY, count_row, c);
	return c->found && buf_ok(&c->copy) &&
	       note_decode(buf_view(&c->copy), note) == 0;
}

static void say(struct work *w, bool done, const char *why)
{
	w->ret->done = done;
	w->ret->why = why;
}

static const struct decide_arg *arg_of(const struct decision *d,
				       const char *name)
{
	uint32_t i;

	for (i = 0; i < d->n; i++)
		if (span_is(d->args[i].name, name))
			return &d->args[i];
	return NULL;
}

static void put(struct work *w)
{
	const struct decide_arg *text = arg_of(w->d, "text");
	CLEAN_BUF struct buf label, row;
	struct count c = { .all = true };
	struct note n;

	buf_init(&label, NOTE_LABEL_MAX);
	buf_init(&row, NOTE_MAX);
	label_encode(&label, &w->label, session_atoms(w->s));
	if (look(w->b, w->name, &c, &n) && n.integrity > w->label.integrity)
		say(w, false,
		    "there is a note of that name that is trusted more than "
		    "this task, which cannot replace it");
	else if (!c.found && c.n >= MEMORY_NOTES)
		say(w, false, "there is no room: forget a note");
	else if (w->label.integrity < INTEGRITY_OWNER &&
		 c.others >= MEMORY_OTHERS && !c.found)
		say(w, false,
		    "there is no room for notes of what others wrote: forget "
		    "one");
	else
		say(w, true, "kept");
	buf_done(&c.copy);
	if (!w->ret->done || !text)
		return;
	n = (struct note){ .kept_s = wall_s(),
			   .task = w->task,
			   .integrity = w->label.integrity,
			   .bits = session_influence(w->s),
			   .label = buf_view(&label),
			   .text = text->value };
	note_encode(&row, &n);
	if (!buf_ok(&label) || !buf_ok(&row))
		say(w, false, "it is longer than a note may be");
	else if (!keep_row(w->b, ROW_MEMORY, w->name, buf_view(&row), false))
		say(w, false, w->b->keep_why);
}

static void give_handle(struct work *w, const struct note *n,
			const struct label *l)
{
	const struct handle *h;

	if (session_note(w->s, n->text, l, &h) < 0) {
		say(w, false, "this task has no room for another handle");
		return;
	}
	buf_printf(&w->ret->text, "{\"$ref\": \"@%u\"}", h->id);
	say(w, true, "a handle of it, which stands for its text in arguments");
}

static void get(struct work *w)
{
	const struct decide_arg *as = arg_of(w->d, "as");
	struct count c = { 0 };
	struct label l;
	struct note n;

	if (!look(w->b, w->name, &c, &n)) {
		say(w, false, "there is no such note");
	} else if (session_label(w->s, n.label, &l) < 0) {
		say(w, false, "its label cannot be read: it is of no use");
		buf_done(&c.copy);
		return;
	} else if (as && span_is(as->value, "handle")) {
		give_handle(w, &n, &l);
	} else {
		session_saw(w->s, n.text, &l);
		buf_span(&w->ret->text, n.text);
		say(w, true, "as it was written");
	}
	if (w->ret->done) {
		session_influenced(w->s, n.bits);
		label_join(&w->label, &l);
	}
	buf_done(&c.copy);
}

struct listing {
	struct work *w;
	json_t *notes;
	bool all;
	size_t bytes;
	uint64_t others, cut;
};

static void list_one(struct listing *l, struct span name, const struct note *n)
{
	char kept[32];
	CLEAN_BUF struct buf when;

	buf_init(&when, sizeof(kept));
	type_put_datetime(&when, (int64_t)n->kept_s);
	buf_u8(&when, 'Z');
	/* Each of its bytes may be escaped. */
	l->bytes += 2 * name.n + 100;
	if (l->bytes > LIST_MAX) {
		l->cut++;
		return;
	}
	(void)json_array_append_new(
		l->notes,
		json_pack("{s:s%, s:I, s:s}", "name", name.p, name.n, "bytes",
			  (json_int_t)n->text.n, "kept", buf_cstr(&when)));
}

/* Names are words, too: those that would taint the task are only counted,
 * unless it wants them. */
static bool list_row(void *arg, struct span key, struct span value)
{
	struct listing *l = arg;
	struct label label;
	struct note n;

	if (note_decode(value, &n) < 0 ||
	    session_label(l->w->s, n.label, &label) < 0 ||
	    (!l->all && !session_bears(l->w->s, &label))) {
		l->others++;
		return true;
	}
	session_saw(l->w->s, key, &label);
	session_influenced(l->w->s, n.bits);
	label_join(&l->w->label, &label);
	list_one(l, key, &n);
	return true;
}

static void list(struct work *w)
{
	const struct decide_arg *all = arg_of(w->d, "all");
	struct listing l = { .w = w,
			     .notes = json_array(),
			     .all = all && span_is(all->value, "true") };
	json_t *v;
	char *text;

	(void)keep_rows(w->b, ROW_MEMORY, list_row, &l);
	session_told(w->s, l.others + 1);
	v = json_pack("{s:o, s:I, s:I}", "notes", l.notes, "others",
		      (json_int_t)l.others, "cut", (json_int_t)l.cut);
	text = json_dumps(v, JSON_COMPACT);
	json_decref(v);
	if (text)
		buf_str(&w->ret->text, text);
	say(w, text,
	    text ? "others: notes of what strangers wrote, which "
		   "{\"all\": true} lists, too"
		 : "out of memory");
	free(text);
}

static void forget(struct work *w)
{
	struct count c = { 0 };
	struct note n;
	const bool ok = look(w->b, w->name, &c, &n);

	buf_done(&c.copy);
	if (!c.found) {
		say(w, false, "there is no such note");
	} else if (ok && n.integrity > w->label.integrity) {
		say(w, false,
		    "that note is trusted more than this task, which cannot "
		    "forget it");
	} else if (!keep_row_forget(w->b, ROW_MEMORY, w->name)) {
		say(w, false, w->b->keep_why);
	} else {
		say(w, true, "forgotten");
	}
}

static void record(struct work *w, uint64_t index, const struct msg_ids *ids)
{
	CLEAN_BUF struct buf from;
	char why[ASIDE_REASON];

	buf_init(&from, FROM_MAX);
	label_text(&from, &w->label, session_atoms(w->s));
	audit_begin(&w->b->record, "memory", ids);
	audit_int(&w->b->record, "decision", index);
	audit_bool(&w->b->record, "done", w->ret->done);
	audit_str(&w->b->record, "what",
		  span_str(aside_reason(why, w->ret->why)));
	audit_str(&w->b->record, "from",
		  buf_ok(&from) ? buf_view(&from) : SPAN_LIT("many"));
	(void)broker_audit(w->b, NULL);
}

/* What comes of a call tells of the values that it is about. */
static void hide(struct work *w)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < w->d->n; i++)
		any |= !span_is(w->d->args[i].name, "text") &&
		       w->d->resolved.values[w->d->args[i].value_index].hidden;
	if (any)
		session_hidden(w->s, &w->b->in.call);
}

void memory_do(struct broker *b, const struct task *t, enum memory_op op,
	       uint64_t index, struct memory_result *ret)
{
	struct work w = { .b = b,
			  .s = t->session,
			  .d = &b->decision,
			  .task = t->id,
			  .ret = ret };
	const struct decide_arg *name = arg_of(w.d, "name");
	struct msg_ids ids = task_ids(b, t);
	uint32_t i;

	buf_init(&ret->text, TEXT_ROOM + MEMORY_TEXT_MAX);
	w.label = *session_pc(t->session);
	for (i = 0; i < w.d->n; i++)
		label_join(
			&w.label,
			&w.d->resolved.values[w.d->args[i].value_index].label);
	if (name)
		w.name = name->value;
	hide(&w);
	if (op != MEMORY_LIST)
		session_told(w.s, 2);
	if (op == MEMORY_LIST)
		list(&w);
	else if (!w.name.n)
		say(&w, false, "a note has a name");
	else if (op == MEMORY_PUT)
		put(&w);
	else if (op == MEMORY_GET)
		get(&w);
	else
		forget(&w);
	record(&w, index, &ids);
}

/* --- the owner's --------------------------------------------------------- */

#define NO_NOTE "there is no note of that name: `bulkhead memory list` has them"

struct telling {
	struct broker *b;
	struct peer *control;
	struct atoms *atoms;
	struct span name; /* empty: all */
	bool text;
};

static bool tell_row(void *arg, struct span key, struct span value)
{
	struct telling *t = arg;
	CLEAN_BUF struct buf from;
	struct m_c_note m = { .name = key };
	struct label label;
	struct note n = { 0 };

	buf_init(&from, FROM_MAX);
	if (t->name.n && !span_eq(t->name, key))
		return true;
	if (note_decode(value, &n) < 0 ||
	    label_decode(n.label, t->atoms, &label) < 0)
		buf_str(&from, "damaged");
	else
		label_text(&from, &label, t->atoms);
	m.kept_s = n.kept_s;
	m.task = n.task;
	m.bytes = n.text.n;
	m.from = buf_ok(&from) ? buf_view(&from) : SPAN_LIT("many");
	if (t->text)
		m.text = n.text;
	t->b->out.type = MSG_C_NOTE;
	t->b->out.ids = t->b->ids;
	t->b->out.c_note = m;
	peer_send(t->b, t->control, NULL, 0);
	return t->control->kind != PEER_NONE;
}

void memory_tell(struct broker *b, struct peer *control)
{
	char name[MEMORY_NAME_MAX + 1];
	struct telling t = { .b = b,
			     .control = control,
			     .atoms = atoms_new(0) };

	if (!t.atoms)
		die("out of memory");
	if (str_copy(name, sizeof(name), b->in.c_memory.name) < 0) {
		answer_fail(b, control, NO_NOTE);
	} else {
		t.name = span_str(name);
		t.text = name[0];
		if (keep_rows(b, ROW_MEMORY, tell_row, &t))
			answer_ok(b, control);
	}
	atoms_free(t.atoms);
}

static bool first_key(void *arg, struct span key, struct span)
{
	struct buf *b = arg;

	buf_span(b, key);
	return false;
}

/* One, or one after the other until there is none. */
static bool erase(struct broker *b, struct span name)
{
	CLEAN_BUF struct buf key;
	bool ok = true;

	buf_init(&key, LIMIT_ROW_KEY);
	if (name.n)
		return keep_row_forget(b, ROW_MEMORY, name);
	while (ok && !keep_rows(b, ROW_MEMORY, first_key, &key)) {
		ok = keep_row_forget(b, ROW_MEMORY, buf_view(&key));
		buf_cut(&key, 0);
	}
	return ok;
}

static void record_erasure(struct broker *b, const char *kind, bool all,
			   uint64_t task, uint64_t notes)
{
	audit_begin(&b->record, kind, &b->ids);
	audit_int(&b->record, "notes", notes);
	audit_bool(&b->record, "all", all);
	if (task)
		audit_int(&b->record, "kept_by", task);
	(void)broker_audit(b, NULL);
}

void memory_erase(struct broker *b, struct peer *control)
{
	char name[MEMORY_NAME_MAX + 1];
	const bool all = b->in.c_memory.all;
	struct count c = { .all = all };
	struct note n = { 0 };

	if (str_copy(name, sizeof(name), b->in.c_memory.name) < 0 ||
	    all != !name[0]) {
		answer_fail(b, control, "the name of a note, or all of them");
		return;
	}
	if (!look(b, span_str(name), &c, &n))
		n.task = 0;
	buf_done(&c.copy);
	if (!all && !c.found) {
		answer_fail(b, control, NO_NOTE);
		return;
	}
	/* On record first: none is gone without. */
	record_erasure(b, "memory.erase", all, n.task, all ? c.n : 1);
	if (erase(b, span_str(name))) {
		answer_ok(b, control);
		return;
	}
	record_erasure(b, "memory.erase.failed", all, n.task, 0);
	answer_fail(b, control, b->keep_why);
}
