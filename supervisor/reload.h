/* reload - a whole new configuration in the place of the old one, or the old one kept (J6).
 *
 *     reload_begin   reads and checks it; the engine is asked
 *     reload_end     the engine has answered: the shell follows, or all stays as it was
 *
 * Pointers into the configuration of the start stay good: it is kept. */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include "supervisor/config/config.h"
#include "supervisor/inputs.h"

struct reload {
    const struct config_sources *sources;
    const struct config         *first;   /* of the start */
    struct config                current; /* in force; equal to *first until the first reload */
    bool                         has_current;
    struct config                next;
    struct buf                   warnings;
    bool                         is_pending;
    bool                         is_dry_run;
    bool                         was_again; /* since it is in force */
    void (*apply)(const struct config *c, struct buf *warnings, void *arg);
    void *arg;
};

/* apply puts settings of the shell into force that a reload may change. */
void reload_init(struct reload *r, const struct config_sources *sources, const struct config *first,
                 void (*apply)(const struct config *c, struct buf *warnings, void *arg), void *arg);
void reload_done(struct reload *r);
const struct config *reload_current(const struct reload *r);

/* tag: whom the engine answers.  E_BUSY while one is under way. */
enum errc reload_begin(struct reload *r, bool is_dry_run, uint64_t tag, struct inputs *q,
                       struct err *e) MUST_CHECK;
/* Gives the engine the one in force once more, see engine_wants_config(): at most once, and not
 * while another is under way. */
void reload_again(struct reload *r, uint64_t tag, struct inputs *q);
/* The engine refused it: the old one stays. */
void reload_refused(struct reload *r);
/* The engine took it, or would: appends {applied, plan, settings, warnings} to reply; engine_reply
 * is its {applied, plan}. */
void reload_taken(struct reload *r, struct view engine_reply, struct buf *reply);

#endif
