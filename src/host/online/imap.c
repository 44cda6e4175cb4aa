/*
 * imap: the mails of one folder, each given once. The conversation is
 * imap_talk's, what is seen to imap_place's; here are the link, the clocks and
 * the items. The folder is opened so that nothing in it can be changed.
 *
 * Which mails: with `first: next` those that come after the first start, with
 * `first: all` those that are there as well. A folder that got other UIDs
 * (UIDVALIDITY) is taken as at a first start, and that is put on record.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "imap_place.h"
#include "imap_talk.h"
#include "place.h"
#include "run.h"
#include "token.h"

enum {
	PORT_TLS = 993,
	OUT_MAX = 4,	     /* given, and not in the queue yet */
	ANSWER_MS = 90000,   /* without a byte of an answer that must come */
	IDLE_MS = 1500000,   /* RFC 2177: at least every 29 minutes */
	ROOM_MS = 240000,    /* between words while there is no room */
	SHORT_MS = 1000,     /* after the host had no room for a mail */
	SAVE_MS = 200,	     /* verdicts of so long are written together */
	REFUSED_MS = 300000, /* a credential is tried again after */
	FAILS = 3,	     /* a mail that is not given so often is passed */
	KEY_ROOM = 32,
};

static const char place_name[] = "imap";

struct imap {
	struct online *o;
	struct imap_talk talk;
	bool talking; /* `talk` is made */
	struct imap_place place;
	struct token token;
	bool renewed; /* the token, since the last login that was taken */
	struct net_job *link;
	struct retry retry;
	int watch; /* timer: of the conversation, or the next link */
	int save;  /* timer: the place is to be written */
	int room;  /* timer: the host may have room again */
	uint32_t failed_uid;
	uint32_t fails;
};

static void connect_now(void *arg);

/* --- the place ------------------------------------------------------------ */

static int write_place(struct imap *i)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, PLACE_MAX);
	imap_place_write(&i->place, &b);
	return buf_ok(&b) ? place_save(i->o->state, place_name, buf_view(&b))
			  : -ENOMEM;
}

static void on_save(void *arg)
{
	struct imap *i = arg;
	int r = write_place(i);

	i->save = -1;
	if (r < 0) {
		log_error("place", "account=%s error=%s", i->o->name,
			  strerrorname_np(-r));
		online_end(i->o, r);
	}
}

static void save_soon(struct imap *i)
{
	if (i->save < 0)
		i->save = loop_timer(&i->o->loop, SAVE_MS, on_save, i);
	if (i->save < 0)
		online_end(i->o, i->save);
}

static int read_place(struct imap *i)
{
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, PLACE_MAX);
	r = place_load(i->o->state, place_name, &b);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : imap_place_read(&i->place, buf_view(&b));
}

static void key_of(const struct imap *i, uint32_t uid, char ret[KEY_ROOM])
{
	(void)str_printf(ret, KEY_ROOM, "%u.%u", i->place.validity, uid);
}

/* --- the clocks ----------------------------------------------------------- */

static void set_watch(struct imap *i, uint64_t ms, loop_timer_fn fn)
{
	loop_timer_del(&i->o->loop, i->watch);
	i->watch = loop_timer(&i->o->loop, ms, fn, i);
	if (i->watch < 0)
		online_end(i->o, i->watch);
}

static void unlink_now(struct imap *i)
{
	net_cancel(i->link);
	i->link = NULL;
	if (i->talking)
		imap_talk_done(&i->talk);
	i->talking = false;
}

static void try_later(struct imap *i, const char *why, bool refused)
{
	uint64_t ms = retry_failed(&i->retry, refused ? REFUSED_MS : 0);

	online_link(i->o, refused ? ACCOUNT_REFUSED : ACCOUNT_WAITING, why, ms);
	unlink_now(i);
	set_watch(i, ms, connect_now);
}

static void on_watch(void *arg);

static void watch(struct imap *i)
{
	switch (imap_talk_waits(&i->talk)) {
	case IMAP_WAITS_SERVER:
		set_watch(i, ANSWER_MS, on_watch);
		break;
	case IMAP_WAITS_IDLE:
		set_watch(i, IDLE_MS, on_watch);
		break;
	case IMAP_WAITS_ROOM:
		set_watch(i, ROOM_MS, on_watch);
		break;
	case IMAP_WAITS_REST:
		set_watch(i, (uint64_t)i->o->set.poll_s * 1000, on_watch);
		break;
	}
}

static void on_watch(void *arg)
{
	struct imap *i = arg;

	i->watch = -1;
	if (imap_talk_waits(&i->talk) == IMAP_WAITS_SERVER) {
		try_later(i, "the server does not answer", false);
		return;
	}
	imap_talk_tick(&i->talk);
	watch(i);
}

/* --- what the conversation asks ------------------------------------------- */

static void do_send(void *arg, struct span bytes)
{
	struct imap *i = arg;

	/* A link that cannot take it is met by its own end, or by the watch. */
	if (net_send(i->link, bytes) < 0)
		log_warn("link", "account=%s text=it takes no more",
			 i->o->name);
}

static uint32_t do_selected(void *arg, uint32_t validity, uint32_t next)
{
	struct imap *i = arg;
	bool first = !i->place.validity;
	char key[KEY_ROOM];
	int r;

	if (i->place.validity == validity)
		return i->place.high;
	r = imap_place_begin(&i->place, validity, i->o->set.all ? 0 : next - 1);
	/* What comes from now on is not to be missed by a restart. */
	if (r == 0)
		r = write_place(i);
	if (r < 0) {
		online_end(i->o, r);
		return next - 1;
	}
	(void)str_printf(key, sizeof(key), "%u.*", validity);
	if (!first)
		online_skipped(i->o, key,
			       i->o->set.all
				       ? "the folder has new UIDs: all of its "
					 "mails are read again"
				       : "the folder has new UIDs: what is in "
					 "it now is not read");
	return i->place.high;
}

static void do_scanned(void *arg, uint32_t uid)
{
	struct imap *i = arg;

	imap_place_scanned(&i->place, uid);
	save_soon(i);
}

static bool do_wants(void *arg, uint32_t uid)
{
	struct imap *i = arg;

	return !imap_place_has(&i->place, uid);
}

static bool do_room(void *arg)
{
	struct imap *i = arg;

	return i->place.out < OUT_MAX && i->room < 0 &&
	       imap_place_room(&i->place);
}

static void on_room(void *arg)
{
	struct imap *i = arg;

	i->room = -1;
	if (i->talking)
		imap_talk_room(&i->talk);
	if (i->talking)
		watch(i);
}

static bool do_mail(void *arg, uint32_t uid, struct span bytes)
{
	struct imap *i = arg;
	char key[KEY_ROOM];
	int r;

	key_of(i, uid, key);
	r = online_item(i->o, key, bytes);
	if (r == 0) {
		imap_place_add(&i->place, uid, false);
		return true;
	}
	i->room = loop_timer(&i->o->loop, SHORT_MS, on_room, i);
	if (i->room < 0)
		online_end(i->o, i->room);
	return false;
}

static void do_skip(void *arg, uint32_t uid, const char *why)
{
	struct imap *i = arg;
	char key[KEY_ROOM];

	key_of(i, uid, key);
	if (why)
		online_skipped(i->o, key, why);
	imap_place_add(&i->place, uid, true);
	save_soon(i);
}

static bool do_failed(void *arg, uint32_t uid)
{
	struct imap *i = arg;

	i->fails = i->failed_uid == uid ? i->fails + 1 : 1;
	i->failed_uid = uid;
	return i->fails >= FAILS;
}

static void do_ready(void *arg)
{
	struct imap *i = arg;

	i->renewed = false;
	retry_worked(&i->retry);
	online_link(i->o, ACCOUNT_UP, "the folder is open", 0);
}

/* --- the link ------------------------------------------------------------- */

static void on_up(void *arg)
{
	struct imap *i = arg;

	imap_talk_start(&i->talk);
	watch(i);
}

/* A token may have been taken back before its time: a new one is asked for. */
static bool with_new_token(struct imap *i)
{
	bool first = !i->renewed;

	if (!i->talk.refused || i->o->set.auth != AUTH_XOAUTH2)
		return false;
	token_drop(&i->token);
	i->renewed = true;
	if (!first)
		return false;
	unlink_now(i);
	set_watch(i, 0, connect_now);
	return true;
}

static void on_bytes(void *arg, struct span bytes)
{
	struct imap *i = arg;

	if (imap_talk_bytes(&i->talk, bytes) == 0) {
		watch(i);
		return;
	}
	if (!with_new_token(i))
		try_later(i, i->talk.why, i->talk.refused);
}

static void on_down(void *arg, const char *why, bool)
{
	struct imap *i = arg;

	i->link = NULL;
	try_later(i, why, false);
}

static void open_link(struct imap *i)
{
	const struct imap_hooks hooks = {
		.arg = i,
		.send = do_send,
		.selected = do_selected,
		.scanned = do_scanned,
		.wants = do_wants,
		.room = do_room,
		.mail = do_mail,
		.skip = do_skip,
		.failed = do_failed,
		.ready = do_ready,
	};
	const struct settings *set = &i->o->set;
	bool bearer = set->auth == AUTH_XOAUTH2;
	const struct net_link l = {
		.scheme = set->hosts[0].port == PORT_TLS ? "imaps" : "imap",
		.host = set->hosts[0].name,
		.port = set->hosts[0].port,
		.up = on_up,
		.bytes = on_bytes,
		.down = on_down,
		.arg = i,
	};
	int r;

	/* Its folder was looked at when the account began. */
	if (imap_talk_init(&i->talk, &hooks, set->user,
			   bearer ? &i->token.access : &i->o->secret,
			   set->folder) < 0) {
		online_end(i->o, -EINVAL);
		return;
	}
	i->talk.xoauth2 = bearer;
	i->talking = true;
	r = net_link(&i->o->net, &l, &i->link);
	if (r < 0)
		try_later(i, strerrordesc_np(-r), false);
}

static void on_token(void *arg, const char *why, bool denied)
{
	struct imap *i = arg;

	if (why)
		try_later(i, why, denied);
	else
		open_link(i);
}

static void connect_now(void *arg)
{
	struct imap *i = arg;
	int r;

	i->watch = -1;
	online_link(i->o, ACCOUNT_CONNECTING, "", 0);
	if (i->o->set.auth != AUTH_XOAUTH2 || token_fresh(&i->token)) {
		open_link(i);
		return;
	}
	r = token_get(&i->token);
	if (r < 0)
		try_later(i,
			  r == -EBADMSG ? "its secret has no refresh_token"
					: strerrordesc_np(-r),
			  r == -EBADMSG);
}

/* --- the kind ------------------------------------------------------------- */

/* There may be room for a mail again. */
static void go_on(struct imap *i)
{
	if (!i->talking)
		return;
	imap_talk_room(&i->talk);
	if (i->link)
		watch(i);
}

static void imap_item_kept(struct online *o, struct span key)
{
	struct imap *i = o->own;

	imap_place_kept(&i->place, imap_place_uid(&i->place, key));
	go_on(i);
}

static void imap_item_done(struct online *o, struct span key)
{
	struct imap *i = o->own;
	uint32_t uid = imap_place_uid(&i->place, key);

	if (!uid)
		return;
	imap_place_end(&i->place, uid);
	save_soon(i);
	go_on(i);
}

static int imap_start(struct online *o)
{
	struct imap *i = calloc(1, sizeof(*i));
	char folder[IMAP_FOLDER];
	int r;

	if (!i)
		return -ENOMEM;
	o->own = i;
	i->o = o;
	i->watch = i->save = i->room = -1;
	token_init(&i->token, o, on_token, i);
	if (imap_folder(o->set.folder, folder) < 0) {
		log_error("settings",
			  "account=%s why=\"folder is no name of "
			  "one\"",
			  o->name);
		return -EINVAL;
	}
	r = read_place(i);
	if (r < 0) {
		log_error("place", "account=%s error=%s text=it cannot be read",
			  o->name, strerrorname_np(-r));
		return r;
	}
	connect_now(i);
	return 0;
}

static void imap_stop(struct online *o)
{
	struct imap *i = o->own;

	if (!i)
		return;
	if (i->save >= 0)
		on_save(i);
	unlink_now(i);
	token_done(&i->token);
	imap_place_done(&i->place);
	free(i);
	o->own = NULL;
}

const struct online_kind imap_kind = {
	.name = "imap",
	.start = imap_start,
	.stop = imap_stop,
	.item_kept = imap_item_kept,
	.item_done = imap_item_done,
};
