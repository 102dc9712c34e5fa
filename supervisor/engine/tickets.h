/* tickets - pieces of work that an agent is assigned to (B3): one state table, and assignment,
 * which wakes the assignee in the same transaction.
 *
 *   open ──ASSIGN──▶ claimed ──START──▶ in_progress ──FINISH──▶ done ──DISPUTE──▶ disputed
 *
 * (see TICKET_EDGES for all pairs).  START is the start of a job of the ticket.  What the jobs of a
 * ticket use is added up in its row, attempt by attempt.  open_jobs counts its jobs that have not
 * ended; it changes with them and is recounted by fsck. */
#ifndef ENGINE_TICKETS_H
#define ENGINE_TICKETS_H

#include "supervisor/engine/feed.h"
#include "supervisor/engine/reads.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/turn.h"

// clang-format off
/*    E(from,        event,   to) */
#define TICKET_EDGES(E)                    \
    E(OPEN,        ASSIGN,  CLAIMED)       \
    E(OPEN,        START,   IN_PROGRESS)   \
    E(OPEN,        FINISH,  DONE)          \
    E(CLAIMED,     ASSIGN,  CLAIMED)       \
    E(CLAIMED,     START,   IN_PROGRESS)   \
    E(CLAIMED,     FINISH,  DONE)          \
    E(CLAIMED,     REOPEN,  OPEN)          /* nobody is assigned any more */ \
    E(IN_PROGRESS, ASSIGN,  CLAIMED)       \
    E(IN_PROGRESS, FINISH,  DONE)          \
    E(IN_PROGRESS, REOPEN,  OPEN)          \
    E(DONE,        DISPUTE, DISPUTED)      \
    E(DISPUTED,    ASSIGN,  CLAIMED)       \
    E(DISPUTED,    FINISH,  DONE)          \
    E(DISPUTED,    REOPEN,  OPEN)
/*    E(event,  the status that a request names for it) */
#define TICKET_EVENTS(E)          \
    E(ASSIGN,  "claimed")         \
    E(START,   "in_progress")     \
    E(FINISH,  "done")            \
    E(DISPUTE, "disputed")        \
    E(REOPEN,  "open")
// clang-format on

enum ticket_event {
#define E(event, status) TICKET_ON_##event,
    TICKET_EVENTS(E)
#undef E
        TICKET_EVENT_COUNT
};

const char *ticket_status_name(enum ticket_status s);
/* The table alone: E_WRONG_STATE, and nothing changed, for a pair that it does not list. */
enum errc ticket_step(struct ticket *k, enum ticket_event ev, struct err *e) MUST_CHECK;

/* The ticket that a request is about; E_NOT_FOUND when the actor may not see its company. */
enum errc ticket_get(struct txn *t, const struct actor *a, uint64_t id, struct ticket *out,
                     struct err *e) MUST_CHECK;
/* goal and ticket of a job to be made (0: none), judged together and set in its spec: a ticket
 * brings its goal. */
enum errc tickets_check_job(struct engine *en, uint32_t company, uint64_t goal, uint64_t ticket,
                            struct job_spec *spec, struct err *e) MUST_CHECK;
/* Whether the goal and the tickets above it are of its company, and it would be no deeper than
 * GOAL_DEPTH_MAX and not below itself; id 0: a new one. */
enum errc ticket_check_place(struct engine *en, const struct ticket *k, struct err *e) MUST_CHECK;
/* Whether the agent may have it: of the same company, with all capabilities that it requires. */
enum errc ticket_check_assignee(struct engine *en, uint32_t company, uint64_t required,
                                uint32_t agent, const char *field, struct err *e) MUST_CHECK;

/* The status that a client's request or a handler's effect asks for: open, in_progress, done or
 * disputed.  The ticket must be of this company.  done books the reward once. */
enum errc tickets_set_status(struct engine *en, uint32_t company, uint64_t id, struct view status,
                             struct err *e) MUST_CHECK;
/* A new open ticket; the caller has set what it is like. */
void ticket_write_new(struct engine *en, struct ticket *k);
/* It has its assignee from now on, and `job` wakes it. */
void ticket_claimed(struct engine *en, struct ticket *k, uint32_t agent, uint64_t job);

/* A job of a goal or a ticket has moved from `before`: counters, and START. */
void tickets_job_moved(struct engine *en, const struct job_state *j, enum job_state_id before);
/* What an attempt that ended has used. */
void tickets_charge(struct engine *en, uint64_t ticket, const struct attempt *used);

/* An event {ticket, title, status, goal, agent, job}. */
void feed_ticket(struct engine *en, enum feed_type type, const struct ticket *k);
/* For the handler's document; nil for ticket 0 or one that is gone. */
void tickets_put_document(struct objects *o, uint64_t ticket, struct buf *b);
void view_ticket(struct objects *o, const struct ticket *k, struct buf *b);
/* As audit rows show it; in the turn's memory. */
struct view ticket_pack(struct engine *en, const struct ticket *k);
/* A request's act on the ticket, which is now as *k says; before: packed, empty for a new one. */
void ticket_audit(struct engine *en, const struct actor *a, const char *action, struct view before,
                  const struct ticket *k);

enum errc on_ticket_add(struct engine *en, const struct actor *a, const struct msg_ticket_add *m,
                        struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_ticket_set(struct engine *en, const struct actor *a, const struct msg_ticket_set *m,
                        struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_ticket_assign(struct engine *en, const struct actor *a,
                           const struct msg_ticket_assign *m, struct buf *reply,
                           struct err *e) MUST_CHECK;

enum errc read_ticket_show(struct reading *r, const struct msg_ticket_show *m) MUST_CHECK;
enum errc read_ticket_list(struct reading *r, const struct msg_ticket_list *m) MUST_CHECK;

#endif
