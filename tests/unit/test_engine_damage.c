/* What the engine does when rows are not what they should be: fsck finds it, dispatch goes on (A12,
 * N12). */
#include "supervisor/engine/job.h"
#include "tests/unit/damage_world.h"

static void
spoil_queue(struct txn *t)
{
    struct queue q = {.company = 1};

    assert_int_equal(queue_load(t, &q), LOAD_FOUND);
    q.running++;
    queue_save(t, &q);
}

static void
spoil_lane(struct txn *t)
{
    struct job_state j = {.id = 2};

    assert_int_equal(job_state_load(t, &j), LOAD_FOUND);
    struct lane l = {.id = j.lane};
    assert_int_equal(lane_load(t, &l), LOAD_FOUND);
    l.head = 99;
    lane_save(t, &l);
}

static void
lose_lane(struct txn *t)
{
    struct job_state j = {.id = 2};

    assert_int_equal(job_state_load(t, &j), LOAD_FOUND);
    assert_true(lane_delete(t, &(struct lane){.id = j.lane}));
}

static void
lose_queue(struct txn *t)
{
    assert_true(queue_delete(t, &(struct queue){.company = 1}));
}

static void
spoil_feed(struct txn *t)
{
    struct meta m = {.id = 1};

    assert_int_equal(meta_load(t, &m), LOAD_FOUND);
    m.feed_bytes += 5;
    meta_save(t, &m);
}

static void
lose_event(struct txn *t)
{
    struct feed f = {.seq = 1};
    struct scan s;

    scan_open(&s, t, PRIMARY_FEED, &f, 0, 1);
    assert_true(scan_next(&s, &f) && scan_next(&s, &f));
    uint64_t second = f.seq;
    scan_close(&s);
    assert_true(feed_delete(t, &(struct feed){.seq = second}));
}

static void
spoil_schedule(struct txn *t)
{
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, t, PRIMARY_SCHEDULE, &run, 0, 0);
    assert_true(scan_next(&s, &run));
    uint32_t id = run.id;
    scan_close(&s);
    run = (struct schedule){.id = id};
    assert_int_equal(schedule_by_id(t, &run), LOAD_FOUND);
    run.in_flight++;
    schedule_save(t, &run);
}

static void
fsck_finds_each_thing_that_is_off(void **state)
{
    static void (*const spoil[])(struct txn *) = {
        spoil_queue, spoil_lane, lose_lane, lose_queue, spoil_feed, lose_event, spoil_schedule};
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    (void)rig_submit(r, "'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop'");
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    assert_int_equal(problems_of(r, ""), 0);
    for (size_t i = 0; i < ARRAY_LEN(spoil); i++) {
        void       *copy_state;
        struct rig *copy;

        rig_copy(r, &copy_state);
        copy = copy_state;
        struct txn *t = begin(copy);
        spoil[i](t);
        commit(t);
        if (problems_of(copy, "") == 0) fail_msg("fsck did not see spoilt thing %d", (int)i);
        assert_int_equal(rig_end(&copy_state), 0);
    }
}

/* A job that cannot be read must not hold those behind it in its lane. */
static void
an_unreadable_job_fails_and_the_next_ones_start(void **state)
{
    struct rig *r = *state;

    uint64_t        no_spec = rig_submit(r, "'handler':'noop'");
    FREE_AUTO char *payload = xmalloc(5001);
    memset(payload, 'p', 5000);
    payload[5000] = '\0';
    uint64_t    no_payload = rig_submit(r, "'handler':'noop','payload':'%s'", payload);
    uint64_t    good = rig_submit(r, "'handler':'noop'");
    struct txn *t = begin(r);
    assert_true(job_spec_delete(t, &(struct job_spec){.id = no_spec}));
    bytes_delete(t, BLOB_PAYLOAD, no_payload);
    commit(t);
    rig_workers(r, 1, 4);
    expect_state(r, good, "running");
    expect_state(r, no_payload, "failed");
    assert_true(strlen(rig_text(r, "failure.message")) > 5);
    assert_int_equal(rig_read(r, "job.show", "'id':%d", (int)no_spec), E_DAMAGED);
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "failed"), 2);
    assert_int_equal(rig_i64(r, "ready"), 0);
    rig_turn(r);
    assert_false(r->was_dirty);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(fsck_finds_each_thing_that_is_off),
        TEST(an_unreadable_job_fails_and_the_next_ones_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
