#include "supervisor/engine/overlap.h"

#include "supervisor/engine/alerts.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/streaks.h"

#include <assert.h>

#define CANCEL_MAX 256 /* jobs that one turn cancels */

enum overlap { SKIP, QUEUE_ONE, ALLOW, CANCEL_RUNNING, OVERLAP_COUNT };

static const char *const names[OVERLAP_COUNT] = {
    [SKIP] = "skip",
    [QUEUE_ONE] = "queue_one",
    [ALLOW] = "allow",
    [CANCEL_RUNNING] = "cancel_running",
};

static enum overlap
overlap_of(const struct msg_schedule *s)
{
    for (enum overlap o = SKIP; o < OVERLAP_COUNT; o++) {
        if (view_is(s->overlap, names[o])) return o;
    }
    return s->overlap.size ? OVERLAP_COUNT : SKIP;
}

enum errc
overlap_check(const struct msg_schedule *s, struct err *e)
{
    if (overlap_of(s) != OVERLAP_COUNT) return E_OK;
    return err_field(e, "overlap", "is skip, queue_one, allow or cancel_running");
}

const char *
overlap_meanwhile(const struct msg_schedule *s)
{
    static const char *const texts[] = {
        [SKIP] = "a firing meanwhile is skipped",
        [QUEUE_ONE] = "one firing meanwhile waits for its end, others are skipped",
        [ALLOW] = "a firing meanwhile runs beside it",
        [CANCEL_RUNNING] = "the next firing cancels it",
    };

    return texts[overlap_of(s)];
}

int64_t
overlap_limit(struct objects *o, uint32_t schedule)
{
    const struct object_entry *en = schedule ? objects_get(o, schedule) : NULL;

    return en && overlap_of(&en->spec.schedule) != ALLOW ? 1 : NO_LIMIT;
}

/* What is in flight is the last firing, or an older one that was retried by hand. */
static const char *
why_not(enum overlap o, uint32_t in_flight)
{
    if (o == SKIP && in_flight > 0) return "the firing before it is still in flight";
    if (o == QUEUE_ONE && in_flight > 1)
        return "the firing before it still waits for the end of another (overlap queue_one)";
    return NULL;
}

bool
overlap_holds(const struct msg_schedule *s, const struct schedule *run)
{
    return why_not(overlap_of(s), run->in_flight) != NULL;
}

bool
overlap_first_job(struct txn *t, uint32_t schedule, struct job_state *j)
{
    struct scan s;
    bool        found;

    *j = (struct job_state){.schedule = schedule};
    scan_open(&s, t, INDEX_job_by_schedule, j, 1, 1);
    found = scan_next(&s, j);
    scan_close(&s);
    return found;
}

bool
overlap_suppresses(struct engine *en, const struct object_entry *o, struct schedule *run,
                   struct firing *f)
{
    const char      *reason = why_not(overlap_of(&o->spec.schedule), run->in_flight);
    struct job_state j;

    if (!reason) return false;
    f->outcome = FIRING_SUPPRESSED;
    f->reason = view_str(reason);
    if (overlap_first_job(turn_txn(en), run->id, &j)) f->job = j.id;
    run->suppressed_count++;
    run->skips++;
    fire_feed(en, FEED_SCHEDULE_SUPPRESSED, o, f);
    if (streak_reaches(run->skips, en->memory.limits.alert_skips))
        alert_raise(en, o, run, ALERT_OVERLAP);
    return true;
}

bool
overlap_is_crowded(struct engine *en, const struct msg_schedule *s, const struct schedule *run)
{
    struct job_state key = {.schedule = run->id};
    struct scan      scan;
    uint32_t         n = 0;

    if (overlap_of(s) != CANCEL_RUNNING || run->in_flight <= CANCEL_MAX) return false;
    scan_open(&scan, turn_txn(en), INDEX_job_by_schedule, &key, 1, 1);
    while (n <= CANCEL_MAX && scan_next(&scan, &key))
        n += !key.stop_reason;
    scan_close(&scan);
    return n > CANCEL_MAX;
}

void
overlap_make_room(struct engine *en, const struct msg_schedule *s, struct schedule *run)
{
    struct job_state key = {.schedule = run->id};
    struct scan      scan;
    struct err       e = {0};
    enum load        l;

    if (overlap_of(s) != CANCEL_RUNNING || run->in_flight == 0) return;
    schedule_save(turn_txn(en), run); /* the ends of jobs change its row */
    scan_open(&scan, turn_txn(en), INDEX_job_by_schedule, &key, 1, 1);
    for (uint32_t n = 0; n < CANCEL_MAX && scan_next_key(&scan, &key);) {
        struct job_state j = {.id = key.id};
        enum errc        failed;

        if (job_state_load(turn_txn(en), &j) != LOAD_FOUND) continue; /* damaged: fsck says so */
        if (j.stop_reason) continue;
        n++;
        failed = job_cancel(en, &j, "the next firing took its place (overlap cancel_running)", &e);
        assert(failed == E_OK); /* it has not ended */
        (void)failed;
    }
    scan_close(&scan);
    l = schedule_by_id(turn_txn(en), run);
    assert(l == LOAD_FOUND);
    (void)l;
}
