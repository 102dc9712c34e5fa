/* The bounds of what agents make by their effects, and its end when nobody answers them (B7). */
#include "tests/unit/effects_case.h"

static void
an_agent_makes_a_schedule_of_its_own(void **state)
{
    struct rig *r = *state;

    declare(r);
    end_with(r, wake(r, "anna"), EVERY("pulse"));
    assert_string_equal(effect(r, "status"), "delivered");
    rig_must_read(r, "schedule.show", "'name':'acme/pulse'");
    assert_string_equal(rig_text(r, "agent"), "anna");
    assert_string_equal(rig_text(r, "origin"), "agent");
    rig_advance(r, HOUR_MS);
    assert_int_equal(jobs(r), 2);
    rig_complete(r, 2);
    end_with(r, wake(r, "anna"), EVERY("pulse")); /* there already */
    assert_string_equal(effect(r, "status"), "rejected");
    rig_must(r, "schedule.remove", "'name':'acme/pulse'");
    end_with(r, wake(r, "anna"), EVERY("pulse"));
    assert_string_equal(effect(r, "status"), "delivered");
}

static void
what_agents_make_has_bounds(void **state)
{
    struct rig *r = *state;

    r->limits.agent_schedules_max = 1;
    r->limits.agent_wakes_max = 1;
    r->limits.agent_interval_min_ms = HOUR_MS;
    declare(r);
    end_with(r, wake(r, "anna"), "{'kind':'add_schedule','name':'s','every_ms':3599999}");
    assert_non_null(strstr(effect(r, "reason"), "agent_interval_min"));
    end_with(r, wake(r, "anna"), "{'kind':'add_schedule','name':'s','cron':'0,30 9 * * *'}");
    assert_non_null(strstr(effect(r, "reason"), "agent_interval_min"));
    end_with(r, wake(r, "anna"), EVERY("one") "," EVERY("two"));
    assert_non_null(strstr(effect(r, "reason"), "agent_schedules_max"));
    end_with(r, wake(r, "anna"), "{'kind':'wake_agent','agent':'bert','in_ms':1000}," WAKE("bert"));
    assert_non_null(strstr(effect(r, "reason"), "agent_wakes_max"));
    rig_advance(r, SECOND_MS); /* it has started: there is room again */
    end_with(r, wake(r, "anna"), WAKE("bert"));
    assert_string_equal(effect(r, "status"), "delivered");
}

static void
a_schedule_ends_when_nobody_answers_its_agent(void **state)
{
    struct rig *r = *state;

    r->limits.agent_unanswered_ms = 3 * HOUR_MS;
    declare(r);
    end_with(r, wake(r, "anna"), EVERY("pulse"));
    rig_advance(r, HOUR_MS);
    rig_complete(r, 2);
    rig_complete(r, wake(r, "anna")); /* a person deals with it */
    for (uint64_t id = 4; id < 6; id++) {
        rig_advance(r, HOUR_MS);
        rig_complete(r, id);
    }
    rig_advance(r, HOUR_MS);
    assert_int_equal(jobs(r), 5);
    rig_must_read(r, "schedule.show", "'name':'acme/pulse'");
    assert_string_equal(rig_text(r, "status"), "paused");
    assert_int_equal(rig_feed_count(r, "schedule.ended"), 1);
    rig_must(r, "schedule.resume", "'name':'acme/pulse'");
    rig_advance(r, HOUR_MS);
    assert_int_equal(jobs(r), 6);
}

/* What became of the schedule's time after each hour; what waits is done at once. */
static const char *
status_after_hours(struct rig *r, int hours)
{
    for (int i = 0; i < hours; i++) {
        rig_advance(r, HOUR_MS);
        for (uint64_t id = 1; id <= jobs(r); id++) {
            if (rig_lease(r, id) && rig_lease(r, id)->is_live) rig_complete(r, id);
        }
    }
    rig_must_read(r, "schedule.show", "'name':'acme/pulse'");
    return rig_text(r, "status");
}

static void
what_a_person_gives_the_agent_to_do_is_an_answer(void **state)
{
    static const char *const answers[][2] = {
        {"ticket.add",     "'company':'acme','title':'t','agent':'acme/anna'"  },
        {"ticket.assign",  "'id':1,'agent':'acme/anna'"                        },
        {"agent.wake",     "'name':'acme/anna'"                                },
        {"agent.wake",     "'name':'acme/anna','every_ms':86400000"            },
        {"goal.decompose", "'id':1,'parts':[{'title':'p','agent':'acme/anna'}]"},
        {"agent.pause",    "'name':'acme/anna'"                                },
        {"agent.resume",   "'name':'acme/anna'"                                },
    };
    struct rig *r = *state;

    r->limits.agent_unanswered_ms = 3 * HOUR_MS;
    declare(r);
    rig_must(r, "goal.add", "'company':'acme','title':'g'");
    end_with(r, wake(r, "anna"), EVERY("pulse"));
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        assert_string_equal(status_after_hours(r, 2), "active");
        rig_must(r, answers[i][0], "%s", answers[i][1]);
    }
    assert_string_equal(status_after_hours(r, 2), "active");
    assert_string_equal(status_after_hours(r, 1), "paused");
}

static void
no_schedule_ends_while_its_agent_is_paused(void **state)
{
    struct rig *r = *state;

    r->limits.agent_unanswered_ms = 3 * HOUR_MS;
    declare(r);
    end_with(r, wake(r, "anna"), EVERY("pulse"));
    rig_must(r, "agent.pause", "'name':'acme/anna'");
    assert_string_equal(status_after_hours(r, 5), "active");
    rig_must(r, "agent.resume", "'name':'acme/anna'");
    assert_string_equal(status_after_hours(r, 2), "active");
    assert_string_equal(status_after_hours(r, 1), "paused");
}

static void
an_answer_from_before_a_schedule_does_not_end_it_early(void **state)
{
    struct rig *r = *state;

    r->limits.agent_unanswered_ms = 3 * HOUR_MS;
    declare(r);
    uint64_t later = rig_submit(r, "'agent':'acme/anna','max_run_ms':36000000");
    rig_advance(r, 4 * HOUR_MS);
    end_with(r, later, EVERY("pulse"));
    assert_string_equal(status_after_hours(r, 2), "active");
    assert_string_equal(status_after_hours(r, 1), "paused");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(an_agent_makes_a_schedule_of_its_own),
        TEST(what_agents_make_has_bounds),
        TEST(a_schedule_ends_when_nobody_answers_its_agent),
        TEST(what_a_person_gives_the_agent_to_do_is_an_answer),
        TEST(no_schedule_ends_while_its_agent_is_paused),
        TEST(an_answer_from_before_a_schedule_does_not_end_it_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
