/*
 * outbox: each effect becomes one mail in a Maildir, at most once: its file
 * name follows from run and effect, and a name that exists is never written
 * again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "mailout/compose.h"
#include "run.h"

enum { NAME_MAX_BYTES = 80 };

static int open_folder(int dir, const char *name)
{
	int fd;

	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int outbox_start(struct connector *c)
{
	struct outbox *o = &c->outbox;

	o->tmp = open_folder(c->dir, "tmp");
	o->new = open_folder(c->dir, "new");
	o->cur = open_folder(c->dir, "cur");
	if (o->tmp < 0 || o->new < 0 || o->cur < 0)
		return -EIO;
	return 0;
}

void outbox_stop(struct connector *c)
{
	fd_close(&c->outbox.tmp);
	fd_close(&c->outbox.new);
	fd_close(&c->outbox.cur);
}

/* #syscalls:connector unlinkat unlink linkat renameat2 */
static int write_aside(struct outbox *o, const char *name, struct span mail)
{
	CLEAN_FD int fd = openat(
		o->tmp, name,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, mail);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

/* Into new/, never over a file that is there: -EEXIST. */
static int move_in(struct outbox *o, const char *name)
{
	if (renameat2(o->tmp, name, o->new, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system that cannot: a link does not replace either. */
	if (linkat(o->tmp, name, o->new, name, 0) < 0)
		return -errno;
	/* It is in: that its other name stays is no failure. */
	(void)unlinkat(o->tmp, name, 0);
	return 0;
}

/* Whether a mail program has moved it to cur/, where names grow flags. */
static int in_cur(struct outbox *o, const char *name)
{
	CLEAN_FD int fd =
		openat(o->cur, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = strlen(name);
	struct dirent *e;
	bool found = false;
	DIR *d;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	(void)take_fd(&fd);
	while (!found && (e = readdir(d)))
		found = strncmp(e->d_name, name, n) == 0 &&
			(e->d_name[n] == 0 || e->d_name[n] == ':');
	(void)closedir(d);
	return found;
}

/* A latch may have been set since the broker looked, however long it took the
 * effect to get here. */
static bool is_killed(const struct connector *c)
{
	return gate_why(c->gate, c->in.effect.capability, c->in.ids.task);
}

/* 0 or -errno, -ECANCELED: killed; a mail that is already there is 0. *there:
 * it is in its folder, whatever failed after that. */
static int deliver(struct connector *c, const char *name, struct span mail,
		   bool *there)
{
	struct outbox *o = &c->outbox;
	int r = in_cur(o, name);

	if (r != 0)
		return r < 0 ? r : 0;
	r = write_aside(o, name, mail);
	if (r == 0)
		r = is_killed(c) ? -ECANCELED : move_in(o, name);
	if (r < 0)
		(void)unlinkat(o->tmp, name, 0);
	if (r < 0 && r != -EEXIST)
		return r;
	*there = true;
	return fsync(o->new) < 0 ? -errno : 0;
}

static void answer(struct connector *c, const struct msg_ids *ids,
		   uint64_t effect, bool ok, const char *detail)
{
	c->msg.type = MSG_EFFECT_DONE;
	c->msg.ids = *ids;
	c->msg.effect_done = (struct m_effect_done){
		.effect = effect,
		.state = ok ? EFFECT_DONE : EFFECT_FAILED,
		.detail = span_str(detail),
	};
	if (chan_send(&c->broker, &c->msg, NULL, 0) < 0)
		connector_end(c, -EPIPE);
}

void outbox_effect(struct connector *c)
{
	const struct m_effect *e = &c->in.effect;
	struct compose how = {
		.from = span_str(c->outbox.from),
		.reply_id = e->reply_id,
		.reply_refs = e->reply_refs,
		.reply_subject = e->reply_subject,
	};
	char run[2 * MSG_RUN + 1];
	char name[NAME_MAX_BYTES];
	CLEAN_BUF struct buf mail;
	bool there = false;
	const char *why;
	int r;

	buf_init(&mail, COMPOSE_MAX);
	hex_encode(run, c->in.ids.run, MSG_RUN);
	(void)str_printf(name, sizeof(name), "effect-%llu.%s.bulkhead",
			 (unsigned long long)e->effect, run);
	how.id = span_str(name);
	how.date_s = (uint64_t)time(NULL);
	why = compose_mail(&mail, &how, e->args, e->n);
	if (why) {
		answer(c, &c->in.ids, e->effect, false, why);
		return;
	}
	r = deliver(c, name, buf_view(&mail), &there);
	if (r < 0)
		log_error("effect-failed", "connector=%s effect=%llu error=%s",
			  c->name, (unsigned long long)e->effect,
			  strerrorname_np(-r));
	if (r < 0 && there) {
		/* It happened, and may be gone after a power cut: who says
		 * nothing leaves it unknown, and that is what it is. */
		connector_end(c, r);
		return;
	}
	answer(c, &c->in.ids, e->effect, r == 0,
	       r == 0		 ? name
	       : r == -ECANCELED ? "killed before it was done"
				 : strerrorname_np(-r));
}
