/*
 * monitor: the state of the monitor process, private to its folder.
 *
 * Theory of operation. The monitor owns the process graph: it makes every
 * channel, starts every process with exactly the descriptors of its row, and
 * ends them. Core processes (auditd, store, broker, control, connectors,
 * telemetry) are to live as long as bulkhead; one that does not is started
 * again, alone or with its generation (generation.c, supervise.h). What a
 * connector gives goes to the store, and is accepted when it is on disk there;
 * from there come the items that are worked on, as many as there is room for.
 * Items bring an envelope process and a request for a reader VM each, tasks one
 * for a planner VM each; requests wait in a queue for a place (places.h). The
 * kill needs nobody else: SIGKILL by pidfd, then the latch.
 *
 * A VM is in one of four roles. BUILDING: it becomes the template of its kind
 * (templates.h). PARKING, then PARKED: a copy of the template that has no work
 * yet, or the jail of one. WORKING: it has an item or a task; booted for it,
 * copied for it, or taken from those parked. Events end in vms_plan(), which
 * alone decides what is started next: work first, then templates, then the
 * pool.
 */
#ifndef HOST_MONITOR_MONITOR_H
#define HOST_MONITOR_MONITOR_H

#include "base/jump.h"
#include "base/loop.h"
#include "base/notify.h"
#include "conf/conf.h"
#include "host/monitor/places.h"
#include "host/monitor/supervise.h"
#include "host/monitor/templates.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "privsep/graph.h"
#include "privsep/observe.h"
#include "privsep/rpc.h"
#include "privsep/spawn.h"
#include "state/latch.h"
#include "vm/cgroup.h"
#include "vm/launch.h"
#include "vm/memory.h"
#include "vm/template.h"

enum {
	MONITOR_ITEMS = 64,    /* taken from the store and without a verdict */
	MONITOR_PUTS_EACH = 4, /* a connector's, on their way to the store */
	/* And those of the one that ran before it. */
	MONITOR_PUTS = 2 * MONITOR_PUTS_EACH * CONF_CONNECTORS,
	MONITOR_QUEUES = 64, /* sources with something in the store */
	MONITOR_OWN = 16,    /* tasks of the owner's own, at work at once */
	MONITOR_REQUESTS = 2 * MONITOR_ITEMS + MONITOR_OWN,
	/* At work, parked, and a template being built. */
	MONITOR_VMS = 2 * PLACES_MAX + 2 * CONF_POOL_MAX + 1,
	MONITOR_SEND_MS = 10000,
	MONITOR_AUDIT_MS = 10000,    /* a record is durable by then */
	MONITOR_STORE_MS = 120000,   /* auditd and store have checked all */
	MONITOR_START_MS = 60000,    /* and any other process is ready */
	MONITOR_READY_MS = 10000,    /* `up` waits for that so long */
	MONITOR_LAST_WORDS = 64,     /* of a process, that are looked through */
	SUP_LEAST_MS = 10,	     /* between looks at what is due */
	SUP_SILENT_MS = 1000,	     /* after a ping: it may wait for a disk */
	MONITOR_ENVELOPE_MS = 10000, /* what an envelope process has */
	MONITOR_WATCHES = 8,	     /* of wires, at once */
	MONITOR_TAPS = 4,	 /* of them on one VM; what a porter takes */
	MONITOR_GRACE_MS = 2000, /* after its deadline the monitor ends a VM */
	MONITOR_PARK_MS =
		30000,	      /* a VM is parked by then, on an idle machine */
	MONITOR_SEAL_MS = 20, /* between attempts to seal a template */
	MONITOR_SEALS_MAX = 150,    /* of them */
	ROOM_RETRY_MS = 500,	    /* while work waits for it */
	ROOM_FDS = 4096,	    /* more descriptors are never needed */
	ACCOUNTS_SERVERS = 256,	    /* name servers, as text */
	ACCOUNTS_RETRY_S = 1000000, /* that an account may say it waits */
};

/* What the host has for what is to be begun, see room.c. */
struct room {
	char why[300];		/* there is none; "": there is */
	uint64_t waits;		/* how often there was none */
	uint64_t hold_ms;	/* none before then */
	uint64_t fds, fds_most; /* descriptors, as seen last */
	size_t vms;		/* that they are enough for */
	uint64_t mib, need_mib; /* memory, likewise */
	struct memory memory;
	int spare; /* descriptor, for what a message brings */
};

/* After a kill with revocation: a connector is started once more, without a
 * channel to the broker, to give up its credential, and ended again. */
enum revoke { REVOKE_NONE = 0, REVOKE_WANTED, REVOKE_ASKED, REVOKE_SAID };

/* How an account stands with its server, as it says. */
struct link {
	uint8_t state; /* enum account_state; 0: it is none */
	char detail[SUP_CAUSE];
	uint64_t since_ms, again_ms; /* 0: it does not wait */
	uint64_t skipped;	     /* items that it did not give */
};

/* A process that is to live as long as bulkhead. */
struct core {
	enum proc proc;
	char name[CONF_NAME_MAX + 16];	   /* "connector:inbox" */
	const struct conf_connector *conf; /* connectors */
	pid_t pid;			   /* 0: there is none */
	int pidfd;
	struct chan chan; /* its FD_MONITOR */
	bool failing;	  /* it is lost, for a reason, and to be ended */
	bool dying;	  /* it has been killed, and is not gone yet */
	bool fell;	  /* its last end was its own */
	char why[SUP_CAUSE];
	struct sup sup;
	struct sup_watch watch;
	enum revoke revoke;
	uint8_t revoked; /* enum revoked, of REVOKE_SAID; 0: it did not say */
	char revoke_detail[SUP_CAUSE];
	struct link link; /* accounts */
	struct monitor *m;
};

/* auditd, store and broker, see generation.c. */
struct generation {
	struct sup sup;
	bool failing; /* to be ended */
	bool log;     /* its auditd takes records */
	bool spare;   /* it ended for its log: no item at work was at fault */
	struct core *blamed;
	char cause[SUP_CAUSE];
};

/* An item that the store has not said yet to have. */
struct mput {
	struct core *connector; /* NULL: free row */
	bool orphan;		/* its connector was started again since */
	bool sent;
	char key[513];
	uint64_t size;
	uint8_t sha256[32];
	struct observe_time came; /* from its connector */
	int fd;			  /* sealed memfd; owned */
};

/* What the store said last of a source. */
struct mqueue {
	char source[LIMIT_NAME + 1]; /* "": free row */
	uint64_t waiting, taken, bytes, blocked;
	char why[161];
};

struct mitem {
	uint64_t id;		/* 0: free row */
	struct core *connector; /* NULL: none of that name any more */
	bool begun;		/* or it waits for room */
	char source[LIMIT_NAME + 1];
	char key[513];
	uint64_t size, task;
	uint32_t attempt;
	uint8_t sha256[32];
	struct observe_time came;  /* from its connector, if that is known */
	struct observe_time taken; /* from the store */
	int fd;			   /* sealed memfd, until its reader has it */
	pid_t envelope;
	int envelope_pidfd;
	int envelope_timer;
	struct monitor *m;
};

/* An item or a task that waits for its VM. */
struct request {
	enum vm_kind kind; /* 0: free row */
	uint64_t item;
	uint64_t task;
	uint64_t order; /* for fairness */
	bool cold;	/* a clone for it failed before it was ready */
};

enum vm_role { VM_FREE = 0, VM_BUILDING, VM_PARKING, VM_PARKED, VM_WORKING };

struct mvm {
	enum vm_role role;
	uint64_t id; /* "vm-17" */
	enum vm_kind kind;
	enum vm_start start;
	enum vm_park park;
	uint64_t number; /* of the template it is a clone of */
	uint64_t item;
	uint64_t task;
	uint64_t order; /* of its request */
	struct vm_procs procs;
	struct chan chan; /* its porter's FD_MONITOR */
	int timer;	  /* of its role: deadline, or end of its parking */
	int slow_timer;
	bool ready;	/* authenticated, its workload stands */
	bool told;	/* the broker has its channel */
	bool slow;	/* at work for so long that it holds no place */
	bool frozen;	/* killed, but kept as it was: stopped, not ended */
	uint8_t fault;	/* enum wire_fault that it ended by */
	uint8_t origin; /* enum origin, of one at work */
	struct observe_time since; /* at work */
	struct monitor *m;
};

/* A machine that was killed and is kept for whoever looks into it: stopped,
 * without a porter, its wire closed. */
struct frozen {
	uint64_t vm; /* 0: free row */
	uint64_t task;
	struct vm_procs procs;
};

/* Somebody who watches a wire, see watch.c. */
struct watch {
	bool used;
	uint64_t vm;  /* 0: waits for the next one */
	uint8_t kind; /* enum vm_kind, 0: any */
	int fd;	      /* what its porter has too; owned */
};

/* The template of a kind, and the one that is being built. */
struct mtemplate {
	struct template rules;
	struct vm_template ready, next;
	enum vm_kind kind;
	int seal_timer;
	uint32_t seals;
	uint64_t mib; /* what its memory takes of the host's */
	struct monitor *m;
};

/* How a VM that has work came to life; the words are in audit records. */
enum origin { ORIGIN_COLD = 0, ORIGIN_CLONE, ORIGIN_POOL, ORIGIN_MAX };

/* When an item came, and was kept: of the last so many. */
enum { MONITOR_CAME = 256 };

struct mcame {
	uint64_t item;
	struct observe_time came, kept;
};

struct monitor {
	struct loop loop;
	struct conf conf;
	char model_words[320]; /* for porters, of PLANNER_LLM */
	int disk_fd;	       /* the model of PLANNER_LOCAL; 0: none */
	struct buf documents;  /* what planners begin with */
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
	bool killed; /* the latch of all is set */
	struct latches latches;
	struct gate *gate;
	int gate_fd;	/* what the broker and connectors get of it */
	uint64_t trips; /* that the broker has told of */
	struct m_lease lease;
	int revoke_timer;
	struct frozen frozen[CONF_FROZEN_MAX];
	uint8_t trip_audit; /* enum trip_action of a log that fails: as the
			       policy says, or it is started again */
	bool stopping;
	bool own_socket; /* the control socket is of our making */
	int listen_fd;	 /* that socket */
	bool told;	 /* who started us knows that we are up */
	int exit_code;
	char end_why[SUP_CAUSE]; /* where that is not 0 */
	struct generation gen;
	int sup_timer;
	struct core auditd, store, broker, control, telemetry, vault, netd;
	struct core connectors[CONF_CONNECTORS];
	int n_connectors;
	int broker_audit_fd; /* the broker's end, until it is started */
	int broker_store_fd;
	int policy_fd;	   /* sealed, as it was at the start */
	int passphrase_fd; /* of the vault; -1: it was not asked for */
	char servers[ACCOUNTS_SERVERS]; /* as netd knows them */
	struct mput puts[MONITOR_PUTS];
	struct mqueue queues[MONITOR_QUEUES];
	struct m_s_state store_state; /* as it was opened */
	bool store_told;	      /* it has said so */
	struct mitem items[MONITOR_ITEMS];
	struct request requests[MONITOR_REQUESTS];
	struct mvm vms[MONITOR_VMS];
	struct mtemplate templates[VM_KIND_MAX];
	struct pool pools[VM_KIND_MAX];
	long cores;
	int plan_timer;
	uint64_t worked_ms; /* when a VM was last given work */
	uint64_t next_vm, next_request;
	uint64_t counts[ITEM_VERDICT_MAX]; /* since our start */
	uint64_t ended[ITEM_VERDICT_MAX];  /* before it */
	uint64_t vms_started, vms_failed;
	struct watch watches[MONITOR_WATCHES];
	uint64_t starts[ORIGIN_MAX];
	char cold_why[TEMPLATE_WHY]; /* of the last cold boot */
	struct m_audit_ok audit_state;
	struct msg in;
	struct msg out;
	struct audit_record record;
	struct buf held; /* records that there is no log for */
	uint64_t held_n, held_lost;
	struct observe observe; /* to telemetry */
	int observe_timer;
	int metrics_fd;		      /* the socket of the metrics; -1: none */
	struct observe_time begun;    /* this run */
	uint64_t connect_s, connects; /* sockets for it, in this second */
	struct mcame came[MONITOR_CAME];
	size_t next_came;
	struct notify notify; /* service.c */
	int watchdog_timer, check_timer;
	struct room room;
	uint32_t owed_next; /* items that the store is not asked for yet */
	struct jump jump;
	uint64_t jumps;
	char status[200]; /* as the service manager was told */
};

/* monitor.c */
/* A bug of ours, or of the host: all ends, and whoever started us may again. */
void monitor_fatal(struct monitor *m, const char *why);
void monitor_stop(struct monitor *m);
/* The first generation does not come up: so do we not. */
void monitor_no_start(struct monitor *m, const char *why);
/* The record of the start; then, that it is done. */
void monitor_record_start(struct monitor *m);
void monitor_is_up(struct monitor *m);

/* records.c */
/* Appends m->record; where it cannot be, the generation is lost, and the record
 * is held for the next one. */
void monitor_audit(struct monitor *m);
/* The same without waiting until it is durable, for what acts on nothing
 * outside. */
void monitor_audit_later(struct monitor *m);
/* Gives a new auditd what was held, and forgets it. */
void records_release(struct monitor *m);
void records_forget(struct monitor *m);

/* cores.c: the processes that live as long as bulkhead. */
void cores_init(struct monitor *m);
/* Each of them by number; NULL after the last. */
struct core *core_at(struct monitor *m, size_t i);
/* It is there, and not on its way out. */
bool core_hears(const struct core *c);
/* Sends m->out to one that hears; one that does not take it is lost. */
void core_send(struct monitor *m, struct core *c, const int *fds, size_t n);
void core_event(void *arg, int fd, short revents);
/* True: it has ended, or does so in a moment, for its channel has; ret says
 * how, ret_signal (may be NULL) whether by a signal. */
[[nodiscard]] bool core_exit(const struct core *c, char *ret, size_t cap,
			     bool *ret_signal);
void core_kill(struct monitor *m, struct core *c);
/* The signal alone, in the middle of anything: its end is noticed later. */
void core_strike(const struct core *c);
void connectors_kill(struct monitor *m);
void helpers_kill(struct monitor *m); /* netd and the vault */
void cores_end(struct monitor *m);

/* start.c */
/* A channel between two of them: ours until they have it. */
[[nodiscard]] int start_pair(int *one, int *other, struct err *err);
/* Starts the process that s describes; s.fds[0], its channel to us, is made
 * there. */
[[nodiscard]] int start_spawn(struct monitor *m, struct core *c, struct spawn s,
			      struct err *err);
[[nodiscard]] int start_hello(struct monitor *m, struct core *c,
			      const char *name, const char *arg,
			      struct err *err);
/* A directory below another, made 0700 if it is not there; its descriptor. */
[[nodiscard]] int start_dir(int at, const char *name, struct err *err);
/* That there is this connector, and its channel, which stays the caller's. */
void start_tell_broker(struct monitor *m, const struct conf_connector *cc,
		       const int *fd);
[[nodiscard]] int start_auditd(struct monitor *m, struct err *err);
[[nodiscard]] int start_store(struct monitor *m, struct err *err);
[[nodiscard]] int start_broker(struct monitor *m, struct err *err);
/* What is no part of a generation. */
[[nodiscard]] int start_alone(struct monitor *m, struct core *c,
			      struct err *err);
/* A connector, for its revocation alone: it has no channel to the broker. */
[[nodiscard]] int start_revoker(struct monitor *m, struct core *c,
				struct err *err);

/* accounts.c: vault, netd, and the accounts' connectors. */
bool accounts_wanted(const struct monitor *m);
bool vault_wanted(const struct monitor *m); /* one of them has a secret */
/* What it needs is up. */
bool account_may_start(const struct monitor *m, const struct core *c);
bool core_is_connector(const struct core *c); /* of an account or a folder */
uint8_t account_ways(const struct conf_connector *cc); /* WAY_ bits */
uint8_t account_sort(const struct conf_connector *cc); /* enum item_sort or 0 */
[[nodiscard]] int start_vault(struct monitor *m, struct core *c,
			      struct err *err);
[[nodiscard]] int start_netd(struct monitor *m, struct core *c,
			     struct err *err);
[[nodiscard]] int start_online(struct monitor *m, struct core *c,
			       struct err *err);
/* Tells netd of other name servers, if they are others by now. */
void accounts_look(struct monitor *m);
/* netd is gone: so is the way of every account. */
void accounts_end(struct monitor *m, const char *why);
void vault_given(struct monitor *m);			 /* MSG_V_GIVEN */
void net_refused(struct monitor *m);			 /* MSG_N_REFUSED */
void account_link(struct monitor *m, struct core *c);	 /* MSG_LINK */
void account_skipped(struct monitor *m, struct core *c); /* MSG_SKIPPED */

/* generation.c: what is ended and started again. */
bool core_of_generation(const struct core *c);
/* There is one, and it takes work. */
bool generation_works(const struct monitor *m);
/* It died, hangs, or broke its row: noted, and dealt with by the loop. */
void core_lost(struct monitor *m, struct core *c, const char *why);
void core_ready(struct monitor *m, struct core *c);
void core_pong(struct monitor *m, struct core *c, uint64_t number);
void store_opened(struct monitor *m, const struct m_s_state *s);
/* Looks at what is due, from the loop. */
void supervise_soon(struct monitor *m);

/* policy.c: what is wrong with the policy is told before anything slow. */
[[nodiscard]] int policy_open(struct monitor *m, struct err *err);

/* documents.c: reads planner.documents. 0, or -errno and which one. */
[[nodiscard]] int documents_read(struct monitor *m, struct err *err);
/* Its file's last part, as clauses have it. */
const char *policy_name(const struct monitor *m);

/* last.c: which database the store had last, as its HELLO says it: "ID/OPENED",
 * or "none". */
enum { LAST_TEXT = 80 };

[[nodiscard]] int last_read(int state_fd, char ret[LAST_TEXT], struct err *err);
[[nodiscard]] int last_write(int state_fd, const struct m_s_state *now,
			     struct err *err);

/* items.c */
void item_from_connector(struct monitor *m, struct core *c);
void item_kept(struct monitor *m);  /* MSG_Q_KEPT in m->in */
void item_take(struct monitor *m);  /* MSG_Q_ITEM in m->in */
void item_count(struct monitor *m); /* MSG_Q_COUNT in m->in */
/* Tells the store how much there is room for, once all is up. */
void items_start(struct monitor *m);
/* Its connector is gone: what it gave is not its successor's. */
void puts_orphan(struct monitor *m, const struct core *c);
void item_verdict(struct monitor *m, const struct m_item_verdict *v);
/* That VM has its place. */
void item_placed(struct monitor *m, const struct mitem *it, uint64_t vm);
/* enum item_sort: as its connector brings it; one of a connector that is no
 * more is read as mail. */
uint8_t item_sort(const struct mitem *it);
struct mitem *mitem_find(struct monitor *m, uint64_t id);
void items_end(struct monitor *m);
size_t items_count(const struct monitor *m);

/* There is room again: begins what waits, and asks for more. */
void items_resume(struct monitor *m);

/* room.c */
void room_start(struct monitor *m);
/* Whether there is room for one more; if not, why is said. */
[[nodiscard]] bool room_for(struct monitor *m, enum vm_kind kind);
[[nodiscard]] bool room_for_item(struct monitor *m);
/* An error that says that something of the host's is used up, for now. */
bool room_is_short(int code);
/* Something could not be started for such a reason. */
void room_failed(struct monitor *m, const char *why);
/* Looks whether there is room again, or none any more. */
void room_look(struct monitor *m);
uint64_t room_next_ms(const struct monitor *m, uint64_t now);

/* vms.c: each VM from launch to end. */
struct vm_want {
	enum vm_role role;
	enum vm_kind kind;
	enum vm_start start;
	enum vm_park park;
	const struct vm_template *from; /* templates and clones */
	uint64_t item, task;
	uint64_t deadline_ms; /* of its work, told to its porter */
	uint64_t life_ms;     /* then bulkhead-vmm ends it, as a backstop */
	uint64_t held_ms;     /* so much later at most, if it is jailed */
};

/* A new VM; NULL with the reason. Its timer is not set. */
[[nodiscard]] struct mvm *vm_start(struct monitor *m, const struct vm_want *w,
				   struct err *err);
struct vm_spec vm_spec_of(const struct monitor *m, enum vm_kind kind);
enum wire_workload vm_workload_of(const struct monitor *m, enum vm_kind kind);
uint64_t vm_deadline_ms(const struct monitor *m, enum vm_kind kind);
const char *vm_zone(enum vm_kind kind);
/* The load of the last minute for each core. */
double vm_load(const struct monitor *m);
/* The VM of that number, whatever it does; or NULL. */
struct mvm *vm_find(struct monitor *m, uint64_t id);
/* Begins m->record, about a VM. */
void vm_audit(struct monitor *m, const struct mvm *v, const char *kind);
/* Replaces its timer; what happens then is its role's. */
void vm_timer(struct mvm *v, uint64_t ms);
/* Sends m->out to its porter; one that is gone is noticed by its channel. */
void vm_send(struct monitor *m, struct mvm *v, const int *fds, size_t n);
void vm_tell_new(struct monitor *m, struct mvm *v);
/* Ends it; with no plan of what comes next. */
void vm_stop(struct monitor *m, struct mvm *v, const char *reason);
void vms_of_task_end(struct monitor *m, uint64_t task);
/* At once, by a signal only: ended, or frozen where the owner wants that of a
 * machine at work. vms_end and planners_end do the rest. */
void vms_kill(struct monitor *m);
void planners_kill(struct monitor *m, uint64_t task); /* 0: all of them */
void vms_end(struct monitor *m, const char *reason);
void planners_end(struct monitor *m, uint64_t task);
size_t vms_frozen(const struct monitor *m);
void frozen_end(struct monitor *m);
size_t vms_count(const struct monitor *m, enum vm_role r, enum vm_kind kind);

/* queue.c: what waits for a VM, and what is started next. */
/* False: there are more requests than items can have. */
[[nodiscard]] bool vm_request(struct monitor *m, enum vm_kind kind,
			      uint64_t item, uint64_t task);
void requests_drop_item(struct monitor *m, uint64_t item);
void requests_drop_task(struct monitor *m, uint64_t task);
void requests_end(struct monitor *m);
size_t requests_count(const struct monitor *m, enum vm_kind kind);
/* "cold", "clone", "pool". */
const char *origin_name(enum origin o);
void work_ready(struct monitor *m, struct mvm *v);
/* A VM at work died abnormally. */
void work_broke(struct monitor *m, struct mvm *v, const char *reason);
bool place_is_free(const struct monitor *m, enum vm_kind kind);
/* Starts what is due; the end of every event. */
void vms_plan(struct monitor *m);

/* build.c: the templates. */
void templates_start(struct monitor *m);
void templates_end(struct monitor *m);
void templates_check(struct monitor *m); /* retires what is due */
void templates_build(struct monitor *m); /* begins a build that is due */
void build_ready(struct monitor *m, struct mvm *v);
void build_saved(struct monitor *m, struct mvm *v);
void build_broke(struct monitor *m, struct mvm *v, const char *reason);
/* A clone of the template of that kind and number died abnormally. */
void template_clone_died(struct monitor *m, enum vm_kind kind, uint64_t number,
			 const char *reason);

/* pool.c: the VMs kept ready. */
void pools_start(struct monitor *m);
void pools_refill(struct monitor *m);
uint64_t pools_next_ms(const struct monitor *m, uint64_t now);
/* One that is parked, now the caller's to give work to; NULL: none is. */
struct mvm *pool_take(struct monitor *m, enum vm_kind kind);
/* Ends all of that kind, for their template is no more. */
void pool_drop(struct monitor *m, enum vm_kind kind, const char *why);
void pool_is_parked(struct monitor *m, struct mvm *v);
void pool_too_old(struct monitor *m, struct mvm *v);
void pool_broke(struct monitor *m, struct mvm *v, const char *reason);

/* groups.c: a cgroup for each machine, where there are cgroups. */
void groups_start(struct monitor *m);
/* vm_launch in a group of that name; groups_leave once it has ended. */
[[nodiscard]] int groups_launch(struct monitor *m, struct vm_launch *l,
				struct vm_procs *ret, struct err *err);
/* It works for long: those beside it come first. */
void groups_slow(struct monitor *m, const struct mvm *v);
void groups_leave(struct monitor *m, const char *name);
void groups_end(struct monitor *m);

/* watch.c: the owner looks at a wire. */
void watch_request(struct monitor *m); /* MSG_C_WIRE in m->in */
/* A VM is about to get its work: those who wait for one watch it. Their
 * channels, still ours, go to its porter with its launch or by watch_send,
 * before MSG_WORK; how many. */
size_t watch_next(struct monitor *m, const struct mvm *v,
		  int fds[MONITOR_TAPS]);
void watch_send(struct monitor *m, struct mvm *v, const int *fds, size_t n);
/* The VM has ended: says why, and closes. */
void watch_end(struct monitor *m, uint64_t vm, const char *reason);

/* service.c: towards the service manager, and the log's size. */
void service_open(struct monitor *m);
void service_ready(struct monitor *m);
void service_stopping(struct monitor *m, const char *why);

/* observe.c: telemetry. */
/* Somebody is to be told something. */
bool observe_wanted(const struct monitor *m);
/* It was started, and is told what happens on fd, taken over. */
[[nodiscard]] int observe_begin(struct monitor *m, int fd);
/* It is gone. */
void observe_lost(struct monitor *m);
void observe_close(struct monitor *m);
/* Gives the broker, if there is one, its channel to telemetry. */
void observe_broker(struct monitor *m);
/* It asks for a socket to the collector. */
void observe_connect(struct monitor *m);

/* latch.c: the kill. */
/* Opens latches and gate. -EPERM: the latch of all is set. */
[[nodiscard]] int latch_start(struct monitor *m, struct err *err);
/* by: what set it, a word for the record. */
void latch_kill(struct monitor *m, const struct latch *l, const char *by,
		struct span reason);
void latch_kill_all(struct monitor *m, const char *by, struct span reason);
/* The log says that it cannot be written: what the policy wants then. */
void latch_log_failed(struct monitor *m, const char *why);
/* The owner takes it away. NULL, or why not. */
[[nodiscard]] const char *latch_rearm(struct monitor *m, const struct latch *l);
/* Those that he took away while we did not run: into the log, and to a broker
 * that is begun, which may have ended before it heard of them. */
void latch_record_rearmed(struct monitor *m);
void latch_tell_rearmed(struct monitor *m);
/* That of the agent is set: no planner is started. */
bool latch_agent(const struct monitor *m);
/* A latch that somebody else has written is a kill, too. */
void latch_look(struct monitor *m);
/* Sees it at once: who cannot reach us writes it. */
void latch_watch(struct monitor *m);
/* While something else is waited for: whoever wants all killed, by signal,
 * control or file, has what acts ended now, by signals and the gate alone. The
 * kill itself comes with the event, which is still there. */
void latch_at_once(struct monitor *m);

/* revoke.c: credentials are given up. */
void revoke_start(struct monitor *m);
/* Starts those that are due, ends those that are done. */
void revoke_look(struct monitor *m);
void revoke_said(struct monitor *m, struct core *c); /* MSG_REVOKED in m->in */

/* status.c */
void status_answer(struct monitor *m);

#endif
