#include "supervisor/engine/dispatch.h"

#include "supervisor/engine/attempt.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/leases.h"
#include "supervisor/engine/reasons.h"

#include <assert.h>

/* Of one turn (N6); the rest follows in the next. */
#define LOOKS_MAX   1000 /* lanes that are looked at */
#define RECHECK_MAX 256  /* limits that are looked at again when all are to be */
#define RETRY_MAX   256  /* lanes that budgets block, when all are to be tried */

/* An agentd before schema 5 put it into a lane of no schedule: it waits in another. */
static bool
belongs_elsewhere(struct engine *en, struct job_state *j)
{
    uint32_t lane = j->lane;

    if (j->schedule == 0) return false;
    lane_of(en, j);
    if (j->lane == lane) return false;
    job_state_save(turn_txn(en), j);
    lane_touch(en, lane);
    lane_joined(en, j->lane);
    return true;
}

/* False for a job that is damaged: it must not stop the others.  Its lane looks for its head again;
 * a damaged row is quarantined with its index entry after the turn. */
static bool
start_head(struct engine *en, struct lane_turn *l, unsigned worker)
{
    struct job_state j = {.id = l->row.head};

    if (job_state_load(en->turn.txn, &j) != LOAD_FOUND || j.state != JOB_READY) return false;
    if (belongs_elsewhere(en, &j)) return false;
    if (attempt_start(en, &j, worker)) return true;
    attempt_impossible(en, &j);
    return false;
}

/* Among the lanes of a company that one limit held, only the best competes at first; the others
 * follow while the limit has room, so that none of them waits behind what should start after it. */
static void
let_next_compete(struct engine *en, struct snapshot *s, struct lane_turn *l)
{
    uint8_t  predicate;
    uint32_t on;

    if (lane_was_freed(l, &predicate, &on) && snapshot_room(s, predicate, on) > 0)
        lanes_unblock_next(en, l);
}

/* The lane that a worker is kept for goes first when that worker is free, since what goes before it
 * in order may not use it. */
static struct lane_turn *
kept_lane(struct engine *en)
{
    struct lane_turn *l = en->memory.kept_for ? lane_get(en, en->memory.kept_for) : NULL;

    return l && l->row.head && l->row.blocked_by == HELD_NOT && !l->is_skipped ? l : NULL;
}

/* The best lane, or NULL: *is_held tells whether something holds all that are left. */
static struct lane_turn *
next_lane(struct engine *en, struct snapshot *s, bool *is_held)
{
    struct lane_turn *l = lanes_pick(en);
    struct finding    f;

    *is_held = l && snapshot_blocks(s, PASS, &l->row, HELD_NOT, &f);
    if (!*is_held) return l;
    l = kept_lane(en);
    return l && !snapshot_blocks(s, PASS, &l->row, HELD_NOT, &f) ? l : NULL;
}

static void
hold(struct engine *en, struct lane_turn *l, const struct finding *f)
{
    struct memory *m = &en->memory;

    lane_block(en, l, (uint8_t)f->predicate, f->on);
    if (f->predicate == HELD_ALONE) {
        fleet_keep(m, &l->row);
    } else if (m->kept_for == l->row.id) {
        m->kept_for = 0;
    }
}

/* False when its head cannot be started. */
static bool
start(struct engine *en, struct snapshot *s, struct lane_turn *l)
{
    struct memory *m = &en->memory;
    int worker = fleet_pick(m, l->row.flags & JOB_FLAG_ALONE, fleet_may_use_kept(m, &l->row));

    assert(worker >= 0); /* or NO_SLOT or ALONE would have held it */
    if (m->kept_for == l->row.id) m->kept_for = 0;
    if (!start_head(en, l, (unsigned)worker)) {
        lane_skip_head(en, l);
        return false;
    }
    snapshot_add(s, &l->row);
    lane_served(en, l);
    return true;
}

/* It did not fit in a budget before this turn, nor does it now. */
static bool
is_misfit_still(const struct lane_turn *l)
{
    return l->did_not_fit && l->row.blocked_by == l->stored.blocked_by &&
           l->row.blocked_on == l->stored.blocked_on;
}

enum ending { NONE_LEFT, ALL_HELD, LOOKED_ENOUGH };

/* Starts what can start; tells why it ended.  What still does not fit in a budget has its own
 * bound. */
static enum ending
start_all(struct engine *en, struct snapshot *s)
{
    struct finding    f;
    struct lane_turn *l;
    bool              is_held;

    for (uint32_t looks = 0; looks < LOOKS_MAX; looks++) {
        l = next_lane(en, s, &is_held);
        if (!l) return is_held ? ALL_HELD : NONE_LEFT;
        if (snapshot_blocks(s, LANE, &l->row, HELD_NOT, &f)) {
            hold(en, l, &f);
            if (is_misfit_still(l)) looks--;
        } else {
            (void)start(en, s, l);
        }
        let_next_compete(en, s, l);
    }
    en->turn.due_again = true;
    return LOOKED_ENOUGH;
}

/* Lanes whose limit has room again compete again; the best of each company first, the others when
 * room is left. */
static unsigned
unblock_released(struct engine *en, struct snapshot *s)
{
    unsigned n = 0;

    for (size_t i = 0; i < en->turn.released_count; i++) {
        const struct released *r = &en->turn.released[i];

        if (snapshot_room(s, r->predicate, r->on) > 0) n += lanes_unblock(en, r->predicate, r->on);
    }
    return n;
}

static void
recheck(struct engine *en, uint8_t predicate, uint32_t on)
{
    limit_released(en, predicate, on);
    if (predicate_is_budget(predicate)) budget_holds_until(en, on);
}

/* Only the worker that is kept has a slot: for what goes before the job it is kept for. */
static bool
has_kept_only(const struct memory *m)
{
    return fleet_free_slots(m, false) == 0 && fleet_free_slots(m, true) > 0;
}

/* What is left goes behind that job: idle turns need not look at it (N9). */
static void
recheck_unkept(struct memory *m)
{
    if (!m->recheck_unkept || m->kept_priority > m->recheck_below)
        m->recheck_below = m->kept_priority;
    m->recheck_unkept = true;
}

/* True when what waited so is to be looked at. */
static bool
has_come_free(struct memory *m)
{
    if (!m->recheck_unkept || fleet_free_slots(m, true) == 0) return false;
    if (has_kept_only(m) && m->kept_priority >= m->recheck_below) return false;
    m->recheck_unkept = false;
    m->recheck_limits = true;
    return true;
}

/* Every limit that blocks lanes is to be looked at: some of them. */
static void
recheck_some(struct engine *en)
{
    struct memory *m = &en->memory;

    if (m->recheck_limits && !m->is_rechecking) {
        m->recheck_limits = false;
        m->is_rechecking = true;
    }
    if (!m->is_rechecking) return;
    lanes_each_block(en, &m->recheck_at, RECHECK_MAX, recheck);
    m->is_rechecking = m->recheck_at.predicate != 0;
    if (m->is_rechecking || m->recheck_limits) en->turn.due_again = true;
}

/* A budget had more lanes to try than one pass does: each that a budget blocks is tried, in turns.
 * More than there are free slots for cannot start, so no more are freed. */
static void
retry_some(struct engine *en)
{
    struct memory *m = &en->memory;
    bool           kept_only = has_kept_only(m);

    if (m->retry_at.id == 0) {
        if (!m->retry_budgets) return;
        m->retry_budgets = false;
    }
    if (kept_only) recheck_unkept(m);
    lanes_retry_budgets(en, &m->retry_at, RETRY_MAX, fleet_free_slots(m, kept_only));
    if (m->retry_at.id || m->retry_budgets) en->turn.due_again = true;
}

/* After the pass: a budget with room blocks more lanes than were tried. */
static void
note_untried(struct engine *en, struct snapshot *s)
{
    for (size_t i = 0; i < en->turn.released_count; i++) {
        const struct released *r = &en->turn.released[i];

        if (predicate_is_budget(r->predicate) && snapshot_room(s, r->predicate, r->on) == 0 &&
            budget_has_room(&en->turn.objects, r->on) &&
            lanes_are_blocked(en, r->predicate, r->on)) {
            en->memory.retry_budgets = true;
            en->turn.due_again = true;
            return;
        }
    }
}

/* What was released and could not be seen to in this turn. */
static bool
is_unserved(struct engine *en, struct snapshot *s)
{
    for (size_t i = 0; i < en->turn.released_count; i++) {
        const struct released *r = &en->turn.released[i];

        if (snapshot_room(s, r->predicate, r->on) > 0 &&
            lanes_are_blocked(en, r->predicate, r->on)) {
            return true;
        }
    }
    return false;
}

/* While everything is held no lane can start, but a limit that has ended must not stay its reason.
 * What only has room again matters when that lasts: a busy fleet fills it with the next slot. */
static void
let_go(struct engine *en, struct snapshot *s)
{
    bool is_stopped = en->memory.is_draining || en->memory.meta.stops & (STOP_NEW | STOP_DRAIN);

    for (size_t i = 0; i < en->turn.released_count; i++) {
        const struct released *r = &en->turn.released[i];
        int64_t                room = snapshot_room(s, r->predicate, r->on);

        if (room == INT64_MAX && !predicate_is_budget(r->predicate)) {
            lanes_unblock_all(en, r->predicate, r->on);
        } else if (room > 0 && is_stopped) {
            (void)lanes_unblock(en, r->predicate, r->on);
        }
    }
    /* What was released now must not be forgotten when something can start again. */
    en->memory.recheck_limits |= en->turn.released_count > 0;
}

static void
review_kept(struct engine *en)
{
    struct lane_turn *l;

    if (!en->memory.kept_for) return;
    l = lane_get(en, en->memory.kept_for);
    if (l) lane_find_head(en, l);
    fleet_review_kept(&en->memory, l ? &l->row : NULL);
}

static bool
has_work(struct engine *en)
{
    const struct memory *m = &en->memory;

    return m->recheck_limits || m->is_rechecking || m->retry_budgets || m->retry_at.id ||
           en->turn.released_count || lanes_pick(en);
}

static void
start_released(struct engine *en, struct snapshot *s)
{
    struct memory *m = &en->memory;
    enum ending    ending;

    do {
        (void)unblock_released(en, s);
        ending = start_all(en, s);
    } while (ending == NONE_LEFT && unblock_released(en, s));
    if (ending == NONE_LEFT || !is_unserved(en, s)) return;
    if (ending == ALL_HELD && has_kept_only(m)) {
        recheck_unkept(m);
    } else {
        m->recheck_limits = true;
    }
}

static void
start_what_can(struct engine *en)
{
    struct memory  *m = &en->memory;
    struct snapshot s;
    struct finding  f;
    bool            is_held =
        m->is_draining || m->meta.stops & (STOP_NEW | STOP_DRAIN) || fleet_free_slots(m, true) == 0;

    if (is_held && !en->turn.released_count) return;
    if (!is_held) {
        review_kept(en);
        (void)has_come_free(m);
    }
    if (!has_work(en)) return;
    snapshot_take(&s, m, &en->turn.objects);
    /* Nothing can start: the lanes stay as they are, or each turn would move a few of them (N9). */
    if (is_held || snapshot_blocks(&s, PASS, NULL, HELD_NOT, &f)) {
        let_go(en, &s);
        return;
    }
    recheck_some(en);
    retry_some(en);
    start_released(en, &s);
    note_untried(en, &s);
    if (has_come_free(m)) en->turn.due_again = true;
}

/* What holds everything while something waits to start. */
static void
note_what_holds_all(struct engine *en)
{
    struct snapshot         s = {.memory = &en->memory, .objects = &en->turn.objects};
    struct finding          f = {0};
    const struct lane_turn *l = lanes_pick(en);

    if (l) {
        /* Without a free slot, what needs no count comes first. */
        if (fleet_free_slots(&en->memory, true) > 0)
            snapshot_take(&s, &en->memory, &en->turn.objects);
        if (!snapshot_blocks(&s, PASS, &l->row, HELD_NOT, &f)) f.predicate = HELD_NOT;
    }
    reason_all(en, (uint8_t)f.predicate);
}

void
dispatch_run(struct engine *en)
{
    start_what_can(en);
    note_what_holds_all(en);
    en->turn.released_count = 0; /* seen to, or remembered by recheck_limits */
}
