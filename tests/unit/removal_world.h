/* removal_world - agents, goals and tickets that are to be removed. */
#ifndef TESTS_REMOVAL_WORLD_H
#define TESTS_REMOVAL_WORLD_H

#include "tests/unit/engine_rig.h"

static inline void
declare(struct rig *r)
{
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}",
                                            .agents = "{'name':'a','handler':'noop'},"
                                                      "{'name':'b','handler':'noop'},"
                                                      "{'name':'far','company':'acme',"
                                                      "'handler':'noop'}"});
}

/* Goal 1 with goals 2 and 3 below it, 3 below 2; ticket 1 of goal 3, ticket 2 below ticket 1. */
static inline void
plant(struct rig *r)
{
    rig_must(r, "goal.add", "'title':'root'");
    rig_must(r, "goal.add", "'title':'branch','parent':1");
    rig_must(r, "goal.add", "'title':'leaf','parent':2");
    rig_must(r, "ticket.add", "'title':'t','goal':3");
    rig_must(r, "ticket.add", "'title':'part','parent':1");
}

static inline void
expect_gone(struct rig *r, const char *what, int id)
{
    char op[32];

    snprintf(op, sizeof(op), "%s.show", what);
    assert_int_equal(rig_read(r, op, "'id':%d", id), E_NOT_FOUND);
}

static inline size_t
rows(struct rig *r, const char *what)
{
    char op[32];

    snprintf(op, sizeof(op), "%s.list", what);
    rig_must_read(r, op, "'limit':1000");
    return rig_len(r, "items");
}

#endif
