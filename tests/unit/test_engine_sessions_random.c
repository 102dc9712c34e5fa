/* Sessions in random order, with failures and crashes: every turn is checked by the rig; what was
 * processed is counted by the handlers' checkpoints, and at the end nothing waits (D1, D2). */
#include "tests/unit/session_world.h"

#define STEPS    400
#define ROUNDS   8
#define SESSIONS 4

static const char *const keys[SESSIONS] = {"a", "b", "c", "d"};

struct walk {
    struct rig *r;
    uint64_t    seed;
    unsigned    appended[SESSIONS], processed[SESSIONS];
    uint64_t    last[SESSIONS]; /* number of the last that was processed */
};

static unsigned
draw(struct walk *w, unsigned below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->seed >> 33) % below;
}

static const char *
agent_of(unsigned s)
{
    return s % 2 ? ",'agent':'desk'" : "";
}

static void
append_some(struct walk *w, unsigned s)
{
    struct rig *r = w->r;

    if (rig_ask(r, "session.event", "'key':'%s','type':'t','payload':%u%s", keys[s], draw(w, 100),
                agent_of(s)) != E_OK) {
        assert_true(r->error.code == E_WRONG_STATE || r->error.code == E_QUEUE_FULL);
        return;
    }
    assert_int_equal(rig_i64(r, "seq"), ++w->appended[s]);
}

/* What the handler was given follows what it left. */
static void
complete(struct walk *w, unsigned s, uint64_t job)
{
    struct rig *r = w->r;
    uint64_t    seq;
    bool        is_stopped = rig_lease(r, job)->is_stopped;

    document(r, job);
    seq = (uint64_t)rig_i64(r, "event.seq");
    if (rig_is_nil(r, "checkpoint")) {
        assert_int_equal(w->processed[s], 0);
    } else {
        assert_int_equal(rig_i64(r, "checkpoint.n"), w->processed[s]);
    }
    assert_true(seq > w->last[s]);
    rig_ended(r, job, "'verdict':'completed','checkpoint':{'n':%u}", w->processed[s] + 1);
    rig_turn(r);
    if (is_stopped) return; /* too late */
    w->last[s] = seq;
    w->processed[s]++;
}

static void
end_job(struct walk *w, unsigned s)
{
    struct rig *r = w->r;
    uint64_t    job = rig_read(r, "session.show", "'key':'%s'", keys[s]) ? 0 : job_of(r, keys[s]);

    if (job == 0 || !rig_lease(r, job) || !rig_lease(r, job)->is_live) return;
    switch (draw(w, 6)) {
    case 0: rig_fail(r, job, "turn_limit_exceeded"); break;
    case 1: rig_fail(r, job, "tool_failed"); break;
    case 2: (void)rig_ask(r, "job.cancel", "'id':%d", (int)job); break;
    default: complete(w, s, job); break;
    }
}

static void
restart(struct walk *w)
{
    rig_crash(w->r);
    rig_turn(w->r);
    rig_old_leases_gone(w->r);
    rig_workers(w->r, 1, SESSIONS);
    rig_settle(w->r);
}

static void
step(struct walk *w)
{
    struct rig *r = w->r;
    unsigned    s = draw(w, SESSIONS);

    switch (draw(w, 16)) {
    case 0: (void)rig_ask(r, "session.close", "'key':'%s'", keys[s]); break;
    case 1:
    case 2: (void)rig_ask(r, "session.open", "'key':'%s'%s", keys[s], agent_of(s)); break;
    case 3:
    case 4:
        (void)rig_ask(r, "session.resume", "'key':'%s','skip':%s", keys[s],
                      draw(w, 2) ? "true" : "false");
        break;
    case 5:
        if (w->appended[s] && rig_ask(r, "session.resend", "'key':'%s','seq':%u", keys[s],
                                      1 + draw(w, w->appended[s])) == E_OK)
            w->appended[s]++;
        break;
    case 6: rig_advance(r, draw(w, 3) * MINUTE_MS); break;
    case 7:
        if (draw(w, 4) == 0) restart(w);
        break;
    case 8:
    case 9:
    case 10:
    case 11: append_some(w, s); break;
    default: end_job(w, s); break;
    }
}

/* Until nothing waits in it. */
static void
drain(struct walk *w, unsigned s)
{
    struct rig *r = w->r;

    for (unsigned tries = 0; w->appended[s]; tries++) {
        uint64_t job = job_of(r, keys[s]);

        if (job == 0 && strcmp(rig_text(r, "status"), "open") == 0) return;
        if (tries == 100) fail_msg("%s", rig_json(r));
        rig_heartbeat(r, 0);
        if (job == 0) {
            (void)rig_ask(r, "session.open", "'key':'%s'", keys[s]);
            (void)rig_ask(r, "session.resume", "'key':'%s'", keys[s]);
        } else if (rig_lease(r, job) && rig_lease(r, job)->is_live) {
            complete(w, s, job);
        } else {
            rig_advance(r, HOUR_MS);
        }
    }
}

static void
count_statuses(struct walk *w, unsigned s)
{
    struct rig *r = w->r;
    unsigned    processed = 0, others = 0, given_up = 0;

    if (w->appended[s] == 0) return;
    rig_must_read(r, "session.events", "'key':'%s','limit':1000", keys[s]);
    assert_int_equal(rig_len(r, "items"), w->appended[s]);
    for (size_t i = 0; i < w->appended[s]; i++) {
        const char *status = rig_text(r, rig_path(r, "items", i, "status"));

        assert_int_equal(rig_i64(r, rig_path(r, "items", i, "seq")), i + 1);
        processed += strcmp(status, "processed") == 0;
        given_up += strcmp(status, "dead") == 0;
        others += strcmp(status, "waiting") == 0 || strcmp(status, "processing") == 0;
    }
    assert_int_equal(others, 0);
    assert_int_equal(processed, w->processed[s]);
    show(r, keys[s]);
    assert_int_equal(rig_i64(r, "waiting"), 0);
    assert_int_equal(rig_i64(r, "dead"), given_up);
    assert_int_equal(rig_i64(r, "checkpoint_id"), w->processed[s]);
    assert_int_equal(rig_i64(r, "event_seq"), w->appended[s]);
}

static void
every_event_is_processed_once_or_given_up(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        void       *rig;
        struct walk w = {.seed = 77 + round};

        (void)rig_begin(&rig); /* fails the test by itself */
        w.r = rig;
        w.r->limits.session_queue_max = 8;
        w.r->limits.session_on_failure = view_str(round % 2 ? "hold" : "skip");
        declare(w.r);
        rig_workers(w.r, 1, SESSIONS);
        for (unsigned i = 0; i < STEPS; i++) {
            rig_heartbeat(w.r, 0);
            step(&w);
        }
        for (unsigned s = 0; s < SESSIONS; s++)
            drain(&w, s);
        for (unsigned s = 0; s < SESSIONS; s++)
            count_statuses(&w, s);
        (void)rig_end(&rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_processed_once_or_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
