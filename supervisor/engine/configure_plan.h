/* configure_plan - what a reload changes: a step for each object that the file declares, or no
 * longer does. */
#ifndef ENGINE_CONFIGURE_PLAN_H
#define ENGINE_CONFIGURE_PLAN_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

#define LIMITS_NAME "limits" /* the one object of its kind */

enum action { ACTION_KEEP, ACTION_ADD, ACTION_CHANGE, ACTION_REMOVE, ACTION_LEAVE, ACTION_BAR };

struct step {
    enum action      action;
    enum object_kind kind;
    enum origin      origin; /* that it will have */
    uint32_t         id;     /* 0: to be made */
    uint32_t         company;
    struct view      company_name;
    struct view      name, spec;
    struct view      why;            /* what it is left for, a sentence */
    uint32_t         barred_by;      /* the object that has its name, or takes its company along */
    bool             timing_changed; /* of a schedule */
    struct step     *next;
};

struct plan {
    struct step *first, **last;
    bool         is_start; /* nobody is there to make way for it */
};

/* At a start there is nobody yet to end what a removal would wait for: the steps that remove what
 * is needed, and what that refers to, become ACTION_LEAVE. */
void plan_leave_needed(struct engine *en, const struct plan *p);

/* Does such a step: an object that is gone from the file and needed is left as it is, and fires no
 * more; one whose name is not free is not made.  Both are logged and kept for configure_warn(). */
void plan_leave(struct engine *en, const struct step *s);
void plan_bar(struct engine *en, const struct step *s);

/* What goes must not be needed any more (B1): by jobs, tickets or goals that are unfinished, or by
 * what was made through the API.  E_IN_USE with the list of what needs the first that is needed. */
enum errc plan_check_removals(struct engine *en, const struct plan *p, struct err *e) MUST_CHECK;

#endif
