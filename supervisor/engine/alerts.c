#include "supervisor/engine/alerts.h"

#include "common/log.h"
#include "common/timetext.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/failure.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/streaks.h"
#include "supervisor/engine/wallclock.h"

#include <inttypes.h>
#include <string.h>

#define LINES_MAX 20 /* schedules in the warnings of status; the others are counted */

static const char *const kind_names[] = {[ALERT_FAILURES] = "failures",
                                         [ALERT_PAUSED] = "paused",
                                         [ALERT_OVERLAP] = "overlap",
                                         [ALERT_OVERDUE] = "overdue"};

static const char *
last_class(const struct schedule *run)
{
    return failure_rule(run->last_failure)->name;
}

/* What an alert of this kind says behind the schedule's name. */
static void
put_message(enum alert_kind kind, const struct schedule *run, struct buf *b)
{
    char at[40];

    switch (kind) {
    case ALERT_FAILURES:
        buf_printf(b, "%" PRIu32 " firings failed in a row (%s)", run->failed_in_row,
                   last_class(run));
        break;
    case ALERT_PAUSED: buf_printf(b, "paused: %.*s", VIEW_ARG(run->pause_reason)); break;
    case ALERT_OVERLAP:
        buf_printf(b, "%" PRIu32 " firings in a row found the one before still in flight",
                   run->skips);
        break;
    case ALERT_OVERDUE:
        buf_printf(b, "overdue: no firing has succeeded by %s",
                   instant_text(run->overdue_at, at, sizeof(at)));
        break;
    }
}

static void
tell(struct engine *en, enum feed_type type, const struct object_entry *o, const char *kind,
     struct view message)
{
    struct mp_open_map m = feed_open(en, type, o->row.company);
    struct buf        *b = feed_buf(en);

    mp_put_str(b, &m, "schedule", o->row.name);
    mp_put_cstr(b, &m, "kind", kind);
    mp_put_str(b, &m, "message", message);
    feed_close(en, &m);
}

/* A note in the schedule's session, to each of the sinks of alerts. */
static void
send(struct engine *en, const struct object_entry *o, const struct schedule *run, const char *kind,
     struct view message)
{
    const struct limits *l = &en->memory.limits;
    struct buf b         BUF_AUTO = {0};
    struct mp_open_map   m, data;

    if (l->alert_sink_count == 0) return;
    m = mp_open(&b);
    mp_put_cstr(&b, &m, "message",
                arena_printf(&en->turn.arena, "schedule %.*s: %.*s",
                             VIEW_ARG(objects_ref(&en->turn.objects, o->row.id)),
                             VIEW_ARG(message)));
    mp_key(&b, &m, "metadata");
    data = mp_open(&b);
    mp_put_cstr(&b, &data, "alert", kind);
    mp_put_str(&b, &data, "schedule", o->row.name);
    mp_close(&b, &data);
    mp_close(&b, &m);
    effects_note(en, run->company, run->session, l->alert_sinks, l->alert_sink_count, buf_view(&b));
}

static bool
is_cool(const struct engine *en, const struct schedule *run)
{
    int64_t since = en->turn.now.wall_ms - run->alerted_at;

    /* a clock that went back does not silence it */
    return run->alerted_at == 0 || since < 0 || since >= en->memory.limits.alert_cooldown_ms;
}

void
alert_raise(struct engine *en, const struct object_entry *o, struct schedule *run,
            enum alert_kind kind)
{
    struct buf b BUF_AUTO = {0};

    if (kind != ALERT_PAUSED && !is_cool(en, run)) return;
    run->alerted_at = en->turn.now.wall_ms;
    run->is_alerted = 1;
    put_message(kind, run, &b);
    tell(en, FEED_SCHEDULE_ALERT, o, kind_names[kind], buf_view(&b));
    turn_log(en, LOG_LEVEL_WARN, "a schedule needs attention", "schedule=%.*s alert=%s",
             VIEW_ARG(objects_ref(&en->turn.objects, o->row.id)), kind_names[kind]);
    send(en, o, run, kind_names[kind], buf_view(&b));
}

void
alert_recovered(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    bool        was_alerted = run->is_alerted, was_overdue = run->is_overdue;
    struct view message = view_str("a firing has succeeded again");

    if (run->paused_itself)
        message = view_str(arena_printf(&en->turn.arena,
                                        "a firing has succeeded again, but it is still paused; "
                                        "`agentctl schedule resume %.*s` lets it fire",
                                        VIEW_ARG(objects_ref(&en->turn.objects, o->row.id))));
    run->is_alerted = 0;
    run->is_overdue = 0;
    run->overdue_at = 0;
    if (was_alerted || was_overdue) tell(en, FEED_SCHEDULE_RECOVERED, o, "recovered", message);
    if (!was_alerted) return; /* of what the cool-down kept silent the end is, too */
    turn_log(en, LOG_LEVEL_INFO, "a schedule has recovered", "schedule=%.*s",
             VIEW_ARG(objects_ref(&en->turn.objects, o->row.id)));
    send(en, o, run, "recovered", message);
}

void
alert_warn(struct engine *en, const struct object_entry *o, const char *kind, struct view message)
{
    tell(en, FEED_SCHEDULE_WARNING, o, kind, message);
    turn_log(en, LOG_LEVEL_WARN, "a schedule may need attention soon", "schedule=%.*s warning=%s",
             VIEW_ARG(objects_ref(&en->turn.objects, o->row.id)), kind);
}

/* ---- overdue ------------------------------------------------------------------ */

void
alert_expect(const struct object_entry *o, struct schedule *run, int64_t nominal_at)
{
    if (run->overdue_at == 0 && o->spec.schedule.overdue_ms)
        run->overdue_at = nominal_at + o->spec.schedule.overdue_ms;
}

void
alert_excuse(struct schedule *run)
{
    if (!run->is_overdue) run->overdue_at = 0;
}

void
alert_overdue_changed(struct engine *en, struct schedule *run, int64_t from_ms, int64_t to_ms)
{
    if (run->overdue_at == 0 || from_ms == to_ms) return;
    run->overdue_at = to_ms ? run->overdue_at - from_ms + to_ms : 0;
    if (run->overdue_at == 0 || run->overdue_at > en->turn.now.wall_ms) run->is_overdue = 0;
}

/* A pause ends what was expected; the first nominal time behind it begins anew. */
static void
come_due(struct engine *en, struct schedule *run)
{
    const struct object_entry *o = objects_get(&en->turn.objects, run->id);

    if (!o || o->spec.schedule.overdue_ms == 0 || run->paused ||
        is_paused(turn_txn(en), run->company, run->agent)) {
        run->overdue_at = 0;
    } else {
        struct buf b BUF_AUTO = {0};

        run->is_overdue = 1;
        put_message(ALERT_OVERDUE, run, &b);
        tell(en, FEED_SCHEDULE_OVERDUE, o, kind_names[ALERT_OVERDUE], buf_view(&b));
        alert_raise(en, o, run, ALERT_OVERDUE);
    }
    schedule_save(turn_txn(en), run);
}

void
alerts_due(struct engine *en)
{
    struct schedule key = {0};
    struct scan     s;

    if (wallclock_is_held(en)) return; /* N27 */
    scan_open(&s, turn_txn(en), INDEX_schedule_overdue, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) && key.overdue_at <= en->turn.now.wall_ms) {
        struct schedule run = {.id = key.id};

        en->turn.due_left--;
        if (schedule_by_id(turn_txn(en), &run) == LOAD_FOUND) come_due(en, &run);
    }
    scan_close(&s);
}

int64_t
alerts_deadline(struct engine *en)
{
    struct schedule key = {0};
    struct scan     s;
    int64_t         at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_schedule_overdue, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.overdue_at;
    scan_close(&s);
    return at;
}

/* ---- status ------------------------------------------------------------------- */

/* What is worth a line; false for nothing. */
static bool
put_line(struct objects *o, const struct limits *l, const struct schedule *run, struct buf *b)
{
    if (run->paused_itself) {
        put_message(ALERT_PAUSED, run, b);
    } else if (run->is_overdue) {
        put_message(ALERT_OVERDUE, run, b);
    } else if (streak_reaches(run->breach_streak, l->breach_warn)) {
        streak_put_breaches(o, l, run, b);
    } else if (streak_reaches(run->failed_in_row, l->alert_after)) {
        put_message(ALERT_FAILURES, run, b);
    } else if (streak_reaches(run->skips, l->alert_skips)) {
        put_message(ALERT_OVERLAP, run, b);
    } else if (run->long_runs >= DRIFT_RUNS) {
        streak_put_drift(run, b);
    } else {
        return false;
    }
    return true;
}

void
alerts_warn(const struct memory *m, struct txn *t, const struct actor *a, struct buf *lines)
{
    const unsigned  prefix = a->company.size ? 1 : 0; /* who is of a company sees no other (N36) */
    struct schedule run = {0};
    struct objects  o;
    struct scan     s;
    uint32_t        looks = 0, count = 0;

    objects_init(&o, t);
    if (prefix) run.company = object_find(t, KIND_COMPANY, 0, a->company);
    scan_open(&s, t, INDEX_schedule_streak, &run, prefix, prefix);
    for (; looks < READ_ROWS_MAX && scan_next(&s, &run); looks++) {
        struct buf b BUF_AUTO = {0};

        if (!put_line(&o, &m->limits, &run, &b) || ++count > LINES_MAX) continue;
        buf_printf(lines, "schedule %.*s: %.*s\n", VIEW_ARG(objects_ref(&o, run.id)),
                   VIEW_ARG(buf_view(&b)));
    }
    scan_close(&s);
    if (count > LINES_MAX)
        buf_printf(lines, "%" PRIu32 " more schedules need attention\n", count - LINES_MAX);
    if (looks == READ_ROWS_MAX)
        buf_printf(lines, "only %d schedules with failures or skips were looked at\n",
                   READ_ROWS_MAX);
}
