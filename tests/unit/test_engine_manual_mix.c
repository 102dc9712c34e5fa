/* Whatever is done to schedules by hand in whatever order: what must hold after each turn. */
#include "tests/unit/schedule_world.h"

#define SCHEDULES 4

struct mix {
    struct rig *r;
    uint64_t    rng;
    size_t      started, full, filled, retried;
};

static uint64_t
draw(struct mix *m, uint64_t bound)
{
    m->rng = m->rng * 6364136223846793005u + 1442695040888963407u;
    return (m->rng >> 33) % bound;
}

static const char *
a_schedule(struct mix *m)
{
    static const char *const names[SCHEDULES] = {"skip", "queue", "allow", "cancel"};

    return names[draw(m, SCHEDULES)];
}

/* Started at once, or refused and nothing queued. */
static void
run(struct mix *m)
{
    struct rig *r = m->r;
    const char *name = a_schedule(m);
    int64_t     before = schedule_i64(r, name, "firing_count");
    enum errc   code = rig_ask(r, "schedule.run", "'name':'%s','force':%s", name,
                             draw(m, 3) == 0 ? "true" : "false");

    if (code == E_OK) {
        uint64_t job = (uint64_t)rig_i64(r, "job");

        expect_state(r, job, "running");
        m->started++;
    } else {
        assert_int_equal(code, E_CAPACITY_FULL);
        assert_true(r->error.slot_eta_ms >= 0);
        assert_int_equal(schedule_i64(r, name, "firing_count"), before);
        m->full++;
    }
}

static void
backfill(struct mix *m)
{
    struct rig *r = m->r;
    int64_t     now = r->header.now.wall_ms;
    int64_t     to = now - (int64_t)draw(m, 20) * MINUTE_MS / 2;
    int64_t     from = to - 1 - (int64_t)draw(m, 12) * MINUTE_MS / 2;
    const char *name = a_schedule(m);

    rig_must(r, "schedule.backfill", "'name':'%s','from':%lld,'to':%lld,'force':%s", name,
             (long long)from, (long long)to, draw(m, 4) == 0 ? "true" : "false");
    m->filled += (size_t)rig_i64(r, "count");
    rig_must(r, "schedule.backfill", "'name':'%s','from':%lld,'to':%lld", name, (long long)from,
             (long long)to);
    assert_int_equal(rig_i64(r, "count"), 0);
}

static void
retry(struct mix *m)
{
    struct rig *r = m->r;
    size_t      count;

    rig_must_read(r, "job.list", "'limit':1000");
    count = rig_len(r, "items");
    if (count == 0) return;
    m->retried += rig_ask(r, "job.retry", "'id':%lld,'force':%s",
                          (long long)rig_i64(r, rig_path(r, "items", draw(m, count), "id")),
                          draw(m, 2) == 0 ? "true" : "false") == E_OK;
}

static void
end_some(struct mix *m)
{
    struct rig *r = m->r;

    for (size_t i = 0; i < r->lease_count; i++) {
        if (!r->leases[i].is_live || draw(m, 2) == 0) continue;
        if (draw(m, 4) == 0) {
            rig_fail(r, r->leases[i].id, "tool_failed");
        } else {
            rig_complete(r, r->leases[i].id);
        }
    }
}

static void
change(struct mix *m)
{
    static const char *const fields[] = {"'every_ms':60000",     "'every_ms':90000",
                                         "'cron':'*/2 * * * *'", "'priority':70",
                                         "'max_run_ms':90000",   "'clear':['max_run_ms']"};
    const char              *name = a_schedule(m);
    int64_t                  now = m->r->header.now.wall_ms;

    if (rig_ask(m->r, "schedule.set", "'name':'%s',%s", name, fields[draw(m, ARRAY_LEN(fields))]))
        return;
    assert_true(rig_i64(m->r, "next_fire_at") > now);
    assert_true(rig_i64(m->r, "cursor_at") <= now);
}

static void
pause_or_resume(struct mix *m)
{
    const char *name = a_schedule(m);

    if (rig_ask(m->r, "schedule.pause", "'name':'%s'", name))
        rig_must(m->r, "schedule.resume", "'name':'%s'", name);
}

/* But for what was forced, one job of a schedule at a time, unless it allows more; two scheduled
 * jobs in all. */
static void
expect_caps(struct mix *m)
{
    struct rig *r = m->r;
    size_t      running[SCHEDULES] = {0}, count, born = 0;

    rig_must_read(r, "job.list", "'state':'running','limit':1000");
    count = rig_len(r, "items");
    assert_int_equal(count, rig_running(r));
    assert_true(count <= 6);
    for (size_t i = 0; i < count; i++) {
        const char *name = rig_text(r, rig_path(r, "items", i, "schedule"));
        size_t      of = *name == 's' ? 0 : *name == 'q' ? 1 : *name == 'a' ? 2 : 3;

        if (rig_bool(r, rig_path(r, "items", i, "forced"))) continue;
        born++;
        running[of]++;
        if (of != 2 && running[of] > 1) fail_msg("two of %s run", name);
    }
    assert_true(born <= 2);
}

static void
mixed(void **state)
{
    struct mix  m = {.r = *state, .rng = 7};
    struct rig *r = m.r;

    rig_workers(r, 2, 3);
    add(r, "skip", "'every_ms':60000");
    add(r, "queue", "'every_ms':90000,'overlap':'queue_one'");
    add(r, "allow", "'every_ms':60000,'overlap':'allow'");
    add(r, "cancel", "'every_ms':120000,'overlap':'cancel_running','misfire':'all'");
    for (int i = 0; i < 300; i++) {
        switch (draw(&m, 8)) {
        case 0:
        case 1: run(&m); break;
        case 2: backfill(&m); break;
        case 3: retry(&m); break;
        case 4: change(&m); break;
        case 5: pause_or_resume(&m); break;
        default: end_some(&m); break;
        }
        expect_caps(&m);
        rig_advance(r, (int64_t)draw(&m, 90) * SECOND_MS);
        expect_caps(&m);
    }
    assert_true(m.started > 5 && m.full > 5 && m.filled > 20 && m.retried > 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(mixed)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
