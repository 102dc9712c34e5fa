/* audit - who did what to the daemon, its objects and others' jobs (K2): a row per administrative
 * act, in the act's own transaction.
 *
 *     audit_put(en, a, "schedule.pause", company, name, audit_pause(en, false, no_reason),
 *               audit_pause(en, true, reason));
 *
 * A refused request makes no row.  Rows go by keep_audit_ms (retention.h). */
#ifndef ENGINE_AUDIT_H
#define ENGINE_AUDIT_H

#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

/* action: as the operation is called; company 0: of no company.  before and after are packed
 * values, empty where there is nothing to say. */
void audit_put(struct engine *en, const struct actor *a, const char *action, uint32_t company,
               struct view subject, struct view before, struct view after);
/* The same of an object with a number: subject "job 42". */
void audit_put_id(struct engine *en, const struct actor *a, const char *action, uint32_t company,
                  const char *what, uint64_t id, struct view before, struct view after);

/* Maps of one pair, good until the turn ends. */
struct view audit_str(struct engine *en, const char *key, struct view value);
struct view audit_i64(struct engine *en, const char *key, int64_t value);
struct view audit_bool(struct engine *en, const char *key, bool value);
/* {paused, reason}: as it was, or is. */
struct view audit_pause(struct engine *en, bool is_paused, struct view reason);

/* audit.list: the newest first. */
enum errc read_audit_list(struct reading *r, const struct msg_audit_list *m) MUST_CHECK;

#endif
