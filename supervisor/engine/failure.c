#include "supervisor/engine/failure.h"

#include <assert.h>

// clang-format off
static const struct failure_rule rules[FAIL_COUNT] = {
    [FAIL_NONE] = {"", RETRY_NEVER, COUNT_NOTHING, STREAK_NONE, false},
#define F(NAME, text, retry, count, streak, named)                                                 \
    [FAIL_##NAME] = {text, retry, count, streak, named},
    FAILURES(F)
#undef F
};
// clang-format on

const struct failure_rule *
failure_rule(enum failure_class c)
{
    assert(c < FAIL_COUNT);
    return &rules[c];
}

enum failure_class
failure_from(struct view name)
{
    for (enum failure_class c = FAIL_NONE + 1; c < FAIL_COUNT; c++) {
        if (view_is(name, rules[c].name)) return c;
    }
    return FAIL_NONE;
}

enum failure_class
failure_from_report(struct view name)
{
    for (enum failure_class c = FAIL_NONE + 1; c < FAIL_COUNT; c++) {
        if (rules[c].handler_may_name && view_is(name, rules[c].name)) return c;
    }
    return FAIL_HANDLER_ERROR;
}
