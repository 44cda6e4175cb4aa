/*
 * monitor: the state of the monitor process, private to its folder.
 *
 * Theory of operation. The monitor owns the process graph: it makes every
 * channel, starts every process with exactly the descriptors of its row, and
 * ends them. Core processes (auditd, broker, control, connectors) live as long
 * as bulkhead; the death of one ends everything, fail closed. Items bring an
 * envelope process and a reader VM each, tasks a planner VM each; VMs wait in
 * a queue for one of MONITOR_VMS places. The kill needs nobody else: SIGKILL by
 * pidfd, then the latch.
 */
#ifndef HOST_MONITOR_MONITOR_H
#define HOST_MONITOR_MONITOR_H

#include "base/loop.h"
#include "conf/conf.h"
#include "privsep/chan.h"
#include "privsep/graph.h"
#include "privsep/rpc.h"
#include "vm/cgroup.h"
#include "vm/launch.h"

enum {
	MONITOR_VMS = 2,    /* running at once; the rest wait */
	MONITOR_ITEMS = 64, /* taken from connectors and not yet done */
	MONITOR_VMQUEUE = 2 * MONITOR_ITEMS,
	MONITOR_SEND_MS = 10000,
	MONITOR_AUDIT_MS = 10000, /* a record is durable by then, or all ends */
	MONITOR_ENVELOPE_MS = 10000, /* what an envelope process has */
	MONITOR_WATCHES = 8,	     /* of wires, at once */
	MONITOR_TAPS = 4,	 /* of them on one VM; what a porter takes */
	MONITOR_GRACE_MS = 2000, /* after its deadline the monitor ends a VM */
};

/* A process that lives as long as bulkhead. */
struct core {
	enum proc proc;
	char name[CONF_NAME_MAX + 16]; /* "connector:inbox" */
	pid_t pid;		       /* 0: not running */
	int pidfd;
	struct chan chan; /* its FD_MONITOR */
	struct monitor *m;
};

struct mitem {
	uint64_t id; /* 0: free row */
	struct core *connector;
	char key[513];
	int fd; /* sealed memfd, until its reader has it */
	pid_t envelope;
	int envelope_pidfd;
	int envelope_timer;
	struct monitor *m;
};

enum vm_state { VM_FREE = 0, VM_WAITING, VM_RUNNING };

struct mvm {
	enum vm_state state;
	uint64_t id;
	enum vm_kind kind;
	uint64_t item;
	uint64_t task;
	uint64_t order; /* of the request, for fairness */
	struct vm_procs procs;
	struct chan chan; /* its porter's FD_MONITOR */
	int timer;
	bool ready;
	struct monitor *m;
};

/* Somebody who watches a wire, see watch.c. */
struct watch {
	bool used;
	uint64_t vm;  /* 0: waits for the next one */
	uint8_t kind; /* enum vm_kind, 0: any */
	int fd;	      /* what its porter has too; owned */
};

/* A VM as watchers are told of it. */
struct watched {
	uint64_t vm;
	enum vm_kind kind;
	struct msg_ids ids; /* span: its item */
};

struct monitor {
	struct loop loop;
	struct conf conf;
	char conf_path[CONF_PATH_MAX];
	const char *libexec;
	const char *images_dir;
	int ready_fd;
	int state_fd;
	int signal_fd;
	struct vm_images images;
	struct vm_probe probe;
	struct cgroups groups;
	int groups_timer;
	struct msg_ids ids;
	uint64_t start_ms;
	bool killed;
	bool stopping;
	bool own_socket; /* the control socket is of our making */
	int exit_code;
	struct core auditd, broker, control;
	struct core connectors[CONF_CONNECTORS];
	int n_connectors;
	int broker_audit_fd; /* the broker's end, until it is started */
	int broker_control_fd;
	int connector_broker_fd[CONF_CONNECTORS];
	struct mitem items[MONITOR_ITEMS];
	struct mvm vms[MONITOR_VMQUEUE];
	uint64_t next_item, next_vm;
	uint64_t counts[ITEM_VERDICT_MAX];
	uint64_t vms_started, vms_failed;
	struct watch watches[MONITOR_WATCHES];
	struct m_audit_ok audit_state;
	struct msg in;
	struct msg out;
	struct audit_record record;
};

/* monitor.c */
void monitor_audit(struct monitor *m); /* appends m->record, or ends all */
void monitor_fatal(struct monitor *m, const char *why);
void monitor_stop(struct monitor *m);

/* cores.c: the processes that live as long as bulkhead. */
[[nodiscard]] int cores_start(struct monitor *m, struct err *err);
void cores_end(struct monitor *m);
void connectors_kill(struct monitor *m);
void core_send(struct monitor *m, struct core *c, const int *fds, size_t n);

/* items.c */
void item_from_connector(struct monitor *m, struct core *c);
void item_verdict(struct monitor *m, const struct m_item_verdict *v);
struct mitem *mitem_find(struct monitor *m, uint64_t id);
void items_end(struct monitor *m);
size_t items_count(const struct monitor *m);

/* vms.c */
void vm_request(struct monitor *m, enum vm_kind kind, uint64_t item,
		uint64_t task);
void vms_schedule(struct monitor *m);
void vm_stop(struct monitor *m, struct mvm *v, const char *reason);
void vms_of_task_end(struct monitor *m, uint64_t task);
void vms_of_item_drop(struct monitor *m, uint64_t item);
void vms_kill(struct monitor *m); /* SIGKILL only; vms_end does the rest */
void vms_end(struct monitor *m, const char *reason);
size_t vms_count(const struct monitor *m, enum vm_state s);

/* groups.c: a cgroup for each machine, where there are cgroups. */
void groups_start(struct monitor *m);
/* vm_launch in a group of that name; groups_leave once it has ended. */
[[nodiscard]] int groups_launch(struct monitor *m, struct vm_launch *l,
				struct vm_procs *ret, struct err *err);
void groups_leave(struct monitor *m, const char *name);
void groups_end(struct monitor *m);

/* The channel to the porter of a VM with work, and what v is told; or NULL. */
struct chan *vm_porter(struct monitor *m, uint64_t vm, struct watched *v);

/* watch.c: the owner looks at a wire. */
void watch_request(struct monitor *m); /* MSG_C_WIRE in m->in */
/* A VM is about to get its work: those who wait for one watch it. Their
 * channels, still ours, go to its porter with its launch or watch_send, before
 * MSG_WORK; how many. */
size_t watch_next(struct monitor *m, const struct watched *v,
		  int fds[MONITOR_TAPS]);
void watch_send(struct monitor *m, struct chan *porter, const int *fds,
		size_t n);
/* The VM has ended: says why, and closes. */
void watch_end(struct monitor *m, uint64_t vm, const char *reason);

/* latch.c: the kill. */
bool latch_is_set(int state_fd);
void latch_kill(struct monitor *m, const char *by, struct span reason);

/* status.c */
void status_answer(struct monitor *m);

#endif
