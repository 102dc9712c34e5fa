/* What ages goes (N15): each kind of the list in its time and not before, in bounded turns, and no
 * other with it. */
#include "supervisor/engine/retention.h"
#include "tests/unit/engine_rig.h"

#define JOBS_MAX 300 /* at least 4 rows each: more than a turn removes */
#define ROWS     1500

/* How rows of a kind come to be, now; from: the first number that is free. */
struct kind {
    enum table_id table;
    size_t        setting; /* in struct msg_limits */
    int64_t       keep_ms;
    int64_t       grace_ms; /* their time begins so much after they were made */
    unsigned      count;
    void (*make)(struct rig *r, unsigned from, unsigned count);
};

/* ---- jobs ---------------------------------------------------------------------------------- */

static void
submit_many(struct rig *r, unsigned count, const char *fields)
{
    BUF_AUTO struct buf jobs = {0};

    for (unsigned i = 0; i < count; i++)
        buf_printf(&jobs, "%s{'handler':'noop'%s}", i > 0 ? "," : "", fields);
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
}

static void
run_all(struct rig *r, unsigned from, unsigned count, const char *verdict)
{
    rig_heartbeat(r, 0); /* the clock was set on */
    submit_many(r, count, ",'max_attempts':1");
    for (unsigned i = 0; i < count; i++) {
        if (!rig_lease(r, from + i)) rig_turn(r);
        rig_ended(r, from + i, "%s", verdict);
    }
    rig_turn(r);
}

static void
complete_jobs(struct rig *r, unsigned from, unsigned count)
{
    run_all(r, from, count, "'verdict':'completed'");
}

static void
fail_jobs(struct rig *r, unsigned from, unsigned count)
{
    run_all(r, from, count, "'verdict':'failed','class':'tool_failed'");
}

static void
cancel_jobs(struct rig *r, unsigned from, unsigned count)
{
    (void)from;
    submit_many(r, count, ",'delay_ms':600000");
    do
        rig_must(r, "job.cancel_many", "'state':'scheduled'");
    while (!rig_is_nil(r, "next"));
}

static void
expire_jobs(struct rig *r, unsigned from, unsigned count)
{
    FREE_AUTO char *fields = xasprintf(",'expires_at':%lld", (long long)r->header.now.wall_ms + 1);

    (void)from;
    r->limits.max_concurrent = 0;
    rig_configure(r, &(struct rig_declared){0});
    submit_many(r, count, fields);
    rig_advance(r, 1);
    r->limits.max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
}

/* ---- rows ---------------------------------------------------------------------------------- */

static struct txn *
begin(struct rig *r)
{
    struct err  e = {0};
    struct txn *t = txn_begin_write(r->store, &e);

    if (!t) fail_msg("%s", e.msg);
    return t;
}

static void
commit(struct txn *t)
{
    struct err e = {0};
    bool       outcome_unknown;

    if (txn_commit(&t, &outcome_unknown, &e)) fail_msg("%s", e.msg);
}

#define MAKE(name, type, ...)                                             \
    static void make_##name(struct rig *r, unsigned from, unsigned count) \
    {                                                                     \
        const int64_t now = r->header.now.wall_ms;                        \
        struct txn   *t = begin(r);                                       \
                                                                          \
        for (unsigned i = from; i < from + count; i++)                    \
            type##_save(t, &(struct type){__VA_ARGS__});                  \
        commit(t);                                                        \
    }

// clang-format off
MAKE(effects, effect, .id = i, .kind = EFFECT_NOTIFY, .status = STATUS_DELIVERED, .company = 1, .updated_at = now)
MAKE(firings, firing, .schedule = i, .nominal_at = now, .outcome = FIRING_FIRED)
MAKE(reasons, reason, .lane = i, .at = now)
MAKE(ledgers, ledger, .scope = i, .date = (uint32_t)(now / DAY_MS))
MAKE(approvals, approval, .id = i, .company = 1, .status = i % 2 ? APPROVAL_GRANTED : APPROVAL_DENIED, .decided_at = now)
MAKE(audits, audit, .id = i, .company = 1, .at = now)
MAKE(timers, session_timer, .session = i, .timer = view_str("t"), .id = i, .status = TIMER_CANCELLED, .updated_at = now)
MAKE(activities, activity, .id = i, .company = 1, .agent = 1, .type = view_str("t"), .at = now)
MAKE(replies, first_reply, .date = (uint32_t)(now / DAY_MS), .company = i)
MAKE(chains, chain, .root = i, .window_at = now)

// clang-format on

/* Processed ones, of a session of their own. */
static void
make_events(struct rig *r, unsigned from, unsigned count)
{
    FREE_AUTO char *name = xasprintf("s%u", from);
    const int64_t   now = r->header.now.wall_ms;
    struct session  s = {.id = from,
                         .company = 1,
                         .name = view_str(name),
                         .first_event = 1,
                         .appended = count,
                         .event_seq = count,
                         .purge_at = now};
    struct txn     *t = begin(r);

    session_save(t, &s);
    for (unsigned i = 1; i <= count; i++)
        event_save(t, &(struct event){.session = from, .seq = i, .created_at = now});
    commit(t);
}

// clang-format off
#define LIMIT(field) offsetof(struct msg_limits, field)

/* A day is over, and with it what ran into the next, when the one after it is. */
#define DAY_OVER_MS (2 * DAY_MS - RIG_WALL_MS % DAY_MS)
#define UTC_DAY_OVER_MS (DAY_MS - RIG_WALL_MS % DAY_MS)

static const struct kind kinds[RETAINED_COUNT] = {
    [RETAINED_COMPLETED_JOBS] = {TABLE_JOB_STATE, LIMIT(keep_completed_ms), HOUR_MS, 0, JOBS_MAX, complete_jobs},
    [RETAINED_CANCELLED_JOBS] = {TABLE_JOB_STATE, LIMIT(keep_completed_ms), HOUR_MS, 0, ROWS / 3, cancel_jobs},
    [RETAINED_FAILED_JOBS] = {TABLE_JOB_STATE, LIMIT(keep_failed_ms), HOUR_MS, 0, JOBS_MAX, fail_jobs},
    [RETAINED_EXPIRED_JOBS] = {TABLE_JOB_STATE, LIMIT(keep_failed_ms), HOUR_MS, 0, ROWS / 3, expire_jobs},
    [RETAINED_EFFECTS] = {TABLE_EFFECT, LIMIT(keep_effects_ms), HOUR_MS, 0, ROWS, make_effects},
    [RETAINED_FIRINGS] = {TABLE_FIRING, LIMIT(keep_firings_ms), HOUR_MS, 0, ROWS, make_firings},
    [RETAINED_REASONS] = {TABLE_REASON, LIMIT(keep_reasons_ms), HOUR_MS, 0, ROWS, make_reasons},
    [RETAINED_LEDGERS] = {TABLE_LEDGER, LIMIT(keep_ledgers_ms), DAY_MS, DAY_OVER_MS, ROWS, make_ledgers},
    [RETAINED_APPROVALS] = {TABLE_APPROVAL, LIMIT(keep_approvals_ms), HOUR_MS, 0, ROWS, make_approvals},
    [RETAINED_AUDITS] = {TABLE_AUDIT, LIMIT(keep_audit_ms), HOUR_MS, 0, ROWS, make_audits},
    [RETAINED_EVENTS] = {TABLE_EVENT, LIMIT(keep_events_ms), HOUR_MS, 0, ROWS, make_events},
    [RETAINED_TIMERS] = {TABLE_SESSION_TIMER, LIMIT(keep_timers_ms), HOUR_MS, 0, ROWS, make_timers},
    [RETAINED_ACTIVITIES] = {TABLE_ACTIVITY, LIMIT(keep_activity_ms), HOUR_MS, 0, ROWS, make_activities},
    [RETAINED_REPLIES] = {TABLE_FIRST_REPLY, LIMIT(keep_firings_ms), DAY_MS, UTC_DAY_OVER_MS, ROWS, make_replies},
};
// clang-format on

/* ---- how they go --------------------------------------------------------------------------- */

static uint64_t
rows_but_the_feeds(struct rig *r)
{
    uint64_t rows = 0;

    for (enum table_id i = 0; i < TABLE_COUNT; i++)
        rows += i == TABLE_FEED ? 0 : rig_rows(r, i);
    return rows;
}

static void
keep(struct rig *r, const struct kind *k, int64_t ms)
{
    *(int64_t *)((char *)&r->limits + k->setting) = ms;
    rig_configure(r, &(struct rig_declared){0});
}

static void
set_up(struct rig *r)
{
    r->is_unchecked = true; /* rows without what they belong to */
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, SLOTS_MAX);
    struct txn *t = begin(r); /* the start's own row of the history */
    (void)reason_delete(t, &(struct reason){.at = RIG_WALL_MS});
    commit(t);
}

/* The clock goes to the instant; a turn. */
static void
turn_at(struct rig *r, int64_t wall_ms)
{
    rig_wait(r, wall_ms - r->header.now.wall_ms);
    rig_turn(r);
}

static void
goes_by_age(struct rig *r, enum retained what)
{
    const struct kind *k = &kinds[what];
    int64_t            at = r->header.now.wall_ms;

    set_up(r);
    k->make(r, 1, k->count);
    at = r->header.now.wall_ms + k->grace_ms + k->keep_ms;
    keep(r, k, k->keep_ms);
    turn_at(r, at - MINUTE_MS);
    k->make(r, k->count + 1, 1); /* a young one */
    turn_at(r, at - 1);
    assert_int_equal(rig_rows(r, k->table), k->count + 1);
    assert_true(r->deadline.wall_ms <= at); /* agentd wakes for it */
    keep(r, k, NO_LIMIT);
    turn_at(r, at);
    assert_int_equal(rig_rows(r, k->table), k->count + 1); /* kept for ever */
    keep(r, k, k->keep_ms);
    assert_true(rig_rows(r, k->table) < k->count + 1);
    rig_settle(r);
    assert_int_equal(rig_rows(r, k->table), 1);
}

static void
each_kind_goes_when_its_time_is_over_and_not_before(void **state)
{
    (void)state;
    for (enum retained what = 0; what < RETAINED_COUNT; what++) {
        void *r;

        if (!kinds[what].make) fail_msg("kind %d is not tried", (int)what);
        print_message("kind %d\n", (int)what);
        (void)rig_begin(&r); /* fails the test by itself */
        goes_by_age(r, what);
        (void)rig_end(&r);
    }
}

static void
a_turn_removes_a_thousand_rows_of_a_kind_at_most(void **state)
{
    (void)state;
    for (enum retained what = 0; what < RETAINED_COUNT; what++) {
        const struct kind *k = &kinds[what];
        void              *s;

        (void)rig_begin(&s); /* fails the test by itself */
        struct rig *r = s;
        set_up(r);
        k->make(r, 1, k->count);
        keep(r, k, k->keep_ms);
        rig_wait(r, k->grace_ms + k->keep_ms);
        for (uint64_t before = rows_but_the_feeds(r), after; rig_rows(r, k->table) > 0;
             before = after) {
            rig_turn(r);
            after = rows_but_the_feeds(r);
            if (before > after + PURGE_ROWS_MAX)
                fail_msg("kind %d: %d rows in one turn", (int)what, (int)(before - after));
            assert_true(after < before);
        }
        (void)rig_end(&s);
    }
}

/* All kinds are over their time at once: still a thousand rows a turn, and all are gone at last. */
static void
all_kinds_share_a_turns_thousand(void **state)
{
    struct rig *r = *state;
    unsigned    jobs = 0;

    set_up(r);
    for (enum retained what = 0; what < RETAINED_COUNT; what++) {
        bool is_job = kinds[what].table == TABLE_JOB_STATE;

        kinds[what].make(r, is_job ? jobs + 1 : 1 + (what * ROWS), 200);
        jobs += is_job ? 200 : 0;
    }
    for (enum retained what = 0; what < RETAINED_COUNT; what++)
        keep(r, &kinds[what], HOUR_MS);
    rig_wait(r, 4 * DAY_MS);
    for (uint64_t before = rows_but_the_feeds(r), after; rig_is_due(r); before = after) {
        rig_turn(r);
        after = rows_but_the_feeds(r);
        assert_true(before <= after + PURGE_ROWS_MAX);
    }
    for (enum retained what = 0; what < RETAINED_COUNT; what++)
        assert_int_equal(rig_rows(r, kinds[what].table), 0);
}

/* The time that counts is that of the decision: one that was asked for first and decided last
 * holds no other, and one that waits stays. */
static void
approvals_go_by_their_decision(void **state)
{
    struct rig *r = *state;

    set_up(r);
    keep(r, &kinds[RETAINED_APPROVALS], HOUR_MS);
    make_approvals(r, 2, 1);
    struct txn *t = begin(r);
    approval_save(t, &(struct approval){.id = 9, .company = 1, .status = APPROVAL_PENDING});
    commit(t);
    rig_wait(r, MINUTE_MS);
    make_approvals(r, 1, 1);
    rig_wait(r, HOUR_MS - MINUTE_MS);
    rig_turn(r);
    assert_int_equal(rig_rows(r, TABLE_APPROVAL), 2);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_rows(r, TABLE_APPROVAL), 1);
}

/* They count the wake-ups of a minute, and go with it without a setting. */
static void
chains_go_with_their_windows(void **state)
{
    struct rig *r = *state;

    set_up(r);
    make_chains(r, 1, ROWS);
    turn_at(r, RIG_WALL_MS + MINUTE_MS - 1);
    assert_int_equal(rig_rows(r, TABLE_CHAIN), ROWS);
    turn_at(r, RIG_WALL_MS + MINUTE_MS);
    assert_int_equal(rig_rows(r, TABLE_CHAIN), ROWS - TURN_DUE_MAX);
    rig_settle(r);
    assert_int_equal(rig_rows(r, TABLE_CHAIN), 0);
}

static void
nothing_goes_while_the_clock_is_in_doubt(void **state)
{
    struct rig *r = *state;

    set_up(r);
    make_effects(r, 1, 10);
    keep(r, &kinds[RETAINED_EFFECTS], HOUR_MS);
    r->header.clock_is_held = true;
    turn_at(r, RIG_WALL_MS + 2 * HOUR_MS);
    assert_int_equal(rig_rows(r, TABLE_EFFECT), 10);
    rig_must(r, "clock.accept", " ");
    rig_settle(r);
    assert_int_equal(rig_rows(r, TABLE_EFFECT), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_goes_when_its_time_is_over_and_not_before),
        cmocka_unit_test(a_turn_removes_a_thousand_rows_of_a_kind_at_most),
        TEST(all_kinds_share_a_turns_thousand),
        TEST(approvals_go_by_their_decision),
        TEST(chains_go_with_their_windows),
        TEST(nothing_goes_while_the_clock_is_in_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
