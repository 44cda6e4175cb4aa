/*
 * msg: see msg.h. One generic encoder and decoder over a table of layouts, so
 * that every message is bounded by the same code.
 */
#include "proto/msg.h"

#include <assert.h>
#include <inttypes.h>

#include "base/rd.h"
#include "base/str.h"

enum kind { K_U8, K_U32, K_U64, K_BYTES, K_STR, K_LIST };

struct layout;

struct field {
	enum kind kind;
	size_t off;		   /* of the value in its struct */
	size_t max;		   /* bytes of a string, rows of a list,
				      size of K_BYTES */
	size_t n_off;		   /* K_LIST: of its count */
	const struct layout *elem; /* K_LIST */
};

struct layout {
	const char *name;
	size_t size; /* of the struct */
	size_t n;
	const struct field *fields;
};

#define U8(s, f)                                                               \
	{                                                                      \
		K_U8, offsetof(struct s, f), 0, 0, NULL                        \
	}
#define U32(s, f)                                                              \
	{                                                                      \
		K_U32, offsetof(struct s, f), 0, 0, NULL                       \
	}
#define U64(s, f)                                                              \
	{                                                                      \
		K_U64, offsetof(struct s, f), 0, 0, NULL                       \
	}
#define BYTES(s, f, m)                                                         \
	{                                                                      \
		K_BYTES, offsetof(struct s, f), m, 0, NULL                     \
	}
#define STR(s, f, m)                                                           \
	{                                                                      \
		K_STR, offsetof(struct s, f), m, 0, NULL                       \
	}
#define LIST(s, f, m, e)                                                       \
	{                                                                      \
		K_LIST, offsetof(struct s, f), m, offsetof(struct s, n), &(e)  \
	}
#define FIELDS(...)                                                            \
	(const struct field[])                                                 \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
#define LAYOUT(s, ...)                                                         \
	.size = sizeof(struct s),                                              \
	.n = ARRAY_SIZE(((const struct field[]){ __VA_ARGS__ })),              \
	.fields = FIELDS(__VA_ARGS__)

enum {
	TEXT_MAX = LIMIT_ANSWER,
	KEY_MAX = 512,
	REASON_MAX = 512,
	SCHEMA_MAX = 32 << 10,
	HELLO_MAX = 16 << 10,
	HOST_NAME = 253,
	AUDIT_TEXT_MAX = 32 << 10,
	DIAL_HOST = 512, /* more than a name has: netd says what it refuses */
	BUTTON_LABEL = 128,
	BUTTON_DATA = 64, /* of Telegram's callback_data */
};

static const struct layout audit_field = { LAYOUT(
	m_audit_field, STR(m_audit_field, key, LIMIT_NAME),
	U8(m_audit_field, type), U64(m_audit_field, number),
	STR(m_audit_field, text, AUDIT_TEXT_MAX)) };

static const struct layout arg = { LAYOUT(m_arg, STR(m_arg, name, LIMIT_NAME),
					  U8(m_arg, json), U8(m_arg, shape),
					  STR(m_arg, value, LIMIT_ARG_BYTES)) };

static const struct layout button = { LAYOUT(
	m_button, STR(m_button, label, BUTTON_LABEL),
	STR(m_button, data, BUTTON_DATA)) };

static const struct layout sample = { LAYOUT(
	m_sample, U8(m_sample, metric), STR(m_sample, first, LIMIT_LABEL),
	STR(m_sample, second, LIMIT_LABEL), U64(m_sample, value)) };

#define ROW_FIELDS                                                             \
	U8(m_r_row, kind), STR(m_r_row, key, LIMIT_ROW_KEY),                   \
		STR(m_r_row, value, LIMIT_ROW)

static const struct layout kept_row = { LAYOUT(m_r_row, ROW_FIELDS) };

#define L_EMPTY LAYOUT(m_empty, U8(m_empty, zero))
#define L_TEXT	LAYOUT(m_text, STR(m_text, text, TEXT_MAX))

#define L_E_ROW                                                                \
	LAYOUT(m_e_row, U64(m_e_row, effect), U64(m_e_row, item),              \
	       U64(m_e_row, task), U64(m_e_row, repeats),                      \
	       U64(m_e_row, ticket), U8(m_e_row, state),                       \
	       U8(m_e_row, recorded), U8(m_e_row, have_index),                 \
	       U64(m_e_row, index), U64(m_e_row, planned_s),                   \
	       U64(m_e_row, ended_s), STR(m_e_row, capability, LIMIT_NAME),    \
	       STR(m_e_row, connector, LIMIT_NAME),                            \
	       STR(m_e_row, detail, REASON_MAX),                               \
	       LIST(m_e_row, args, LIMIT_ARGS, arg))
#define L_S_REF LAYOUT(m_s_ref, U64(m_s_ref, id))
#define L_S_GET                                                                \
	LAYOUT(m_s_get, U64(m_s_get, after), U8(m_s_get, which),               \
	       U32(m_s_get, newest), U64(m_s_get, item))
#define L_C_MEMORY                                                             \
	LAYOUT(m_c_memory, STR(m_c_memory, name, LIMIT_ROW_KEY),               \
	       U8(m_c_memory, all))
#define L_C_ASIDE                                                              \
	LAYOUT(m_c_aside, U64(m_c_aside, item),                                \
	       STR(m_c_aside, sender, LIMIT_SENDER),                           \
	       STR(m_c_aside, ids, LIMIT_ASIDE_IDS))
#define L_LATCH                                                                \
	LAYOUT(m_latch, U8(m_latch, level), U8(m_latch, set),                  \
	       STR(m_latch, capability, LIMIT_NAME), U64(m_latch, task),       \
	       STR(m_latch, by, LIMIT_NAME), STR(m_latch, reason, REASON_MAX))
#define L_PING LAYOUT(m_ping, U64(m_ping, number))
#define L_ITEM_DONE                                                            \
	LAYOUT(m_item_done, STR(m_item_done, key, KEY_MAX),                    \
	       U8(m_item_done, verdict))
#define L_E_OUTCOME                                                            \
	LAYOUT(m_e_outcome, U64(m_e_outcome, effect), U8(m_e_outcome, state),  \
	       STR(m_e_outcome, detail, REASON_MAX))

static const struct layout layouts[] = {
	[MSG_HELLO] = { "hello", LAYOUT(m_hello, STR(m_hello, name, LIMIT_NAME),
					STR(m_hello, arg, HELLO_MAX)) },
	[MSG_STOP] = { "stop", L_EMPTY },
	[MSG_KILL] = { "kill", L_TEXT },
	[MSG_LATCH] = { "latch", L_LATCH },
	[MSG_LEASE] = { "lease", LAYOUT(m_lease, U64(m_lease, autonomy_s),
					U64(m_lease, until_ms)) },
	[MSG_C_LEASE] = { "c-lease", L_EMPTY },
	[MSG_PING] = { "ping", L_PING },
	[MSG_PEER] = { "peer", L_EMPTY },
	[MSG_READY] = { "ready", L_EMPTY },
	[MSG_PONG] = { "pong", L_PING },
	[MSG_AUDIT] = { "audit",
			LAYOUT(m_audit, STR(m_audit, kind, LIMIT_NAME),
			       LIST(m_audit, fields, LIMIT_AUDIT_FIELDS,
				    audit_field)) },
	[MSG_AUDIT_LATER] = { "audit-later",
			      LAYOUT(m_audit, STR(m_audit, kind, LIMIT_NAME),
				     LIST(m_audit, fields, LIMIT_AUDIT_FIELDS,
					  audit_field)) },
	[MSG_AUDIT_OK] = { "audit-ok",
			   LAYOUT(m_audit_ok, U64(m_audit_ok, index),
				  U64(m_audit_ok, size),
				  BYTES(m_audit_ok, root, 32)) },
	[MSG_AUDIT_ROOM] = { "audit-room",
			     LAYOUT(m_audit_room, U8(m_audit_room, full),
				    U64(m_audit_room, reserve),
				    U64(m_audit_room, left),
				    STR(m_audit_room, why, REASON_MAX)) },
	[MSG_AUDIT_FAIL] = { "audit-fail", L_TEXT },
	[MSG_AUDIT_KEY] = { "audit-key", L_EMPTY },
	[MSG_ITEM] = { "item",
		       LAYOUT(m_item, STR(m_item, key, KEY_MAX),
			      U64(m_item, size), BYTES(m_item, sha256, 32)) },
	[MSG_ITEM_KEPT] = { "item-kept", L_ITEM_DONE },
	[MSG_ITEM_DONE] = { "item-done", L_ITEM_DONE },
	[MSG_S_STATE] = { "s-state", LAYOUT(m_s_state, BYTES(m_s_state, id, 16),
					    U64(m_s_state, opened),
					    U64(m_s_state, tip_size),
					    BYTES(m_s_state, tip_root, 32),
					    U64(m_s_state, waiting),
					    U64(m_s_state, recovered),
					    U64(m_s_state, ended[1]),
					    U64(m_s_state, ended[2]),
					    U64(m_s_state, ended[3]),
					    U64(m_s_state, ended[4]),
					    U64(m_s_state, ended[5])) },
	[MSG_S_TIP] = { "s-tip", LAYOUT(m_s_tip, U64(m_s_tip, size),
					BYTES(m_s_tip, root, 32)) },
	[MSG_Q_PUT] = { "q-put",
			LAYOUT(m_q_put, STR(m_q_put, source, LIMIT_NAME),
			       STR(m_q_put, key, KEY_MAX), U64(m_q_put, size),
			       BYTES(m_q_put, sha256, 32)) },
	[MSG_Q_KEPT] = { "q-kept",
			 LAYOUT(m_q_kept, STR(m_q_kept, source, LIMIT_NAME),
				STR(m_q_kept, key, KEY_MAX),
				U64(m_q_kept, item), U8(m_q_kept, kept),
				U8(m_q_kept, verdict)) },
	[MSG_Q_NEXT] = { "q-next", L_EMPTY },
	[MSG_Q_ITEM] = { "q-item",
			 LAYOUT(m_q_item, U64(m_q_item, item),
				U64(m_q_item, task), U32(m_q_item, attempt),
				STR(m_q_item, source, LIMIT_NAME),
				STR(m_q_item, key, KEY_MAX),
				U64(m_q_item, size),
				BYTES(m_q_item, sha256, 32)) },
	[MSG_Q_COUNT] = { "q-count",
			  LAYOUT(m_q_count, STR(m_q_count, source, LIMIT_NAME),
				 U64(m_q_count, waiting), U64(m_q_count, taken),
				 U64(m_q_count, bytes), U64(m_q_count, blocked),
				 STR(m_q_count, why, REASON_MAX)) },
	[MSG_S_OK] = { "s-ok", LAYOUT(m_s_ok, U64(m_s_ok, id)) },
	[MSG_S_NONE] = { "s-none", L_EMPTY },
	[MSG_S_FAIL] = { "s-fail", L_TEXT },
	[MSG_I_DONE] = { "i-done",
			 LAYOUT(m_i_done, U64(m_i_done, item),
				U64(m_i_done, task), U8(m_i_done, verdict),
				STR(m_i_done, fault, REASON_MAX),
				U64(m_i_done, reader_us),
				STR(m_i_done, envelope_from, 320)) },
	[MSG_I_RECORDED] = { "i-recorded", L_S_REF },
	[MSG_I_GET] = { "i-get", L_S_GET },
	[MSG_I_ROW] = { "i-row",
			LAYOUT(m_i_row, U64(m_i_row, item), U64(m_i_row, task),
			       STR(m_i_row, source, LIMIT_NAME),
			       STR(m_i_row, key, KEY_MAX), U64(m_i_row, size),
			       U8(m_i_row, state), U32(m_i_row, attempts),
			       U8(m_i_row, verdict),
			       STR(m_i_row, fault, REASON_MAX),
			       U64(m_i_row, reader_us),
			       STR(m_i_row, envelope_from, 320),
			       U64(m_i_row, came_s), U64(m_i_row, ended_s)) },
	[MSG_E_PLAN] = { "e-plan",
			 LAYOUT(m_e_plan, U64(m_e_plan, item),
				U64(m_e_plan, task), U64(m_e_plan, repeats),
				U64(m_e_plan, ticket),
				STR(m_e_plan, capability, LIMIT_NAME),
				STR(m_e_plan, connector, LIMIT_NAME),
				LIST(m_e_plan, args, LIMIT_ARGS, arg)) },
	[MSG_E_STARTED] = { "e-started",
			    LAYOUT(m_e_started, U64(m_e_started, effect),
				   U64(m_e_started, index)) },
	[MSG_E_OUTCOME] = { "e-outcome", L_E_OUTCOME },
	[MSG_E_RECORDED] = { "e-recorded", L_S_REF },
	[MSG_E_GET] = { "e-get", L_S_GET },
	[MSG_E_ROW] = { "e-row", L_E_ROW },
	[MSG_T_NUMBER] = { "t-number", L_EMPTY },
	[MSG_R_PUT] = { "r-put", LAYOUT(m_r_put, LIST(m_r_put, rows, LIMIT_ROWS,
						      kept_row)) },
	[MSG_R_NEXT] = { "r-next",
			 LAYOUT(m_r_next, U8(m_r_next, kind),
				STR(m_r_next, after, LIMIT_ROW_KEY)) },
	[MSG_R_ROW] = { "r-row", LAYOUT(m_r_row, ROW_FIELDS) },
	[MSG_CONNECTOR] = { "connector",
			    LAYOUT(m_connector,
				   STR(m_connector, name, LIMIT_NAME),
				   U8(m_connector, ways),
				   STR(m_connector, authserv, HOST_NAME),
				   STR(m_connector, kind, LIMIT_NAME),
				   U8(m_connector, sort),
				   U8(m_connector, priced),
				   U64(m_connector, input),
				   U64(m_connector, output),
				   U64(m_connector, cache_read),
				   U64(m_connector, cache_write),
				   STR(m_connector, model, LIMIT_NAME),
				   U8(m_connector, api)) },
	[MSG_ITEM_NEW] = { "item-new",
			   LAYOUT(m_item_new, U64(m_item_new, item),
				  STR(m_item_new, source, LIMIT_NAME),
				  STR(m_item_new, key, KEY_MAX),
				  U64(m_item_new, size),
				  BYTES(m_item_new, sha256, 32),
				  U64(m_item_new, since_us),
				  U64(m_item_new, task),
				  U32(m_item_new, attempt),
				  U8(m_item_new, sort)) },
	[MSG_VM_NEW] = { "vm-new",
			 LAYOUT(m_vm_new, U64(m_vm_new, vm), U8(m_vm_new, kind),
				U64(m_vm_new, item)) },
	[MSG_VM_GONE] = { "vm-gone",
			  LAYOUT(m_vm_gone, U64(m_vm_gone, vm),
				 STR(m_vm_gone, reason, REASON_MAX)) },
	[MSG_TASK_START] = { "task-start",
			     LAYOUT(m_task_start, U64(m_task_start, task),
				    U64(m_task_start, item)) },
	[MSG_TASK_END] = { "task-end", L_EMPTY },
	[MSG_ITEM_VERDICT] = { "item-verdict",
			       LAYOUT(m_item_verdict, U64(m_item_verdict, item),
				      U8(m_item_verdict, verdict)) },
	[MSG_VM_READY] = { "vm-ready",
			   LAYOUT(m_vm_ready, U64(m_vm_ready, boot_us)) },
	[MSG_WORK] = { "work",
		       LAYOUT(m_work, U64(m_work, item),
			      U64(m_work, deadline_ms), U8(m_work, sort)) },
	[MSG_SAVE] = { "save", L_EMPTY },
	[MSG_TAP] = { "tap", L_EMPTY },
	[MSG_VM_PARKED] = { "vm-parked", L_EMPTY },
	[MSG_VM_SAVED] = { "vm-saved", L_EMPTY },
	[MSG_FRAME] = { "frame",
			LAYOUT(m_frame, U64(m_frame, at_us),
			       U32(m_frame, missed), U8(m_frame, out),
			       U8(m_frame, kind), U8(m_frame, type),
			       U32(m_frame, flags), U32(m_frame, stream),
			       U8(m_frame, service), U32(m_frame, length),
			       STR(m_frame, first, FRAME_FIRST_MAX)) },
	[MSG_C_WIRE] = { "c-wire", LAYOUT(m_c_wire, U64(m_c_wire, vm),
					  U8(m_c_wire, kind)) },
	[MSG_VM_FAIL] = { "vm-fail",
			  LAYOUT(m_vm_fail, U8(m_vm_fail, fault),
				 STR(m_vm_fail, detail, REASON_MAX)) },
	[MSG_VM_DONE] = { "vm-done", L_EMPTY },
	[MSG_ENVELOPE] = { "envelope",
			   LAYOUT(m_envelope, U8(m_envelope, ok),
				  STR(m_envelope, fault, REASON_MAX),
				  STR(m_envelope, from, 320),
				  STR(m_envelope, message_id, 512),
				  STR(m_envelope, date, 128),
				  STR(m_envelope, auth_id, HOST_NAME),
				  STR(m_envelope, auth_domain, HOST_NAME),
				  STR(m_envelope, references, 2048),
				  STR(m_envelope, subject, 1024),
				  U8(m_envelope, chat_flags),
				  STR(m_envelope, sender, LIMIT_CHAT_ID),
				  STR(m_envelope, chat, LIMIT_CHAT_ID),
				  STR(m_envelope, chat_ref, LIMIT_CHAT_ID),
				  STR(m_envelope, thread, LIMIT_CHAT_ID),
				  STR(m_envelope, text, LIMIT_CHAT_TEXT)) },
	[MSG_RECORD] = { "record", L_EMPTY },
	[MSG_REFUSED] = { "refused", L_TEXT },
	[MSG_TASK_GET] = { "task-get", L_EMPTY },
	[MSG_TASK] = { "task",
		       LAYOUT(m_task,
			      STR(m_task, instruction, LIMIT_INSTRUCTION),
			      U8(m_task, has_item),
			      STR(m_task, items, LIMIT_VIEW),
			      STR(m_task, canaries, 256),
			      STR(m_task, documents, LIMIT_DOCUMENTS)) },
	[MSG_DOCUMENTS] = { "documents",
			    LAYOUT(m_documents,
				   STR(m_documents, text, LIMIT_DOCUMENTS)) },
	[MSG_TOOLS_GET] = { "tools-get", L_EMPTY },
	[MSG_TOOL] = { "tool", LAYOUT(m_tool, STR(m_tool, name, LIMIT_NAME),
				      STR(m_tool, description, 1024),
				      STR(m_tool, schema, SCHEMA_MAX)) },
	[MSG_TOOLS_END] = { "tools-end", L_EMPTY },
	[MSG_CALL] = { "call",
		       LAYOUT(m_call, U64(m_call, call), U8(m_call, bound),
			      STR(m_call, capability, LIMIT_NAME),
			      LIST(m_call, args, LIMIT_ARGS, arg)) },
	[MSG_CALL_RESULT] = { "call-result",
			      LAYOUT(m_call_result, U64(m_call_result, call),
				     U8(m_call_result, verdict),
				     U8(m_call_result, executed),
				     STR(m_call_result, clause, REASON_MAX),
				     STR(m_call_result, reason, REASON_MAX),
				     U64(m_call_result, audit_index),
				     U64(m_call_result, ticket),
				     STR(m_call_result, text, LIMIT_RESULT)) },
	[MSG_WAIT] = { "wait",
		       LAYOUT(m_wait, U64(m_wait, call), U64(m_wait, ticket),
			      U32(m_wait, seconds)) },
	[MSG_ANSWER] = { "answer", L_TEXT },
	[MSG_ANSWER_OK] = { "answer-ok", L_EMPTY },
	[MSG_REVOKE] = { "revoke", L_EMPTY },
	[MSG_REVOKED] = { "revoked",
			  LAYOUT(m_revoked, U8(m_revoked, result),
				 STR(m_revoked, detail, REASON_MAX)) },
	[MSG_EFFECT] = { "effect",
			 LAYOUT(m_effect, U64(m_effect, effect),
				STR(m_effect, capability, LIMIT_NAME),
				STR(m_effect, reply_id, KEY_MAX),
				STR(m_effect, reply_refs, 2048),
				STR(m_effect, reply_subject, 1024),
				STR(m_effect, reply_thread, LIMIT_CHAT_ID),
				LIST(m_effect, args, LIMIT_ARGS, arg)) },
	[MSG_EFFECT_DONE] = { "effect-done",
			      LAYOUT(m_effect_done, U64(m_effect_done, effect),
				     U8(m_effect_done, state),
				     STR(m_effect_done, detail, REASON_MAX),
				     LIST(m_effect_done, args, LIMIT_ARGS,
					  arg)) },
	[MSG_C_STATUS] = { "c-status", L_EMPTY },
	[MSG_C_DOWN] = { "c-down", L_EMPTY },
	[MSG_C_KILL] = { "c-kill", L_LATCH },
	[MSG_C_REARM] = { "c-rearm", L_LATCH },
	[MSG_C_KEY] = { "c-key", L_EMPTY },
	[MSG_C_ITEMS] = { "c-items", L_EMPTY },
	[MSG_C_ITEM] = { "c-item",
			 LAYOUT(m_c_item, U64(m_c_item, item),
				U64(m_c_item, task),
				STR(m_c_item, source, LIMIT_NAME),
				STR(m_c_item, key, KEY_MAX),
				U64(m_c_item, size), U8(m_c_item, verdict),
				STR(m_c_item, fault, REASON_MAX),
				U64(m_c_item, reader_us),
				STR(m_c_item, planner, LIMIT_NAME),
				STR(m_c_item, answer, LIMIT_ANSWER),
				STR(m_c_item, envelope_from, 320)) },
	[MSG_C_REQUEST] = { "c-request",
			    LAYOUT(m_c_request, U64(m_c_request, item),
				   U64(m_c_request, task),
				   STR(m_c_request, capability, LIMIT_NAME),
				   LIST(m_c_request, args, LIMIT_ARGS, arg),
				   U8(m_c_request, verdict),
				   U8(m_c_request, executed),
				   STR(m_c_request, clause, REASON_MAX),
				   STR(m_c_request, reason, REASON_MAX),
				   U64(m_c_request, audit_index)) },
	[MSG_C_EFFECTS] = { "c-effects", L_S_GET },
	[MSG_C_EFFECT] = { "c-effect", L_E_ROW },
	[MSG_C_SETTLE] = { "c-settle", L_E_OUTCOME },
	[MSG_C_REPEAT] = { "c-repeat", L_S_REF },
	[MSG_C_APPROVALS] = { "c-approvals",
			      LAYOUT(m_c_approvals, U64(m_c_approvals, ticket),
				     U8(m_c_approvals, held),
				     U8(m_c_approvals, history),
				     U8(m_c_approvals, full),
				     U8(m_c_approvals, code)) },
	[MSG_C_APPROVAL] = { "c-approval",
			     LAYOUT(m_c_approval, U64(m_c_approval, ticket),
				    U64(m_c_approval, card),
				    U64(m_c_approval, button),
				    U64(m_c_approval, task),
				    U64(m_c_approval, item),
				    U64(m_c_approval, created_s),
				    U64(m_c_approval, expires_s),
				    U64(m_c_approval, ready_s),
				    U64(m_c_approval, due_s),
				    U64(m_c_approval, ended_s),
				    U64(m_c_approval, effect),
				    U64(m_c_approval, audit_index),
				    U8(m_c_approval, state),
				    U8(m_c_approval, undo),
				    U8(m_c_approval, remember),
				    U8(m_c_approval, show),
				    U32(m_c_approval, quorum),
				    U32(m_c_approval, votes),
				    U32(m_c_approval, times),
				    STR(m_c_approval, capability, LIMIT_NAME),
				    STR(m_c_approval, clause, REASON_MAX),
				    STR(m_c_approval, why, REASON_MAX),
				    STR(m_c_approval, code, 16),
				    STR(m_c_approval, text, LIMIT_CARD),
				    BYTES(m_c_approval, hash, 32)) },
	[MSG_C_APPROVE] = { "c-approve",
			    LAYOUT(m_c_approve, U64(m_c_approve, ticket),
				   U32(m_c_approve, uid),
				   U32(m_c_approve, times),
				   U8(m_c_approve, always),
				   STR(m_c_approve, code, 16),
				   BYTES(m_c_approve, hash, 32)) },
	[MSG_C_DECLINE] = { "c-decline",
			    LAYOUT(m_c_decline, U64(m_c_decline, ticket),
				   U32(m_c_decline, uid),
				   U8(m_c_decline, freeze)) },
	[MSG_C_TASK_RUN] = { "c-task-run",
			     LAYOUT(m_task_run, U64(m_task_run, item),
				    STR(m_task_run, text, LIMIT_INSTRUCTION),
				    STR(m_task_run, others,
					(size_t)8 * LIMIT_TASK_OTHERS)) },
	[MSG_C_TASKS] = { "c-tasks", L_S_REF },
	[MSG_C_TASK_CANCEL] = { "c-task-cancel", L_S_REF },
	[MSG_C_TASK] = { "c-task",
			 LAYOUT(m_c_task, U64(m_c_task, task),
				U64(m_c_task, item), U8(m_c_task, state),
				U8(m_c_task, own), U64(m_c_task, created_s),
				U64(m_c_task, ended_s), U32(m_c_task, calls),
				U32(m_c_task, forks), U32(m_c_task, bits),
				STR(m_c_task, label, LIMIT_TASK_LABEL),
				STR(m_c_task, text, LIMIT_INSTRUCTION),
				STR(m_c_task, answer, LIMIT_ANSWER),
				STR(m_c_task, fault, LIMIT_TASK_FAULT)) },
	[MSG_C_ASIDE] = { "c-aside", L_C_ASIDE },
	[MSG_C_ASIDE_ROW] = { "c-aside-row", LAYOUT(m_r_row, ROW_FIELDS) },
	[MSG_C_ERASE] = { "c-erase", L_C_ASIDE },
	[MSG_C_MEMORY] = { "c-memory", L_C_MEMORY },
	[MSG_C_NOTE] = { "c-note",
			 LAYOUT(m_c_note, STR(m_c_note, name, LIMIT_ROW_KEY),
				U64(m_c_note, kept_s), U64(m_c_note, task),
				U64(m_c_note, bytes),
				STR(m_c_note, from, LIMIT_RESULT),
				STR(m_c_note, text, LIMIT_RESULT)) },
	[MSG_C_FORGET] = { "c-forget", L_C_MEMORY },
	[MSG_C_OK] = { "c-ok", L_EMPTY },
	[MSG_C_FAIL] = { "c-fail", L_TEXT },
	[MSG_C_TEXT] = { "c-text", L_TEXT },
	[MSG_SPAN] = { "span",
		       LAYOUT(m_span, U8(m_span, from), U64(m_span, dropped),
			      U8(m_span, stage), U64(m_span, number),
			      U8(m_span, parent_stage),
			      U64(m_span, parent_number), U64(m_span, start_ns),
			      U64(m_span, took_ns), U8(m_span, outcome),
			      U64(m_span, vm), U8(m_span, start),
			      STR(m_span, name, LIMIT_NAME),
			      STR(m_span, what, LIMIT_LABEL)) },
	[MSG_SAMPLES] = { "samples", LAYOUT(m_samples, U8(m_samples, from),
					    U64(m_samples, dropped),
					    LIST(m_samples, rows, LIMIT_SAMPLES,
						 sample)) },
	[MSG_TELEMETRY] = { "telemetry", L_EMPTY },
	[MSG_CONNECT] = { "connect", L_EMPTY },
	[MSG_V_FILE] = { "v-file", LAYOUT(m_v_file, U8(m_v_file, what),
					  STR(m_v_file, name, KEY_MAX)) },
	[MSG_V_GIVE] = { "v-give",
			 LAYOUT(m_v_give, STR(m_v_give, connector, LIMIT_NAME),
				STR(m_v_give, secret, LIMIT_NAME),
				STR(m_v_give, hosts, LIMIT_HOSTS)) },
	[MSG_V_GIVEN] = { "v-given",
			  LAYOUT(m_v_given,
				 STR(m_v_given, connector, LIMIT_NAME),
				 STR(m_v_given, secret, LIMIT_NAME),
				 U8(m_v_given, ok),
				 STR(m_v_given, why, REASON_MAX)) },
	[MSG_SECRET] = { "secret",
			 LAYOUT(m_secret, STR(m_secret, value, LIMIT_SECRET)) },
	[MSG_N_ACCOUNT] = { "n-account",
			    LAYOUT(m_n_account,
				   STR(m_n_account, account, LIMIT_NAME),
				   STR(m_n_account, hosts, LIMIT_HOSTS),
				   U8(m_n_account, private_ok)) },
	[MSG_N_REFUSED] = { "n-refused",
			    LAYOUT(m_n_refused,
				   STR(m_n_refused, account, LIMIT_NAME),
				   STR(m_n_refused, host, DIAL_HOST),
				   U32(m_n_refused, port),
				   STR(m_n_refused, why, REASON_MAX)) },
	[MSG_DIAL] = { "dial", LAYOUT(m_dial, STR(m_dial, host, DIAL_HOST),
				      U32(m_dial, port)) },
	[MSG_DIALED] = { "dialed", L_TEXT },
	[MSG_DIAL_FAIL] = { "dial-fail", L_TEXT },
	[MSG_LINK] = { "link", LAYOUT(m_link, U8(m_link, state),
				      STR(m_link, detail, REASON_MAX),
				      U64(m_link, retry_s)) },
	[MSG_SKIPPED] = { "skipped",
			  LAYOUT(m_skipped, STR(m_skipped, key, KEY_MAX),
				 STR(m_skipped, why, REASON_MAX)) },
	[MSG_SAY] = { "say",
		      LAYOUT(m_say, U64(m_say, number), U8(m_say, kind),
			     STR(m_say, chat, LIMIT_CHAT_ID),
			     STR(m_say, thread, LIMIT_CHAT_ID),
			     STR(m_say, message, LIMIT_CHAT_ID),
			     STR(m_say, text, LIMIT_SAY),
			     LIST(m_say, buttons, LIMIT_BUTTONS, button)) },
	[MSG_SAID] = { "said",
		       LAYOUT(m_said, U64(m_said, number), U8(m_said, state),
			      STR(m_said, message, LIMIT_CHAT_ID),
			      STR(m_said, detail, REASON_MAX)) },
	[MSG_HEARD] = { "heard", LAYOUT(m_heard, U64(m_heard, number),
					U8(m_heard, kind), U8(m_heard, flags),
					STR(m_heard, id, LIMIT_CHAT_ID),
					STR(m_heard, sender, LIMIT_CHAT_ID),
					STR(m_heard, chat, LIMIT_CHAT_ID),
					STR(m_heard, message, LIMIT_CHAT_ID),
					STR(m_heard, press, LIMIT_CHAT_ID),
					STR(m_heard, data, BUTTON_DATA),
					STR(m_heard, text, LIMIT_CHAT_TEXT)) },
	[MSG_HEARD_OK] = { "heard-ok",
			   LAYOUT(m_heard_ok, U64(m_heard_ok, number)) },
	[MSG_L_CALL] = { "l-call",
			 LAYOUT(m_l_call, U64(m_l_call, call),
				U8(m_l_call, api), U8(m_l_call, stream),
				U32(m_l_call, tokens), U32(m_l_call, size),
				STR(m_l_call, model, LIMIT_NAME),
				STR(m_l_call, canaries, 256),
				U32(m_l_call, value)) },
	[MSG_L_DONE] = { "l-done",
			 LAYOUT(m_l_done, U64(m_l_done, call),
				U8(m_l_done, state), U32(m_l_done, status),
				U32(m_l_done, retry_s),
				STR(m_l_done, why, REASON_MAX),
				U8(m_l_done, went), U8(m_l_done, told),
				U32(m_l_done, input), U32(m_l_done, cache_read),
				U32(m_l_done, cache_write),
				U32(m_l_done, output), U32(m_l_done, said),
				BYTES(m_l_done, asked, 32),
				BYTES(m_l_done, got, 32), U8(m_l_done, canary),
				U8(m_l_done, form), U64(m_l_done, canary_task),
				U64(m_l_done, canary_item),
				U8(m_l_done, has_value),
				STR(m_l_done, value, LIMIT_VALUE)) },
};

static_assert(ARRAY_SIZE(layouts) == MSG_TYPE_MAX, "a row per message");
static_assert(ARRAY_SIZE(((struct m_s_state *)0)->ended) == ITEM_VERDICT_MAX,
	      "a count per verdict");

const char *msg_type_name(enum msg_type t)
{
	if (t <= MSG_NONE || t >= MSG_TYPE_MAX)
		return "unknown";
	return layouts[t].name;
}

const char *item_verdict_name(unsigned v)
{
	static const char *const names[] = {
		[ITEM_PENDING] = "pending",
		[ITEM_READ] = "read",
		[ITEM_REFUSED] = "refused",
		[ITEM_TASK_FAILED] = "task-failed",
		[ITEM_INTERRUPTED] = "interrupted",
		[ITEM_GIVEN_UP] = "given-up",
	};

	static_assert(ARRAY_SIZE(names) == ITEM_VERDICT_MAX, "a name each");
	return v < ITEM_VERDICT_MAX ? names[v] : "unknown";
}

const char *task_state_name(unsigned s)
{
	static const char *const names[] = {
		[TASK_QUEUED] = "queued",
		[TASK_RUNNING] = "running",
		[TASK_DONE] = "done",
		[TASK_FAILED] = "failed",
		[TASK_CANCELLED] = "cancelled",
		[TASK_INTERRUPTED] = "interrupted",
	};

	static_assert(ARRAY_SIZE(names) == TASK_STATE_MAX, "a name each");
	return s && s < TASK_STATE_MAX ? names[s] : "unknown";
}

const char *effect_state_name(unsigned s)
{
	static const char *const names[] = {
		[0] = "none",
		[EFFECT_PLANNED] = "planned",
		[EFFECT_STARTED] = "started",
		[EFFECT_DONE] = "done",
		[EFFECT_FAILED] = "failed",
		[EFFECT_UNKNOWN] = "unknown",
		[EFFECT_NOT_EXECUTED] = "not-executed",
		[EFFECT_SETTLED] = "settled",
	};

	static_assert(ARRAY_SIZE(names) == EFFECT_STATE_MAX, "a name each");
	return names[s < EFFECT_STATE_MAX ? s : 0];
}

void ticket_text(char ret[TICKET_TEXT], uint64_t ticket)
{
	(void)str_printf(ret, TICKET_TEXT, "q%" PRIu64, ticket);
}

uint64_t ticket_read(struct span text)
{
	uint64_t n;

	if (text.n < 2 || text.p[0] != 'q' || text.p[1] == '0' ||
	    num_parse(span_of(text.p + 1, text.n - 1), 1, INT64_MAX, &n) < 0)
		return 0;
	return n;
}

const char *latch_level_name(unsigned l)
{
	static const char *const names[] = {
		[0] = "none",	       [LATCH_CAPABILITY] = "capability",
		[LATCH_TASK] = "task", [LATCH_AGENT] = "agent",
		[LATCH_ALL] = "all",   [LATCH_REVOKE] = "all+revoke",
	};

	static_assert(ARRAY_SIZE(names) == LATCH_LEVEL_MAX, "a name each");
	return names[l < LATCH_LEVEL_MAX ? l : 0];
}

const char *item_sort_name(unsigned s)
{
	static const char *const names[] = {
		[0] = "unknown",
		[SORT_EMAIL] = "email",
		[SORT_TELEGRAM] = "telegram",
		[SORT_SLACK] = "slack",
	};

	static_assert(ARRAY_SIZE(names) == SORT_MAX, "a name each");
	return names[s < SORT_MAX ? s : 0];
}

const char *account_state_name(unsigned s)
{
	static const char *const names[] = {
		[0] = "none",
		[ACCOUNT_CONNECTING] = "connecting",
		[ACCOUNT_UP] = "up",
		[ACCOUNT_WAITING] = "waiting",
		[ACCOUNT_REFUSED] = "refused",
	};

	static_assert(ARRAY_SIZE(names) == ACCOUNT_STATE_MAX, "a name each");
	return names[s < ACCOUNT_STATE_MAX ? s : 0];
}

const char *revoked_name(unsigned r)
{
	static const char *const names[] = {
		[0] = "none",
		[REVOKED_NOTHING] = "nothing-to-revoke",
		[REVOKED_DONE] = "revoked",
		[REVOKED_FAILED] = "failed",
	};

	static_assert(ARRAY_SIZE(names) == REVOKED_MAX, "a name each");
	return names[r < REVOKED_MAX ? r : 0];
}

/* UNSAFE: base + field->off is inside the struct by the layout tables. */
static void put_struct(struct buf *b, const struct layout *l, const void *base);

static void put_field(struct buf *b, const struct field *f, const void *base)
{
	const uint8_t *at = (const uint8_t *)base + f->off;
	const struct span *s;
	uint32_t n, i;

	switch (f->kind) {
	case K_U8:
		buf_u8(b, *at);
		break;
	case K_U32:
		buf_u32(b, *(const uint32_t *)(const void *)at);
		break;
	case K_U64:
		buf_u64(b, *(const uint64_t *)(const void *)at);
		break;
	case K_BYTES:
		buf_put(b, at, f->max);
		break;
	case K_STR:
		s = (const struct span *)(const void *)at;
		if (s->n > f->max)
			b->bad = true;
		buf_blob(b, *s);
		break;
	case K_LIST:
		n = *(const uint32_t *)(const void *)((const uint8_t *)base +
						      f->n_off);
		if (n > f->max) {
			b->bad = true;
			break;
		}
		buf_u32(b, n);
		for (i = 0; i < n; i++)
			put_struct(b, f->elem, at + i * f->elem->size);
		break;
	}
}

static void put_struct(struct buf *b, const struct layout *l, const void *base)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		put_field(b, &l->fields[i], base);
}

static void get_struct(struct rd *rd, const struct layout *l, void *base);

static void get_field(struct rd *rd, const struct field *f, void *base)
{
	uint8_t *at = (uint8_t *)base + f->off;
	uint32_t n, i;

	switch (f->kind) {
	case K_U8:
		*at = rd_u8(rd);
		break;
	case K_U32:
		*(uint32_t *)(void *)at = rd_u32(rd);
		break;
	case K_U64:
		*(uint64_t *)(void *)at = rd_u64(rd);
		break;
	case K_BYTES:
		rd_copy(rd, at, f->max);
		break;
	case K_STR:
		*(struct span *)(void *)at = rd_blob(rd, f->max);
		break;
	case K_LIST:
		n = rd_count(rd, (uint32_t)f->max);
		*(uint32_t *)(void *)((uint8_t *)base + f->n_off) = n;
		for (i = 0; i < n && !rd->bad; i++)
			get_struct(rd, f->elem, at + i * f->elem->size);
		break;
	}
}

static void get_struct(struct rd *rd, const struct layout *l, void *base)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		get_field(rd, &l->fields[i], base);
}

void msg_encode(struct buf *b, const struct msg *m)
{
	size_t start = b->n;

	buf_u16(b, MSG_VERSION);
	buf_u16(b, (uint16_t)m->type);
	buf_put(b, m->ids.run, MSG_RUN);
	buf_u64(b, m->ids.task);
	buf_u64(b, m->ids.span);
	if (m->type <= MSG_NONE || m->type >= MSG_TYPE_MAX)
		b->bad = true;
	else
		put_struct(b, &layouts[m->type], &m->empty);
	if (b->n - start > LIMIT_MSG)
		b->bad = true;
}

int msg_decode(struct span bytes, struct msg *ret, const char **why)
{
	struct rd rd;
	uint16_t type;

	if (bytes.n > LIMIT_MSG) {
		*why = "message over the size limit";
		return -1;
	}
	rd_init(&rd, bytes);
	memset(&ret->ids, 0, sizeof(ret->ids));
	if (rd_u16(&rd) != MSG_VERSION) {
		*why = "message of another version";
		return -1;
	}
	type = rd_u16(&rd);
	rd_copy(&rd, ret->ids.run, MSG_RUN);
	ret->ids.task = rd_u64(&rd);
	ret->ids.span = rd_u64(&rd);
	if (rd.bad || type <= MSG_NONE || type >= MSG_TYPE_MAX) {
		*why = "unknown message type";
		return -1;
	}
	ret->type = (enum msg_type)type;
	get_struct(&rd, &layouts[type], &ret->empty);
	if (!rd_end(&rd)) {
		*why = "message fields do not match their layout";
		return -1;
	}
	return 0;
}
