/* Sessions whose rows are not what they should be: fsck finds it, and they go on (A12, N12). */
#include "supervisor/store/internal.h"
#include "tests/unit/damage_world.h"
#include "tests/unit/session_world.h"

static void
load_row(struct txn *t, struct session *s)
{
    *s = (struct session){.company = 1, .name = view_str("s")};
    assert_int_equal(rec_find(t, INDEX_session_by_name, s), LOAD_FOUND);
}

static void
lose_events(struct rig *r, uint64_t first, uint64_t last)
{
    struct txn    *t = begin(r);
    struct session s;

    load_row(t, &s);
    for (uint64_t seq = first; seq <= last; seq++)
        assert_true(event_delete(t, &(struct event){.session = s.id, .seq = seq}));
    commit(t);
}

/* ---- fsck ---- */

static void
more_wait(struct session *s)
{
    s->waiting++;
}

static void
more_are_dead(struct session *s)
{
    s->dead++;
}

static void
fewer_were_appended(struct session *s)
{
    s->appended--;
}

static void
no_job(struct session *s)
{
    s->job = 0;
}

static void
another_job(struct session *s)
{
    s->job++;
}

static void
another_head(struct session *s)
{
    s->head++;
}

static void
fsck_finds_each_thing_that_is_off(void **state)
{
    static void (*const spoil[])(struct session *) = {more_wait, more_are_dead, fewer_were_appended,
                                                      no_job,    another_job,   another_head};
    struct rig *r = *state;

    declare(r);
    for (int i = 0; i < 3; i++)
        (void)append(r, "s", "ping");
    assert_int_equal(problems_of(r, "session"), 0);
    for (size_t i = 0; i < ARRAY_LEN(spoil); i++) {
        void          *copy_state;
        struct session s;

        rig_copy(r, &copy_state);
        struct txn *t = begin(copy_state);
        load_row(t, &s);
        spoil[i](&s);
        session_save(t, &s);
        commit(t);
        if (problems_of(copy_state, "session") == 0)
            fail_msg("fsck did not see spoilt thing %d", (int)i);
        assert_int_equal(rig_end(&copy_state), 0);
    }
}

/* ---- events that are lost ---- */

static void
a_lost_event_is_passed_over(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 5; i++)
        (void)append(r, "s", "ping");
    lose_events(r, 2, 3);
    rig_complete(r, job_of(r, "s"));
    document(r, job_of(r, "s"));
    assert_int_equal(rig_i64(r, "event.seq"), 4);
    assert_int_equal(session_i64(r, "s", "waiting"), 2);
    assert_int_equal(problems_of(r, "session"), 0);
}

static void
lost_events_at_the_end_leave_the_session_idle(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 3; i++)
        (void)append(r, "s", "ping");
    lose_events(r, 2, 3);
    rig_complete(r, job_of(r, "s"));
    assert_int_equal(job_of(r, "s"), 0);
    assert_int_equal(rig_i64(r, "waiting"), 0);
    assert_int_equal(append(r, "s", "ping"), 4);
    document(r, job_of(r, "s"));
    assert_int_equal(rig_i64(r, "event.seq"), 4);
    assert_int_equal(problems_of(r, "session"), 0);
}

static void
a_job_whose_event_is_lost_ends_and_the_next_starts(void **state)
{
    struct rig *r = *state;

    declare(r);
    (void)append(r, "s", "ping");
    (void)append(r, "s", "ping");
    uint64_t job = job_of(r, "s");
    lose_events(r, 1, 1);
    rig_workers(r, 1, 4);
    rig_settle(r);
    expect_state(r, job, "failed");
    document(r, job_of(r, "s"));
    assert_int_equal(rig_i64(r, "event.seq"), 2);
    assert_int_equal(session_i64(r, "s", "dead"), 0);
    assert_int_equal(problems_of(r, "session"), 0);
}

static void
a_job_whose_session_is_lost_ends(void **state)
{
    struct rig    *r = *state;
    struct session s;

    declare(r);
    rig_workers(r, 1, 4);
    (void)append(r, "s", "ping");
    uint64_t    job = job_of(r, "s");
    struct txn *t = begin(r);
    load_row(t, &s);
    assert_true(session_delete(t, &s));
    commit(t);
    rig_complete(r, job);
    expect_state(r, job, "completed");
    assert_int_equal(append(r, "s", "ping"), 1); /* of a new one */
    assert_int_equal(rig_running(r), 1);
}

/* ---- timers that are lost ---- */

static void
spoil_timer(struct rig *r, const char *timer)
{
    const struct key_desc *k = key_desc(PRIMARY_SESSION_TIMER);
    struct session_timer   row = {.timer = view_str(timer)};
    struct txn            *t = begin(r);
    struct session         s;
    uint8_t                bytes[KEY_BYTES_MAX];

    load_row(t, &s);
    row.session = s.id;
    row_put(t, PRIMARY_SESSION_TIMER, view_of(bytes, key_encode(k, k->part_count, &row, bytes)),
            view_str("neither a timer nor its checksum"));
    commit(t);
}

static void
a_damaged_timer_is_no_longer_counted(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 3; i++)
        rig_must(r, "timer.set", "'key':'s','timer_id':'t%d','delay_ms':%d", i, i + 1);
    rig_must(r, "timer.set", "'key':'other','timer_id':'t','delay_ms':60000");
    spoil_timer(r, "t0");
    rig_advance(r, 1); /* it is met when it is due … */
    rig_turn(r);       /* … and then moved away */
    assert_int_equal(rig_feed_count(r, "record.damaged"), 1);
    assert_int_equal(session_i64(r, "s", "timers"), 2);
    assert_int_equal(session_i64(r, "other", "timers"), 1);
    assert_int_equal(problems_of(r, "session"), 0);
    rig_advance(r, 2);
    assert_int_equal(session_i64(r, "s", "timers"), 0);
    assert_int_equal(rig_i64(r, "appended"), 2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(fsck_finds_each_thing_that_is_off),
        TEST(a_lost_event_is_passed_over),
        TEST(lost_events_at_the_end_leave_the_session_idle),
        TEST(a_job_whose_event_is_lost_ends_and_the_next_starts),
        TEST(a_job_whose_session_is_lost_ends),
        TEST(a_damaged_timer_is_no_longer_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
