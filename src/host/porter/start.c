/* start: see start.h. */
#include <errno.h>

#include "base/fd.h"
#include "base/log.h"
#include "session.h"

void start_begin(struct session *s)
{
	if (link_hello(&s->link, false) < 0)
		die("vm=%s cannot begin its handshake", s->name);
	session_handshake_timer(s);
}

void start_ready(struct session *s)
{
	s->start.ready = true;
	session_ready(s);
	session_may_work(s);
}

void start_work(struct session *s)
{
	if (s->start.ready)
		session_may_work(s);
}

void start_save(struct session *s, int fd)
{
	fd_close(&fd);
	die("vm=%s is no template", s->name);
}

void start_gone(struct session *s)
{
	die("vm=%s was not asked to go away", s->name);
}

void start_done(struct session *s)
{
	s->start = (struct start){ 0 };
}
