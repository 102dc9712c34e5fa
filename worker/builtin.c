#include "worker/builtin.h"

#include "common/mp.h"

static void
complete(struct report *r, const struct msg_job_start *m, struct view output)
{
    struct msg_ended end = {.verdict = view_str("completed"), .output = output};

    if (output.size > 0) SET_HAS(&end, ended, output);
    report_ended(r, m->slot, m->token, &end);
}

static void
start_sleep(struct slots *s, struct report *r, const struct msg_job_start *m, int64_t now_ms)
{
    int64_t ms;

    if (!mp_find_i64(m->payload, "ms", &ms) || ms < 0 || ms > YEARS_100_MS) {
        report_failed(r, m->slot, m->token, "handler_error",
                      "sleep needs the payload {\"ms\": N}, N from 0 to 100 years");
        return;
    }
    slots_add(s, LEASE_SLEEP, m->slot, m->token, m->lease)->wake_at_ms = now_ms + ms;
}

bool
builtin_start(struct slots *s, struct report *r, const struct msg_job_start *m, struct view kind,
              int64_t now_ms)
{
    if (view_is(kind, "noop")) {
        complete(r, m, view_of(NULL, 0));
    } else if (view_is(kind, "echo")) {
        complete(r, m, m->payload);
    } else if (view_is(kind, "sleep")) {
        start_sleep(s, r, m, now_ms);
    } else {
        return false;
    }
    return true;
}

void
builtin_finish(struct slots *s, struct report *r, struct lease **lease)
{
    struct lease    *l = *lease;
    struct msg_ended end = {.verdict = view_str("completed")};

    if (l->is_stop_asked) {
        report_failed(r, l->slot, l->token, "handler_error", "stopped on request");
    } else {
        report_ended(r, l->slot, l->token, &end);
    }
    slots_remove(s, lease);
}
