#include "common/json.h"
#include "supervisor/engine/turn_hint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t
hint(const char *json)
{
    BUF_AUTO struct buf packed = {0};
    struct err          e = {0};

    if (json_to_mp(view_str(json), &packed, &e)) fail_msg("%s: %s", json, e.msg);
    return turn_hint(buf_view(&packed));
}

static void
limits_in_sentences_are_found(void **state)
{
    static const struct {
        const char *json;
        int64_t     turns;
    } texts[] = {
        {"\"max 50 turns\"",                                      50  },
        {"\"Max 50 turns.\"",                                     50  },
        {"\"MAX   7\\nTURNS\"",                                   7   },
        {"\"use a maximum of 20 turns, please\"",                 20  },
        {"\"maximum 3 turns\"",                                   3   },
        {"\"max. 12 turns\"",                                     12  },
        {"\"at most... (max 9 turns)\"",                          9   },
        {"\"a max 1 turn answer\"",                               1   },
        {"\"max 30-turn session\"",                               30  },
        {"\"max effort, max 2500 turns\"",                        2500},
        {"{\"a\":[1,{\"prompt\":\"max 5 turns\"}]}",              5   },
        {"[null,true,1.5,\"x\",\"max 6 turns\",\"max 7 turns\"]", 6   },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (hint(texts[i].json) != texts[i].turns) fail_msg("%s", texts[i].json);
}

static void
other_sentences_are_not(void **state)
{
    static const char *const texts[] = {"null",
                                        "5",
                                        "{}",
                                        "[]",
                                        "\"\"",
                                        "\"max\"",
                                        "\"max 50\"",
                                        "\"max turns\"",
                                        "\"50 turns\"",
                                        "\"max 50 files\"",
                                        "\"climax 50 turns\"",
                                        "\"maxim 50 turns\"",
                                        "\"max 0 turns\"",
                                        "\"max 99999999999999999999 turns\"",
                                        "\"maximum of\"",
                                        "\"max 5 returns\"",
                                        "[\"max 50\",\"turns\"]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (hint(texts[i]) != 0) fail_msg("%s", texts[i]);
    assert_int_equal(turn_hint((struct view){0}), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_in_sentences_are_found),
        cmocka_unit_test(other_sentences_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
