/* Schedules in shadow mode: what they do is kept, what they say is not sent; promoted by hand or by
 * good runs (C5). */
#include "tests/unit/schedule_world.h"

#define SAYS                                                 \
    "'verdict':'completed','checkpoint':{'n':1},'effects':[" \
    "{'kind':'notify','message':'hello'},"                   \
    "{'kind':'wake_agent','agent':'acme/anna'},"             \
    "{'kind':'add_schedule','name':'late','every_ms':3600000}]"

static void
declare(struct rig *r, const char *schedule)
{
    r->limits.session_sinks = arena_copy(&r->kept, rig_pack(r, "['file','other']"));
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .agents = "{'name':'anna','company':'acme','handler':'noop'}",
                         .sinks = "{'name':'file','kind':'file','path':'out.jsonl'},"
                                  "{'name':'other','kind':'file','path':'other.jsonl'}",
                         .schedules = schedule,
                     });
}

static void
begin(struct rig *r, const char *shadow)
{
    declare(r, NULL);
    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add",
             "'name':'s','company':'acme','every_ms':60000,'agent':'acme/anna',%s", shadow);
}

static uint64_t
fired(struct rig *r)
{
    rig_advance(r, MINUTE_MS);
    return (uint64_t)schedule_i64(r, "acme/s", "last_job");
}

/* The next firing ends so. */
static void
fire(struct rig *r, const char *ended)
{
    rig_ended(r, fired(r), "%s", ended);
    rig_turn(r);
}

static size_t
effects(struct rig *r, const char *status)
{
    rig_must_read(r, "effect.list", "'limit':1000,'status':'%s'", status);
    return rig_len(r, "items");
}

static void
effects_in_the_shadow_are_kept_and_suppressed(void **state)
{
    struct rig *r = *state;

    begin(r, "'shadow':true");
    assert_true(schedule_i64(r, "acme/s", "shadow_runs_done") == 0 && rig_bool(r, "in_shadow"));
    fire(r, SAYS);
    assert_int_equal(effects(r, "suppressed"), 4); /* one for each sink, and the two inside */
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "reason")), "shadow mode");
    assert_string_equal(rig_text(r, "items.2.kind"), "wake_agent");
    assert_int_equal(effects(r, "pending") + effects(r, "attempting") + effects(r, "delivered"), 0);
    rig_must_read(r, "job.list", "'limit':100");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_feed_count(r, "effect.suppressed"), 4);
    rig_refused(r, E_NOT_FOUND, "name", "schedule.remove", "'name':'acme/late'");
}

static void
a_shadow_keeps_its_checkpoint_and_counts_what_it_uses(void **state)
{
    struct rig *r = *state;

    begin(r, "'shadow':true");
    fire(r, SAYS ",'turns':7");
    rig_must_read(r, "session.show", "'company':'acme','key':'schedule/s'");
    assert_int_equal(rig_i64(r, "checkpoint.n"), 1);
    assert_int_equal(rig_job_i64(r, 1, "usage.turns"), 7);
}

static void
an_operator_promotes_it_and_its_effects_are_sent(void **state)
{
    struct rig *r = *state;

    begin(r, "'shadow':true");
    fire(r, SAYS);
    rig_must(r, "schedule.promote", "'name':'acme/s'");
    assert_false(rig_bool(r, "in_shadow"));
    assert_true(rig_bool(r, "shadow"));
    rig_refused(r, E_WRONG_STATE, "", "schedule.promote", "'name':'acme/s'");
    fire(r, SAYS);
    assert_int_equal(effects(r, "suppressed"), 4);
    assert_int_equal(effects(r, "attempting"), 2);
    assert_int_equal(rig_feed_count(r, "schedule.promoted"), 1);
    rig_must_read(r, "audit.list", "'action':'schedule.promote'");
    assert_int_equal(rig_len(r, "items"), 1);
}

static void
a_job_that_runs_while_it_is_promoted_sends(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    begin(r, "'shadow':true");
    id = fired(r);
    rig_must(r, "schedule.promote", "'name':'acme/s'");
    rig_ended(r, id, SAYS);
    rig_turn(r);
    assert_int_equal(effects(r, "suppressed"), 0);
    assert_int_equal(effects(r, "attempting"), 2);
}

static void
good_runs_in_a_row_promote_it(void **state)
{
    struct rig *r = *state;

    begin(r, "'shadow':true,'shadow_runs':3");
    fire(r, "'verdict':'completed'");
    fire(r, "'verdict':'completed'");
    assert_int_equal(schedule_i64(r, "acme/s", "shadow_runs_done"), 2);
    fire(r, "'verdict':'failed','class':'handler_error'");
    assert_int_equal(schedule_i64(r, "acme/s", "shadow_runs_done"), 0);
    fire(r, "'verdict':'completed'");
    rig_must(r, "job.cancel", "'id':%d", (int)fired(r)); /* neither good nor bad */
    rig_ended(r, (uint64_t)schedule_i64(r, "acme/s", "last_job"), "'verdict':'completed'");
    rig_turn(r);
    fire(r, "'verdict':'completed'");
    assert_int_equal(schedule_i64(r, "acme/s", "shadow_runs_done"), 2);
    assert_true(rig_bool(r, "in_shadow"));
    fire(r, SAYS); /* it was still in the shadow when it said so */
    assert_false(schedule_i64(r, "acme/s", "shadow_runs_done") != 3 || rig_bool(r, "in_shadow"));
    assert_int_equal(effects(r, "suppressed"), 4);
    assert_int_equal(rig_feed_count(r, "schedule.promoted"), 1);
    fire(r, SAYS);
    assert_int_equal(effects(r, "suppressed"), 4);
}

static void
saved_again_it_is_in_the_shadow_again(void **state)
{
    static const char first[] =
        "{'name':'s','company':'acme','every_ms':60000,'agent':'acme/anna','shadow':true}";
    static const char changed[] = "{'name':'s','company':'acme','every_ms':60000,'agent':'acme/"
                                  "anna','shadow':true,'payload':2}";
    struct rig       *r = *state;

    declare(r, first);
    rig_must(r, "schedule.promote", "'name':'acme/s'");
    declare(r, first); /* nothing of it changed */
    assert_false(schedule_i64(r, "acme/s", "shadow_runs_done") != 0 || rig_bool(r, "in_shadow"));
    declare(r, changed);
    assert_true(schedule_i64(r, "acme/s", "shadow_runs_done") == 0 && rig_bool(r, "in_shadow"));
}

static void
what_is_in_no_shadow_is_never_promoted(void **state)
{
    struct rig *r = *state;

    begin(r, "'title':'t'");
    rig_refused(r, E_WRONG_STATE, "", "schedule.promote", "'name':'acme/s'");
    rig_refused(r, E_BAD_REQUEST, "shadow_runs", "schedule.add",
                "'name':'x','every_ms':60000,'handler':'noop','shadow_runs':3");
    fire(r, SAYS);
    assert_int_equal(effects(r, "suppressed"), 0);
    rig_must_read(r, "schedule.show", "'name':'acme/s'");
    assert_true(rig_is_nil(r, "in_shadow") && rig_is_nil(r, "shadow_runs_done"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(effects_in_the_shadow_are_kept_and_suppressed),
        TEST(a_shadow_keeps_its_checkpoint_and_counts_what_it_uses),
        TEST(an_operator_promotes_it_and_its_effects_are_sent),
        TEST(a_job_that_runs_while_it_is_promoted_sends),
        TEST(good_runs_in_a_row_promote_it),
        TEST(saved_again_it_is_in_the_shadow_again),
        TEST(what_is_in_no_shadow_is_never_promoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
