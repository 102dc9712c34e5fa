/* What comes of the jobs of schedules. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- the shadow (C5) ------------------------------------------------------------------------- */

bool
m_is_in_shadow(struct model *m, int object)
{
    const struct m_object *o = m_object(m, object);

    return !o->is_gone && o->declared.schedule.shadow &&
           !m->schedules.items[o->schedule].is_promoted;
}

/* Good runs in a row promote it; one that was cancelled or not started is neither good nor bad. */
static void
prove(struct model *m, struct m_schedule *s, const struct m_job *j)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;

    if (!m_is_in_shadow(m, s->object)) return;
    if (j->state == JOB_FAILED) s->shadow_runs = 0;
    if (j->state != JOB_COMPLETED) return;
    s->shadow_runs++;
    if (HAS(d, schedule, shadow_runs) && s->shadow_runs >= d->shadow_runs) s->is_promoted = true;
}

/* ---- alerts (C15) ---------------------------------------------------------------------------- */

bool
m_reaches(uint32_t n, int64_t limit)
{
    return limit != NO_LIMIT && n >= limit;
}

void
m_alert(struct model *m, struct m_schedule *s, bool is_pause)
{
    int64_t since = m->now.wall_ms - s->alerted_at;

    if (!is_pause && s->alerted_at && since >= 0 && since < m->limits.alert_cooldown_ms) return;
    s->alerted_at = m->now.wall_ms;
    s->is_alerted = true;
    m_note(m, s->object);
}

/* ---- overdue (C5) ---------------------------------------------------------------------------- */

void
m_excuse(struct m_schedule *s)
{
    if (!s->is_overdue) s->overdue_at = 0;
}

/* Of times that share a row the last of those that came at once counts: the row tells. */
void
m_expect_success(struct model *m, struct m_schedule *s, const struct firing *row, int64_t first)
{
    const struct m_object *o = m_object(m, s->object);
    int64_t                ms = o->declared.schedule.overdue_ms, low = first + ms;
    struct schedule        stored = {.id = o->id};

    s->is_touched = true;
    if (s->is_paused || m_is_firing_held(m, o) || row->gated) {
        m_excuse(s);
        return;
    }
    if (row->outcome == FIRING_SUPPRESSED && row->nominal_at < s->idle_until &&
        s->cursor < s->idle_until)
        return;
    if (ms == 0 || s->overdue_at || view_is(row->reason, "paused")) return;
    s->overdue_at = s->cursor + ms;
    if (first == s->cursor || schedule_by_id(m->txn, &stored) != LOAD_FOUND) return;
    if (stored.overdue_at >= low && stored.overdue_at < s->overdue_at)
        s->overdue_at = stored.overdue_at;
}

void
m_overdue_changed(struct model *m, struct m_schedule *s, int64_t from_ms, int64_t to_ms)
{
    if (s->overdue_at == 0 || from_ms == to_ms) return;
    s->overdue_at = to_ms ? s->overdue_at - from_ms + to_ms : 0;
    if (s->overdue_at == 0 || s->overdue_at > m->now.wall_ms) s->is_overdue = false;
}

static struct m_schedule *
next_overdue(struct model *m)
{
    struct m_schedule *best = NULL;

    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule *s = &m->schedules.items[i];

        if (m_object(m, s->object)->is_gone || s->is_overdue || s->overdue_at == 0) continue;
        if (s->overdue_at > m->now.wall_ms) continue;
        if (!best || s->overdue_at < best->overdue_at ||
            (s->overdue_at == best->overdue_at &&
             m_object(m, s->object)->id < m_object(m, best->object)->id))
            best = s;
    }
    return best;
}

/* Whom a pause holds nobody awaits.  The engine may leave some for its next turn. */
void
m_overdue_due(struct model *m)
{
    struct m_schedule *s;

    while ((s = next_overdue(m))) {
        const struct m_object *o = m_object(m, s->object);
        struct schedule        row = {.id = o->id};

        if (schedule_by_id(m->txn, &row) == LOAD_FOUND && !row.is_overdue &&
            row.overdue_at == s->overdue_at) {
            claim(m->turn->deadline.wall_ms <= m->now.wall_ms,
                  "schedule %.*s is overdue, and nobody was told", VIEW_ARG(o->name));
            return;
        }
        s->is_touched = true;
        if (s->is_paused || m_is_firing_held(m, o)) {
            s->overdue_at = 0;
        } else {
            s->is_overdue = true;
            m_alert(m, s, false);
        }
    }
}

/* ---- streaks (C8) ---------------------------------------------------------------------------- */

enum streak { NONE, GENERIC, TURN_BUDGET };

static enum streak
streak_of(const char *class)
{
    if (strcmp(class, "turn_limit_exceeded") == 0) return TURN_BUDGET;
    if (strcmp(class, "worker_lost") == 0 || strcmp(class, "interrupted") == 0) return NONE;
    return GENERIC;
}

static void
failed(struct model *m, struct m_schedule *s, const char *class)
{
    enum streak which = streak_of(class);
    bool        is_long_enough;

    s->is_touched = true;
    s->failed_in_row++;
    if (which == GENERIC) {
        s->failure_streak++;
        s->breach_streak = 0;
    } else if (which == TURN_BUDGET) {
        s->breach_streak++;
        s->failure_streak = 0;
    }
    is_long_enough = which == GENERIC ? m_reaches(s->failure_streak, m->limits.failure_pause)
                                      : which == TURN_BUDGET &&
                                            m_reaches(s->breach_streak, m->limits.breach_pause);
    if (is_long_enough && !s->is_paused && s->next_at) {
        s->is_paused = true;
        s->paused_at = m->now.wall_ms;
        if (m->limits.alert_after != NO_LIMIT) m_alert(m, s, true);
    } else if (m_reaches(s->failed_in_row, m->limits.alert_after)) {
        m_alert(m, s, false);
    }
}

static void
succeeded(struct model *m, struct m_schedule *s)
{
    s->failure_streak = s->breach_streak = s->failed_in_row = 0;
    s->last_success_at = m->now.wall_ms;
    s->completed_as = ++m->events;
    if (s->is_alerted) m_note(m, s->object);
    s->is_alerted = s->is_overdue = false;
    s->overdue_at = 0;
}

/* Its limit of turns was set less than two firing intervals ago; of an irregular schedule, two
 * firings ago. */
static bool
is_graced(struct model *m, const struct m_schedule *s, const struct m_job *j)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;
    struct m_schedule          as_new = {.created_at = s->created_at};
    int64_t                    first, second, third;

    if (streak_of(j->failure) != TURN_BUDGET) return false;
    first = m_next_nominal(&as_new, d, s->max_turns_set_at);
    second = first ? m_next_nominal(&as_new, d, first) : 0;
    third = second ? m_next_nominal(&as_new, d, second) : 0;
    if (second == 0) return false;
    if (third && third - second != second - first) return j->nominal_at <= second;
    return j->ended_at <= s->max_turns_set_at + 2 * (second - first);
}

/* Its last job waits at a breaker that has been open for a whole firing interval (A6). */
void
m_firing_waits(struct model *m, struct m_schedule *s, int64_t before_at)
{
    const struct m_job *j = m_job(m, s->last_job);
    const char *class = NULL;

    if (j && j->state == JOB_READY) s->ends = 2; /* the row tells */
    if (j && j->state == JOB_READY) class = m_breaker_open_since(m, j, before_at);
    if (class) failed(m, s, class);
}

/* ---- figures (C9, C11) ----------------------------------------------------------------------- */

/* 0.7 of the old and 0.3 of the new; the first is the measure itself. */
static void
average(uint64_t *milli, uint64_t measure, bool is_first)
{
    *milli = is_first ? measure * 1000 : (*milli * 7 + measure * 3000) / 10;
}

static void
measure(struct m_schedule *s, const struct m_job *j)
{
    bool is_first = s->measured == 0;

    average(&s->avg_turns_milli, j->turns, is_first);
    average(&s->avg_run_milli, j->run_ms, is_first);
    average(&s->avg_tokens_milli, j->input_tokens + j->output_tokens, is_first);
    average(&s->avg_cost_milli, j->cost_micros, is_first);
    s->last_turns = j->turns;
    s->measured++;
}

static void
note_length(struct m_schedule *s, const struct m_job *j)
{
    if (j->claimed_at == 0 || j->max_run_ms == 0) return;
    s->long_runs = (j->ended_at - j->claimed_at) * 5 > j->max_run_ms * 4 ? s->long_runs + 1 : 0;
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* A firing counts once, at its first end: that it is retried by hand is no other firing. */
void
m_firing_ended(struct model *m, struct m_job *j)
{
    const struct m_object *o = m_object(m, j->schedule);
    struct m_schedule     *s;
    bool                   is_first = !j->is_over, has_run;

    j->is_over = true;
    if (o->is_gone) return;
    s = &m->schedules.items[o->schedule];
    s->is_touched = true;
    s->ends++;
    has_run = j->state == JOB_COMPLETED || j->state == JOB_FAILED;
    if (is_first && has_run && j->attempt) measure(s, j);
    if (has_run) note_length(s, j);
    if (j->state == JOB_COMPLETED) succeeded(m, s);
    if (j->state == JOB_FAILED && is_first && !is_graced(m, s, j)) failed(m, s, j->failure);
    prove(m, s, j);
}

/* ---- compare --------------------------------------------------------------------------------- */

static void
take_over(struct m_schedule *s, const struct schedule *row)
{
    s->is_paused = row->paused;
    s->paused_at = row->paused_at;
    s->failure_streak = row->failure_streak;
    s->breach_streak = row->breach_streak;
    s->failed_in_row = row->failed_in_row;
    s->long_runs = row->long_runs;
    s->overdue_at = row->overdue_at;
    s->is_overdue = row->is_overdue;
    s->last_turns = row->last_turns;
    s->avg_turns_milli = row->avg_turns_milli;
    s->avg_run_milli = row->avg_run_us;
    s->avg_tokens_milli = row->avg_tokens_milli;
    s->avg_cost_milli = row->avg_cost_milli;
}

void
m_take_over_idle(struct m_schedule *s, const struct schedule *row)
{
    s->idle_streak = row->idle_streak;
    s->idle_until = row->idle_until;
}

void
m_compare_outcomes(struct model *m, struct m_schedule *s, const struct schedule *row)
{
    const struct {
        const char *what;
        uint64_t    stored, expected;
    } figures[] = {
        {"paused",          row->paused,                    s->is_paused                },
        {"pause_until",     (uint64_t)row->pause_until,     (uint64_t)s->pause_until    },
        {"failure_streak",  row->failure_streak,            s->failure_streak           },
        {"breach_streak",   row->breach_streak,             s->breach_streak            },
        {"failed_in_row",   row->failed_in_row,             s->failed_in_row            },
        {"long_runs",       row->long_runs,                 s->long_runs                },
        {"measured",        row->measured,                  s->measured                 },
        {"last_turns",      row->last_turns,                s->last_turns               },
        {"avg_turns",       row->avg_turns_milli,           s->avg_turns_milli          },
        {"avg_run",         row->avg_run_us,                s->avg_run_milli            },
        {"avg_tokens",      row->avg_tokens_milli,          s->avg_tokens_milli         },
        {"avg_cost",        row->avg_cost_milli,            s->avg_cost_milli           },
        {"last_success_at", (uint64_t)row->last_success_at, (uint64_t)s->last_success_at},
        {"alerted_at",      (uint64_t)row->alerted_at,      (uint64_t)s->alerted_at     },
        {"is_alerted",      row->is_alerted,                s->is_alerted               },
        {"overdue_at",      (uint64_t)row->overdue_at,      (uint64_t)s->overdue_at     },
        {"idle_streak",     row->idle_streak,               s->idle_streak              },
        {"idle_until",      (uint64_t)row->idle_until,      (uint64_t)s->idle_until     },
        {"is_overdue",      row->is_overdue,                s->is_overdue               },
        {"last_job",        row->last_job,                  s->last_job                 },
    };

    if (s->ends > 1) take_over(s, row); /* a worker's end leaves open which was the first */
    for (size_t i = 0; s->ends < 2 && i < ARRAY_LEN(figures); i++) {
        claim(figures[i].stored == figures[i].expected,
              "schedule %.*s: %s is %" PRIu64 ", expected %" PRIu64,
              VIEW_ARG(m_object(m, s->object)->name), figures[i].what, figures[i].stored,
              figures[i].expected);
    }
    claim(row->max_turns_set_at == s->max_turns_set_at || row->max_turns_set_at == m->now.wall_ms,
          "schedule %.*s: the limit of turns was set at %" PRId64,
          VIEW_ARG(m_object(m, s->object)->name), row->max_turns_set_at);
    s->max_turns_set_at = row->max_turns_set_at;
    s->ends = 0;
}
