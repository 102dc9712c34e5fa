/* The state table of tickets, pair by pair (B3). */
#include "supervisor/engine/tickets.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* By hand, so that a change of the code's list does not change the test's. */
static const struct {
    enum ticket_status from;
    enum ticket_event  ev;
    enum ticket_status to;
} listed[] = {
    {TICKET_OPEN,        TICKET_ON_ASSIGN,  TICKET_CLAIMED    },
    {TICKET_OPEN,        TICKET_ON_START,   TICKET_IN_PROGRESS},
    {TICKET_OPEN,        TICKET_ON_FINISH,  TICKET_DONE       },
    {TICKET_CLAIMED,     TICKET_ON_ASSIGN,  TICKET_CLAIMED    },
    {TICKET_CLAIMED,     TICKET_ON_START,   TICKET_IN_PROGRESS},
    {TICKET_CLAIMED,     TICKET_ON_FINISH,  TICKET_DONE       },
    {TICKET_CLAIMED,     TICKET_ON_REOPEN,  TICKET_OPEN       },
    {TICKET_IN_PROGRESS, TICKET_ON_ASSIGN,  TICKET_CLAIMED    },
    {TICKET_IN_PROGRESS, TICKET_ON_FINISH,  TICKET_DONE       },
    {TICKET_IN_PROGRESS, TICKET_ON_REOPEN,  TICKET_OPEN       },
    {TICKET_DONE,        TICKET_ON_DISPUTE, TICKET_DISPUTED   },
    {TICKET_DISPUTED,    TICKET_ON_ASSIGN,  TICKET_CLAIMED    },
    {TICKET_DISPUTED,    TICKET_ON_FINISH,  TICKET_DONE       },
    {TICKET_DISPUTED,    TICKET_ON_REOPEN,  TICKET_OPEN       },
};

static enum ticket_status
wanted(enum ticket_status from, enum ticket_event ev)
{
    for (size_t i = 0; i < ARRAY_LEN(listed); i++)
        if (listed[i].from == from && listed[i].ev == ev) return listed[i].to;
    return TICKET_NONE;
}

static void
fill(struct ticket *k, enum ticket_status from)
{
    memset(k, 0, sizeof(*k)); /* the padding too: the structs are compared as bytes */
    k->id = 7;
    k->status = (uint8_t)from;
    k->company = 1;
    k->assignee = 3;
    k->job = 9;
    k->done_at = 1000;
}

static void
exactly_the_listed_pairs_move(void **state)
{
    size_t moved = 0;

    (void)state;
    for (enum ticket_status from = TICKET_NONE; from < TICKET_STATUS_COUNT; from++) {
        for (enum ticket_event ev = 0; ev < TICKET_EVENT_COUNT; ev++) {
            enum ticket_status to = wanted(from, ev);
            struct ticket      k, before;
            struct err         e = {0};

            fill(&k, from);
            memcpy(&before, &k, sizeof(k));
            if (to == TICKET_NONE) {
                assert_int_equal(ticket_step(&k, ev, &e), E_WRONG_STATE);
                assert_non_null(strstr(e.msg, ticket_status_name(from)));
            } else {
                assert_int_equal(ticket_step(&k, ev, &e), E_OK);
                before.status = (uint8_t)to;
                moved++;
            }
            assert_memory_equal(&k, &before, sizeof(k));
        }
    }
    assert_int_equal(moved, ARRAY_LEN(listed));
}

static void
a_status_that_no_version_wrote_moves_nowhere(void **state)
{
    (void)state;
    for (enum ticket_event ev = 0; ev < TICKET_EVENT_COUNT; ev++) {
        struct ticket k;
        struct err    e = {0};

        fill(&k, TICKET_STATUS_COUNT);
        assert_int_equal(ticket_step(&k, ev, &e), E_WRONG_STATE);
        assert_int_equal(k.status, TICKET_STATUS_COUNT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_listed_pairs_move),
        cmocka_unit_test(a_status_that_no_version_wrote_moves_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
