#include "supervisor/engine/job.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The table of A1 by hand, so that a change of the code's list does not change the test's. */
static const struct {
    enum job_state_id from;
    enum job_event    ev;
    enum job_state_id to;
} listed[] = {
    {JOB_NONE,      JOB_ON_SUBMIT,     JOB_SCHEDULED},
    {JOB_NONE,      JOB_ON_SUBMIT_DUE, JOB_READY    },
    {JOB_SCHEDULED, JOB_ON_DUE,        JOB_READY    },
    {JOB_SCHEDULED, JOB_ON_CHANGE,     JOB_SCHEDULED},
    {JOB_SCHEDULED, JOB_ON_CANCEL,     JOB_CANCELLED},
    {JOB_SCHEDULED, JOB_ON_EXPIRE,     JOB_EXPIRED  },
    {JOB_READY,     JOB_ON_CHANGE,     JOB_SCHEDULED},
    {JOB_READY,     JOB_ON_START,      JOB_RUNNING  },
    {JOB_READY,     JOB_ON_CANCEL,     JOB_CANCELLED},
    {JOB_READY,     JOB_ON_EXPIRE,     JOB_EXPIRED  },
    {JOB_READY,     JOB_ON_FAIL,       JOB_FAILED   },
    {JOB_RUNNING,   JOB_ON_STOP,       JOB_RUNNING  },
    {JOB_RUNNING,   JOB_ON_REPORT,     JOB_RUNNING  },
    {JOB_RUNNING,   JOB_ON_COMPLETE,   JOB_COMPLETED},
    {JOB_RUNNING,   JOB_ON_COME_BACK,  JOB_SCHEDULED},
    {JOB_RUNNING,   JOB_ON_FAIL,       JOB_FAILED   },
    {JOB_RUNNING,   JOB_ON_ABORT,      JOB_CANCELLED},
    {JOB_FAILED,    JOB_ON_RETRY,      JOB_SCHEDULED},
    {JOB_CANCELLED, JOB_ON_RETRY,      JOB_SCHEDULED},
    {JOB_EXPIRED,   JOB_ON_RETRY,      JOB_SCHEDULED},
};

static enum job_state_id
wanted(enum job_state_id from, enum job_event ev)
{
    for (size_t i = 0; i < ARRAY_LEN(listed); i++)
        if (listed[i].from == from && listed[i].ev == ev) return listed[i].to;
    return JOB_NONE;
}

/* Fields that the invariants of a state may speak of are as that state has them. */
static void
fill(struct job_state *j, enum job_state_id from)
{
    memset(j, 0, sizeof(*j)); /* the padding too: the structs are compared as bytes */
    j->id = 7;
    j->state = (uint8_t)from;
    j->lane = 3;
    j->company = 1;
    j->handler = 5;
    j->priority = 50;
    j->run_at = 1000;
    j->token = 9;
    j->worker = 2;
    j->claimed_at = 1100;
    j->lease_expires_at = 1200;
    j->lease_end_boot = 55;
}

static void
exactly_the_listed_pairs_move(void **state)
{
    size_t moved = 0;

    (void)state;
    for (enum job_state_id from = JOB_NONE; from < JOB_STATE_COUNT; from++) {
        for (enum job_event ev = 0; ev < JOB_EVENT_COUNT; ev++) {
            struct job_state  j, before;
            struct err        e = {0};
            enum job_state_id to = wanted(from, ev);

            fill(&j, from);
            memcpy(&before, &j, sizeof(j));
            enum errc code = job_step(&j, ev, &e);
            if (to != JOB_NONE) {
                assert_int_equal(code, E_OK);
                assert_int_equal(j.state, to);
                before.state = (uint8_t)to;
                moved++;
            } else {
                assert_int_equal(code, E_WRONG_STATE);
                assert_int_equal(e.code, E_WRONG_STATE);
                assert_int_not_equal(e.msg[0], '\0');
            }
            assert_memory_equal(&j, &before, sizeof(j));
        }
    }
    assert_int_equal(moved, ARRAY_LEN(listed));
}

static void
every_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum job_state_id s = JOB_NONE + 1; s < JOB_STATE_COUNT; s++) {
        assert_int_equal(job_state_from(view_str(job_state_name(s))), s);
        assert_int_equal(job_state_is_end(s), s >= JOB_COMPLETED);
    }
    assert_int_equal(job_state_from(view_str("parked")), JOB_NONE);
    assert_int_equal(job_state_from(view_str("")), JOB_NONE);
    assert_int_equal(job_state_from(view_of("ready\0", 6)), JOB_NONE);
}

static void
triggers_have_the_priorities_of_the_specification(void **state)
{
    static const struct {
        const char *name;
        int         priority;
    } wanted_priorities[] = {
        {"manual",          80},
        {"goal_decomposed", 75},
        {"ticket_assigned", 70},
        {"routine",         60},
        {"schedule",        50},
        {"timer",           50},
        {"event",           50},
        {"heartbeat",       50},
        {"workflow",        50},
        {"follow_up",       50},
    };

    (void)state;
    assert_int_equal(ARRAY_LEN(wanted_priorities), TRIGGER_COUNT - 1);
    for (size_t i = 0; i < ARRAY_LEN(wanted_priorities); i++) {
        enum trigger t = trigger_from(view_str(wanted_priorities[i].name));

        assert_int_not_equal(t, TRIGGER_NONE);
        assert_string_equal(trigger_name(t), wanted_priorities[i].name);
        assert_int_equal(trigger_priority(t), wanted_priorities[i].priority);
    }
    assert_int_equal(trigger_from(view_str("cron")), TRIGGER_NONE);
}

/* A6, by hand. */
static void
failure_classes_are_those_of_the_specification(void **state)
{
    static const struct {
        const char         *name;
        enum failure_retry  retry;
        enum failure_count  count;
        enum failure_streak streak;
        bool                handler_may_name;
    } classes[] = {
        {"turn_limit_exceeded", RETRY_NEVER,   COUNT_FAILURE, STREAK_TURN_BUDGET, true },
        {"lease_expired",       RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     false},
        {"timeout",             RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true },
        {"handler_error",       RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true },
        {"invalid_output",      RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true },
        {"context_exceeded",    RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true },
        {"tool_failed",         RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true },
        {"budget_exceeded",     RETRY_NEVER,   COUNT_FAILURE, STREAK_GENERIC,     true },
        {"auth_failed",         RETRY_BREAKER, COUNT_NOTHING, STREAK_GENERIC,     true },
        {"rate_limited",        RETRY_BREAKER, COUNT_NOTHING, STREAK_GENERIC,     true },
        {"aborted",             RETRY_NEVER,   COUNT_NOTHING, STREAK_NONE,        false},
        {"expired",             RETRY_NEVER,   COUNT_NOTHING, STREAK_NONE,        false},
        {"worker_lost",         RETRY_AT_ONCE, COUNT_CRASH,   STREAK_NONE,        false},
        {"interrupted",         RETRY_AT_ONCE, COUNT_CRASH,   STREAK_NONE,        false},
    };

    (void)state;
    assert_int_equal(ARRAY_LEN(classes), FAIL_COUNT - 1);
    assert_string_equal(failure_rule(FAIL_NONE)->name, "");
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        enum failure_class         c = (enum failure_class)(i + 1); /* the numbers are stored */
        const struct failure_rule *rule = failure_rule(c);
        enum failure_class         reported = failure_from_report(view_str(classes[i].name));

        assert_string_equal(rule->name, classes[i].name);
        assert_int_equal(rule->retry, classes[i].retry);
        assert_int_equal(rule->count, classes[i].count);
        assert_int_equal(rule->streak, classes[i].streak);
        assert_int_equal(reported, classes[i].handler_may_name ? c : FAIL_HANDLER_ERROR);
    }
    assert_int_equal(failure_from_report(view_str("no such class")), FAIL_HANDLER_ERROR);
    assert_int_equal(failure_from_report(view_str("")), FAIL_HANDLER_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_listed_pairs_move),
        cmocka_unit_test(every_state_has_a_name_of_its_own),
        cmocka_unit_test(triggers_have_the_priorities_of_the_specification),
        cmocka_unit_test(failure_classes_are_those_of_the_specification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
