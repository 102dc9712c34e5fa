/* approvals - what agents make by their effects and a person is to allow first (B7).
 *
 * A held effect is an APPROVAL row.  Granted, it acts then, with every rule that holds then;
 * denied, it does not.  Its effect row is written when it is decided: delivered, or rejected. */
#ifndef ENGINE_APPROVALS_H
#define ENGINE_APPROVALS_H

#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

/* What of an agent's own making waits: `none`, `schedules`, `all`. */
enum approval_rule { APPROVE_NONE, APPROVE_SCHEDULES, APPROVE_ALL };
/* APPROVE_NONE for an unknown word. */
enum approval_rule approval_rule_from(struct view word);

/* Whether an effect of this kind of the job waits for a person. */
bool approvals_holds(struct engine *en, const struct job_spec *from, enum effect_kind kind);
void approvals_request(struct engine *en, const struct job_spec *from, enum effect_kind kind,
                       struct view effect);

/* The object, an agent or a company, is being removed: what of it waits is denied.  False when the
 * turn's due work is used up before. */
bool approvals_end(struct engine *en, const struct object_entry *o);

enum errc on_approval_grant(struct engine *en, const struct actor *a,
                            const struct msg_approval_grant *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
enum errc on_approval_deny(struct engine *en, const struct actor *a,
                           const struct msg_approval_deny *m, struct buf *reply,
                           struct err *e) MUST_CHECK;
/* approval.list: the oldest first; by default those that wait. */
enum errc read_approval_list(struct reading *r, const struct msg_approval_list *m) MUST_CHECK;

#endif
