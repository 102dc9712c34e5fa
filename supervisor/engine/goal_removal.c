#include "supervisor/engine/goal_removal.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/goals.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/removal.h"
#include "supervisor/engine/tickets.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what is below ---------------------------------------------------------------- */

/* A goal or a ticket and all below it, at most READ_ROWS_MAX of them. */
struct tree {
    struct txn  *txn;
    uint32_t     company;
    uint64_t    *goals, *tickets;
    uint32_t     goal_count, ticket_count;
    struct idmap seen; /* tickets: one may be of a goal and below another ticket */
    bool         is_cut;
};

static bool
has_room(struct tree *t)
{
    if (t->goal_count + t->ticket_count >= READ_ROWS_MAX) t->is_cut = true;
    return !t->is_cut;
}

static void
add_ticket(struct tree *t, uint64_t id)
{
    if (idmap_get(&t->seen, id) || !has_room(t)) return;
    t->tickets[t->ticket_count] = id;
    idmap_put(&t->seen, txn_arena(t->txn), id, &t->tickets[t->ticket_count++]);
}

static void
add_goals_below(struct tree *t, uint64_t goal)
{
    struct goal key = {.company = t->company, .parent = goal};
    struct scan s;

    scan_open(&s, t->txn, INDEX_goal_by_parent, &key, 2, 2);
    while (!t->is_cut && scan_next_key(&s, &key)) {
        if (has_room(t)) t->goals[t->goal_count++] = key.id;
    }
    scan_close(&s);
}

static void
add_tickets(struct tree *t, enum index_id index, struct ticket key)
{
    struct scan s;

    scan_open(&s, t->txn, index, &key, 1, 1);
    while (!t->is_cut && scan_next_key(&s, &key))
        add_ticket(t, key.id);
    scan_close(&s);
}

/* Beginning at a goal or at a ticket; the other is 0. */
static void
look_below(struct tree *t, struct txn *txn, uint32_t company, uint64_t goal, uint64_t ticket)
{
    *t = (struct tree){.txn = txn, .company = company};
    t->goals = arena_alloc(txn_arena(txn), READ_ROWS_MAX * sizeof(*t->goals));
    t->tickets = arena_alloc(txn_arena(txn), READ_ROWS_MAX * sizeof(*t->tickets));
    if (goal) t->goals[t->goal_count++] = goal;
    if (ticket) add_ticket(t, ticket);
    for (uint32_t i = 0; i < t->goal_count && !t->is_cut; i++) {
        add_goals_below(t, t->goals[i]);
        add_tickets(t, INDEX_ticket_by_goal, (struct ticket){.goal = t->goals[i]});
    }
    for (uint32_t i = 0; i < t->ticket_count && !t->is_cut; i++)
        add_tickets(t, INDEX_ticket_by_parent, (struct ticket){.parent = t->tickets[i]});
}

/* ---- what uses it ----------------------------------------------------------------- */

static void
name_jobs(struct txn *t, enum index_id index, struct job_state key, uint64_t count, struct users *u)
{
    struct scan s;

    scan_open(&s, t, index, &key, 1, 1);
    while (u->named < USERS_NAMED_MAX && scan_next_key(&s, &key))
        users_add_id(u, "job", key.id);
    scan_close(&s);
    if (count > u->count) u->count = count;
}

/* The unfinished ones below the first of the tree. */
static void
name_tree(const struct tree *t, struct users *u)
{
    for (uint32_t i = 0; i < t->goal_count; i++) {
        struct goal g = {.id = t->goals[i]};
        bool        is_root = i == 0;

        if (!is_root && goal_load(t->txn, &g) == LOAD_FOUND &&
            (g.status == GOAL_OPEN || g.open_jobs)) {
            users_add_id(u, "goal", g.id);
        }
    }
    for (uint32_t i = 0; i < t->ticket_count; i++) {
        struct ticket k = {.id = t->tickets[i]};
        bool          is_root = i == 0 && t->goal_count == 0;

        if (!is_root && ticket_load(t->txn, &k) == LOAD_FOUND &&
            (k.status != TICKET_DONE || k.open_jobs)) {
            users_add_id(u, "ticket", k.id);
        }
    }
    if (t->is_cut) users_add(u, "more goals and tickets", view_str("than can be looked at"));
}

/* Whether a ticket is within the tree, found from the ticket upwards. */
static bool
is_within(struct txn *t, uint64_t ticket, uint64_t goal_root, uint64_t ticket_root)
{
    for (uint32_t n = 0; ticket && n < GOAL_DEPTH_MAX; n++) {
        struct ticket k = {.id = ticket};

        if (ticket == ticket_root) return true;
        if (ticket_load(t, &k) != LOAD_FOUND) return false;
        if (goal_root && k.goal && goal_is_within(t, k.goal, goal_root)) return true;
        ticket = k.parent;
    }
    return false;
}

static void
name_routine(struct engine *en, uint32_t id, struct users *u)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);

    users_add(u, "routine", objects_ref(&en->turn.objects, id));
    u->is_declared |= o && o->row.origin == ORIGIN_CONFIG;
}

/* A routine is listed once, by what its tickets serve or else by what they are below. */
static void
name_routines(struct engine *en, uint64_t goal, uint64_t ticket, struct users *u)
{
    struct txn     *t = turn_txn(en);
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, t, INDEX_schedule_by_goal, &run, 0, 0);
    while (goal && scan_next_key(&s, &run)) {
        if (goal_is_within(t, run.goal, goal)) name_routine(en, run.id, u);
    }
    scan_close(&s);
    run = (struct schedule){0};
    scan_open(&s, t, INDEX_schedule_by_ticket, &run, 0, 0);
    while (scan_next(&s, &run)) {
        if (goal && run.goal && goal_is_within(t, run.goal, goal)) continue;
        if (is_within(t, run.ticket, goal, ticket)) name_routine(en, run.id, u);
    }
    scan_close(&s);
}

/* ---- a step each turn ------------------------------------------------------------- */

/* Whether this turn may do more; else the next one goes on.  Marking leaves half of a turn to what
 * is marked already, so that it does not grow. */
static bool
may_do(struct engine *en, uint32_t but)
{
    if (en->turn.due_left > but) return true;
    en->turn.due_again = true;
    return false;
}

static bool
mark_goals(struct engine *en, const struct goal *g)
{
    struct goal below = {.company = g->company, .parent = g->id};
    struct scan s;
    bool        is_all = true;

    scan_open(&s, turn_txn(en), INDEX_goal_by_parent, &below, 2, 2);
    while (is_all && scan_next(&s, &below)) {
        if (below.removing) continue;
        is_all = may_do(en, TURN_DUE_MAX / 2);
        if (!is_all) break;
        below.removing = 1;
        goal_save(turn_txn(en), &below);
        en->turn.due_left--;
    }
    scan_close(&s);
    return is_all;
}

static bool
mark_tickets(struct engine *en, enum index_id index, struct ticket below)
{
    struct scan s;
    bool        is_all = true;

    scan_open(&s, turn_txn(en), index, &below, 1, 1);
    while (is_all && scan_next(&s, &below)) {
        if (below.removing) continue;
        is_all = may_do(en, TURN_DUE_MAX / 2);
        if (!is_all) break;
        below.removing = 1;
        ticket_save(turn_txn(en), &below);
        en->turn.due_left--;
    }
    scan_close(&s);
    return is_all;
}

static bool
remove_routines(struct engine *en, enum index_id index, struct schedule run)
{
    struct scan s;
    bool        is_all = true;

    scan_open(&s, turn_txn(en), index, &run, 1, 1);
    while (is_all && scan_next_key(&s, &run)) {
        is_all = may_do(en, 0);
        if (is_all) removal_of_schedule(en, run.id);
    }
    scan_close(&s);
    return is_all;
}

/* True when none is left; those that run end first. */
static bool
cancel_jobs(struct engine *en, enum index_id index, struct job_state j, const char *message)
{
    struct scan s;
    struct err  e = {0};
    bool        is_none = true;

    scan_open(&s, turn_txn(en), index, &j, 1, 1);
    while (scan_next(&s, &j)) {
        if (j.state == JOB_RUNNING) is_none = false;
        if (j.state == JOB_RUNNING && j.stop_reason != FAIL_NONE) continue;
        if (!may_do(en, 0)) {
            is_none = false;
            break;
        }
        if (job_cancel(en, &j, message, &e) == E_OK) en->turn.due_left--;
    }
    scan_close(&s);
    return is_none;
}

static void
remove_goal(struct engine *en, uint64_t id)
{
    struct goal g = {.id = id};
    bool        is_free;

    if (goal_load(turn_txn(en), &g) != LOAD_FOUND) return;
    is_free = mark_goals(en, &g);
    is_free &= mark_tickets(en, INDEX_ticket_by_goal, (struct ticket){.goal = id});
    is_free &= remove_routines(en, INDEX_schedule_by_goal, (struct schedule){.goal = id});
    is_free &=
        cancel_jobs(en, INDEX_job_by_goal, (struct job_state){.goal = id}, "its goal was removed");
    if (!is_free || !may_do(en, 0)) return;
    feed_goal(en, FEED_GOAL_REMOVED, &g);
    (void)goal_delete(turn_txn(en), &g);
    en->turn.due_left--;
}

static void
remove_ticket(struct engine *en, uint64_t id)
{
    struct ticket k = {.id = id};
    bool          is_free;

    if (ticket_load(turn_txn(en), &k) != LOAD_FOUND) return;
    is_free = mark_tickets(en, INDEX_ticket_by_parent, (struct ticket){.parent = id});
    is_free &= remove_routines(en, INDEX_schedule_by_ticket, (struct schedule){.ticket = id});
    is_free &= cancel_jobs(en, INDEX_job_by_ticket, (struct job_state){.ticket = id},
                           "its ticket was removed");
    if (!is_free || !may_do(en, 0)) return;
    feed_ticket(en, FEED_TICKET_REMOVED, &k);
    (void)ticket_delete(turn_txn(en), &k);
    en->turn.due_left--;
}

bool
goal_removals_are_left(struct engine *en)
{
    struct goal   g = {0};
    struct ticket k = {0};
    struct scan   s;
    bool          is_left;

    scan_open(&s, turn_txn(en), INDEX_goal_removing, &g, 0, 0);
    is_left = scan_next_key(&s, &g);
    scan_close(&s);
    scan_open(&s, turn_txn(en), INDEX_ticket_removing, &k, 0, 0);
    is_left |= scan_next_key(&s, &k);
    scan_close(&s);
    return is_left;
}

bool
goal_removals(struct engine *en)
{
    struct goal   g = {0};
    struct ticket k = {0};
    struct scan   s;
    uint32_t      left = en->turn.due_left;

    scan_open(&s, turn_txn(en), INDEX_goal_removing, &g, 0, 0);
    while (scan_next_key(&s, &g) && may_do(en, 0))
        remove_goal(en, g.id);
    scan_close(&s);
    scan_open(&s, turn_txn(en), INDEX_ticket_removing, &k, 0, 0);
    while (scan_next_key(&s, &k) && may_do(en, 0))
        remove_ticket(en, k.id);
    scan_close(&s);
    if (!goal_removals_are_left(en)) return false;
    /* What was marked behind the scan's back, and what waited for it. */
    if (en->turn.due_left < left) en->turn.due_again = true;
    return true;
}

/* ---- requests --------------------------------------------------------------------- */

static void
answer(struct buf *reply, uint64_t id, bool is_pending)
{
    struct mp_open_map map = mp_open(reply);

    mp_put_u64(reply, &map, "removed", id);
    mp_put_bool(reply, &map, "pending", is_pending);
    mp_close(reply, &map);
}

enum errc
on_goal_remove(struct engine *en, const struct actor *a, const struct msg_goal_remove *m,
               struct buf *reply, struct err *e)
{
    struct buf before BUF_AUTO = {0};
    struct users      u = {0};
    struct tree       tree;
    struct goal       g;
    char              subject[40];

    if (goal_get(turn_txn(en), a, m->id, &g, e)) return e->code;
    look_below(&tree, turn_txn(en), g.company, g.id, 0);
    name_jobs(turn_txn(en), INDEX_job_by_goal, (struct job_state){.goal = g.id}, g.open_jobs, &u);
    name_tree(&tree, &u);
    name_routines(en, g.id, 0, &u);
    snprintf(subject, sizeof(subject), "goal %" PRIu64, g.id);
    if (users_judge(&u, subject, m->cascade, e)) return e->code;
    view_goal(&en->turn.objects, &g, &before);
    g.removing = 1;
    goal_save(turn_txn(en), &g);
    removals_begin(en);
    audit_put_id(en, a, "goal.remove", g.company, "goal", g.id, buf_view(&before),
                 (struct view){0});
    answer(reply, g.id, u.count > 0);
    return E_OK;
}

enum errc
on_ticket_remove(struct engine *en, const struct actor *a, const struct msg_ticket_remove *m,
                 struct buf *reply, struct err *e)
{
    struct buf before BUF_AUTO = {0};
    struct users      u = {0};
    struct tree       tree;
    struct ticket     k;
    char              subject[40];

    if (ticket_get(turn_txn(en), a, m->id, &k, e)) return e->code;
    look_below(&tree, turn_txn(en), k.company, 0, k.id);
    name_jobs(turn_txn(en), INDEX_job_by_ticket, (struct job_state){.ticket = k.id}, k.open_jobs,
              &u);
    name_tree(&tree, &u);
    name_routines(en, 0, k.id, &u);
    snprintf(subject, sizeof(subject), "ticket %" PRIu64, k.id);
    if (users_judge(&u, subject, m->cascade, e)) return e->code;
    view_ticket(&en->turn.objects, &k, &before);
    k.removing = 1;
    ticket_save(turn_txn(en), &k);
    removals_begin(en);
    audit_put_id(en, a, "ticket.remove", k.company, "ticket", k.id, buf_view(&before),
                 (struct view){0});
    answer(reply, k.id, u.count > 0);
    return E_OK;
}
