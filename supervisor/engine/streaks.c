#include "supervisor/engine/streaks.h"

#include "supervisor/engine/breakers.h"
#include "supervisor/engine/failure.h"

static void
failed(struct schedule *run, enum failure_class class)
{
    switch (failure_rule(class)->streak) {
    case STREAK_GENERIC: run->failure_streak++; break;
    case STREAK_TURN_BUDGET: run->failure_streak = 0; break; /* one resets the other */
    case STREAK_NONE: break;
    }
    run->last_failure = (uint8_t) class;
}

void
streak_job_ended(struct engine *en, const struct job_state *j)
{
    struct schedule run = {.id = j->schedule};

    if (schedule_load(turn_txn(en), &run) != LOAD_FOUND) return;
    if (j->state == JOB_COMPLETED) {
        run.failure_streak = 0;
        run.last_failure = FAIL_NONE;
        run.last_success_at = en->turn.now.wall_ms;
    } else if (j->state == JOB_FAILED) {
        failed(&run, j->failure);
    }
    schedule_save(turn_txn(en), &run);
}

void
streak_job_waits(struct engine *en, struct schedule *run, int64_t before_at)
{
    struct job_state j = {.id = run->last_job};
    struct breaker   b;
    uint32_t         id;

    if (job_state_load(turn_txn(en), &j) != LOAD_FOUND) return;
    if (j.state != JOB_READY) return; /* it runs, waits for its retry, or is over */
    id = breaker_of(&en->turn.objects, j.handler);
    if (!id || !breaker_get(turn_txn(en), id, &b) || b.state == BREAKER_CLOSED) return;
    if (b.opened_at <= before_at) failed(run, b.failure);
}
