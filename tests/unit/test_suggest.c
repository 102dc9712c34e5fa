#include "common/suggest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *
suggested(const char *word, const char *const *known)
{
    static struct suggest s;

    s = suggest_for(view_str(word));
    for (; *known; known++)
        suggest_offer(&s, view_str(*known));
    return s.best;
}

static void
the_nearest_of_at_most_two_edits_is_suggested(void **state)
{
    static const char *const known[] = {"max_run", "max_turns", "retry", "kill_grace", NULL};

    (void)state;
    assert_string_equal(suggested("max_rum", known), "max_run");
    assert_string_equal(suggested("maxrun", known), "max_run");
    assert_string_equal(suggested("mx_rn", known), "max_run");
    assert_string_equal(suggested("max_trun", known), "max_run");
    assert_string_equal(suggested("max_turn", known), "max_turns");
    assert_string_equal(suggested("rtery", known), "retry");
    assert_string_equal(suggested("retries", known), "");
    assert_string_equal(suggested("", known), "");
}

static void
a_swap_of_neighbours_is_one_edit(void **state)
{
    static const char *const known[] = {"exceed", "exec", NULL};

    (void)state;
    assert_string_equal(suggested("exce", known), "exec");
}

static void
short_words_have_no_neighbours(void **state)
{
    static const char *const known[] = {"ab", "abc", NULL};

    (void)state;
    assert_string_equal(suggested("xy", known), "");
    assert_string_equal(suggested("ax", known), "");
    assert_string_equal(suggested("abd", known), "abc");
}

static void
long_words_have_no_neighbours(void **state)
{
    char        word[SUGGEST_WORD_MAX + 2] = {0};
    char        near[SUGGEST_WORD_MAX + 2] = {0};
    const char *known[] = {near, NULL};

    (void)state;
    memset(word, 'a', SUGGEST_WORD_MAX);
    memset(near, 'a', SUGGEST_WORD_MAX);
    near[0] = 'b';
    assert_string_equal(suggested(word, known), near);
    near[SUGGEST_WORD_MAX] = 'a';
    assert_string_equal(suggested(word, known), "");
    near[SUGGEST_WORD_MAX] = '\0';
    word[SUGGEST_WORD_MAX] = 'a';
    assert_string_equal(suggested(word, known), "");
}

static void
the_hint_names_the_word(void **state)
{
    struct suggest s = suggest_for(view_str("max_rum"));
    struct err     e;

    (void)state;
    err_set(&e, E_BAD_REQUEST, "unknown");
    assert_int_equal(suggest_hint(&s, &e), E_BAD_REQUEST);
    assert_string_equal(e.hint, "");
    suggest_offer(&s, view_str("max_run"));
    assert_int_equal(suggest_hint(&s, &e), E_BAD_REQUEST);
    assert_string_equal(e.hint, "did you mean \"max_run\"?");
    assert_string_equal(e.msg, "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_of_at_most_two_edits_is_suggested),
        cmocka_unit_test(a_swap_of_neighbours_is_one_edit),
        cmocka_unit_test(short_words_have_no_neighbours),
        cmocka_unit_test(long_words_have_no_neighbours),
        cmocka_unit_test(the_hint_names_the_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
