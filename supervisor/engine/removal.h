/* removal - companies, agents and profiles go: what refers to them, and with cascade its end. */
#ifndef ENGINE_REMOVAL_H
#define ENGINE_REMOVAL_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

#define USERS_NAMED_MAX 5

/* What refers to something that is to go: how many, and the first few by name.  Zeroed at first. */
struct users {
    uint64_t count;
    uint32_t named;
    bool     is_declared; /* one of them is declared in the config file */
    bool     has_session; /* one is a session that is not closed */
    bool     is_awaited;  /* one is a gate, which no cascade changes */
    char     text[320];
};
void users_add(struct users *u, const char *what, struct view name);
void users_add_id(struct users *u, const char *what, uint64_t id);
/* How sessions are got out of the way, as a part of a hint; "" when there is none. */
const char *users_close_hint(const struct users *u);
/* E_IN_USE with the list, for `subject` (a sentence's), when there are any that cascade does not
 * take. */
enum errc users_judge(const struct users *u, const char *subject, bool cascade,
                      struct err *e) MUST_CHECK;

/* E_DECLARED_IN_CONFIG for what the config file declares, E_WRONG_STATE for what is built in. */
enum errc removal_refuse_declared(const struct object_entry *o, struct err *e) MUST_CHECK;
/* What is counted or indexed by the object and unfinished: jobs (not those of a handler) and
 * tickets, and what waits for approval; of a company goals and what it has to send, too; of a sink
 * what is to be sent to it, or asked of it. */
void removal_name_work(struct engine *en, const struct object_entry *o, struct users *u);
/* E_IN_USE with a list when something refers to the object; *is_used without an error when it may
 * go with cascade. */
enum errc removal_check(struct engine *en, const struct object_entry *o, bool cascade,
                        bool *is_used, struct err *e) MUST_CHECK;
/* Cancels what runs and is ready of the object, bounded; true when no job of it is left. */
bool removal_cancel_jobs(struct engine *en, const struct object_entry *o);
/* Cancels what waits of all objects that are being removed, bounded; goes on in the next turn. */
void removal_cancel_waiting(struct engine *en);
/* Marks the object: from now on it is found by no name, and each turn takes a part of what belongs
 * to it, until it is gone, too. */
void removal_begin(struct engine *en, uint32_t id);
/* A schedule goes with what it was for. */
void removal_of_schedule(struct engine *en, uint32_t id);

#endif
