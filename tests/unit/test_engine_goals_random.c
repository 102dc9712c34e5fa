/* Goals, tickets, routines and their removals in random order, with crashes: every turn is checked
 * by the rig, and at the end all can be removed (B1, B3). */
#include "tests/unit/engine_rig.h"

#define STEPS  500
#define ROUNDS 6
#define IDS    12 /* numbers are drawn from so many of the newest */

struct walk {
    struct rig *r;
    uint64_t    seed;
    unsigned    goals, tickets; /* the last numbers given */
};

static unsigned
draw(struct walk *w, unsigned below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->seed >> 33) % below;
}

/* One of the newest numbers, or one that is not there; 0 is "none" where that is allowed. */
static unsigned
number(struct walk *w, unsigned last)
{
    return last < IDS ? draw(w, IDS) : last - IDS + draw(w, IDS + 1);
}

static unsigned
some(struct walk *w, unsigned last)
{
    unsigned id = number(w, last);

    return id ? id : 1;
}

static const char *
agent(struct walk *w)
{
    static const char *const names[] = {"a", "b", "c"};

    return names[draw(w, 3)];
}

static const char *
one_of(struct walk *w, const char *a, const char *b, const char *c)
{
    const char *const of[] = {a, b, c};

    return of[draw(w, 3)];
}

static void
ask_for_a_goal(struct walk *w)
{
    struct rig *r = w->r;

    switch (draw(w, 4)) {
    case 0:
        w->goals += rig_ask(r, "goal.add", "'title':'root','agent':'%s'", agent(w)) == E_OK;
        break;
    case 1:
        w->goals += rig_ask(r, "goal.add", "'title':'g','parent':%u", some(w, w->goals)) == E_OK;
        break;
    case 2:
        (void)rig_ask(r, "goal.set", "'id':%u,'parent':%u", some(w, w->goals), number(w, w->goals));
        break;
    case 3:
        (void)rig_ask(r, "goal.set", "'id':%u,'status':'%s'", some(w, w->goals),
                      one_of(w, "open", "done", "cancelled"));
        break;
    }
}

static void
ask_for_a_ticket(struct walk *w)
{
    struct rig *r = w->r;

    switch (draw(w, 5)) {
    case 0:
        w->tickets += rig_ask(r, "ticket.add", "'title':'t','goal':%u,'agent':'%s'",
                              number(w, w->goals), agent(w)) == E_OK;
        break;
    case 1:
        w->tickets +=
            rig_ask(r, "ticket.add", "'title':'t','parent':%u", some(w, w->tickets)) == E_OK;
        break;
    case 2:
        (void)rig_ask(r, "ticket.set", "'id':%u,'parent':%u,'goal':%u", some(w, w->tickets),
                      number(w, w->tickets), number(w, w->goals));
        break;
    case 3:
        (void)rig_ask(r, "ticket.set", "'id':%u,'status':'%s'", some(w, w->tickets),
                      one_of(w, "done", "open", "disputed"));
        break;
    case 4:
        (void)rig_ask(r, "ticket.assign", "'id':%u,'agent':'%s'", some(w, w->tickets), agent(w));
        break;
    }
}

static void
ask_for_work(struct walk *w)
{
    struct rig *r = w->r;

    switch (draw(w, 4)) {
    case 0:
        (void)rig_ask(r, "job.submit", "'agent':'%s','goal':%u,'delay_ms':%u", agent(w),
                      some(w, w->goals), draw(w, 2) * 600000);
        break;
    case 1:
        (void)rig_ask(r, "agent.wake", "'name':'%s','ticket':%u", agent(w), some(w, w->tickets));
        break;
    case 2:
        if (rig_ask(r, "goal.decompose",
                    "'id':%u,'agent':'%s','parts':[{'title':'p'},"
                    "{'title':'p'}]",
                    some(w, w->goals), agent(w)) == E_OK) {
            w->goals += 2;
        }
        break;
    case 3:
        (void)rig_ask(r, "schedule.add",
                      "'name':'n%u','every_ms':60000,'agent':'%s',"
                      "'ticket':{'title':'t','goal':%u,'parent':%u}",
                      draw(w, 3), agent(w), some(w, w->goals), some(w, w->tickets));
        break;
    }
}

static void
remove_something(struct walk *w)
{
    const char *cascade = draw(w, 2) ? "true" : "false", *name = agent(w);
    struct rig *r = w->r;

    switch (draw(w, 5)) {
    case 0:
    case 1:
        (void)rig_ask(r, "goal.remove", "'id':%u,'cascade':%s", some(w, w->goals), cascade);
        break;
    case 2:
    case 3:
        (void)rig_ask(r, "ticket.remove", "'id':%u,'cascade':%s", some(w, w->tickets), cascade);
        break;
    case 4:
        (void)rig_ask(r, "agent.remove", "'name':'%s','cascade':%s", name, cascade);
        (void)rig_ask(r, "agent.add", "'name':'%s','handler':'noop'", name);
        break;
    }
}

/* Attempts that live end, in whatever way. */
static void
end_attempts(struct walk *w, bool all)
{
    struct rig *r = w->r;

    for (size_t i = 0; i < r->lease_count; i++) {
        const struct rig_lease *l = &r->leases[i];

        if (!l->is_live || l->op != MSG_JOB_START || (!all && draw(w, 2))) continue;
        rig_ended(r, l->id, "%s",
                  one_of(w, "'verdict':'completed'", "'verdict':'failed','class':'handler_error'",
                         "'verdict':'completed','effects':[{'kind':'ticket','status':'done'}]"));
    }
    rig_turn(r);
}

static void
crash(struct rig *r)
{
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_turn(r);
    rig_workers(r, 1, 4);
}

/* A routine's tickets are numbered, too. */
static void
count_tickets(struct walk *w)
{
    while (rig_read(w->r, "ticket.show", "'id':%u", w->tickets + 1) == E_OK)
        w->tickets++;
}

static void
step(struct walk *w)
{
    struct rig *r = w->r;

    r->error.code = E_OK;
    switch (draw(w, 12)) {
    case 0:
    case 1: ask_for_a_goal(w); break;
    case 2:
    case 3:
    case 4: ask_for_a_ticket(w); break;
    case 5:
    case 6:
    case 7: ask_for_work(w); break;
    case 8: remove_something(w); break;
    case 9: end_attempts(w, false); break;
    case 10: rig_advance(r, 30 * SECOND_MS); break;
    case 11:
        if (draw(w, 6) == 0) crash(r);
        break;
    }
    assert_int_not_equal(r->error.code, E_INTERNAL);
    assert_int_not_equal(r->error.code, E_DAMAGED);
    count_tickets(w);
}

static size_t
left(struct rig *r, const char *op)
{
    rig_must_read(r, op, "'limit':100");
    return rig_len(r, "items");
}

static void
remove_all(struct walk *w)
{
    struct rig *r = w->r;

    for (unsigned id = 1; id <= w->goals; id++)
        (void)rig_ask(r, "goal.remove", "'id':%u,'cascade':true", id);
    for (unsigned id = 1; id <= w->tickets; id++)
        (void)rig_ask(r, "ticket.remove", "'id':%u,'cascade':true", id);
    for (unsigned n = 0; n < 3; n++)
        (void)rig_ask(r, "schedule.remove", "'name':'n%u'", n);
    for (int i = 0; i < 10; i++) {
        end_attempts(w, true);
        rig_settle(r);
    }
    assert_int_equal(left(r, "goal.list"), 0);
    assert_int_equal(left(r, "ticket.list"), 0);
    rig_must_read(r, "agent.list", "'limit':10");
    for (size_t i = 0; i < rig_len(r, "items"); i++)
        assert_int_equal(rig_i64(r, rig_path(r, "items", i, "open_jobs")), 0);
}

static void
whatever_is_made_can_be_removed(void **state)
{
    struct rig *r = *state;
    struct walk w = {.r = r};

    rig_workers(r, 1, 4);
    for (unsigned n = 0; n < ROUNDS; n++) {
        w.seed = 1000 + n;
        for (unsigned i = 0; i < 3; i++)
            (void)rig_ask(r, "agent.add", "'name':'%c','handler':'noop'", 'a' + (int)i);
        for (unsigned i = 0; i < STEPS; i++)
            step(&w);
        remove_all(&w);
    }
    assert_true(w.goals > 50 && w.tickets > 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_is_made_can_be_removed, rig_begin, rig_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
