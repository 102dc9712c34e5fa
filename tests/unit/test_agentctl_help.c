/* Runs in the repository's root, where the installed texts lie. */
#include "tools/agentctl/help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define COMPLETION "etc/completions/agentctl.bash"
#define MAN_PAGE   "etc/man/agentctl.1"

static void
must_equal_file(struct buf *text, const char *path)
{
    BUF_AUTO struct buf file = {0};
    FILE               *f = fopen(path, "r");
    char                block[4096];
    size_t              got;

    if (!f) fail_msg("cannot open %s", path);
    while ((got = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&file, block, got);
    assert_int_equal(fclose(f), 0);
    if (!view_eq(buf_view(text), buf_view(&file))) fail_msg("%s is old: make docs", path);
}

static void
the_installed_texts_are_those_of_the_table(void **state)
{
    BUF_AUTO struct buf completion = {0};
    BUF_AUTO struct buf man = {0};

    (void)state;
    ctl_completion_bash(&completion);
    must_equal_file(&completion, COMPLETION);
    ctl_man_page(&man);
    must_equal_file(&man, MAN_PAGE);
}

static void
help_of_a_command_names_all_that_it_takes(void **state)
{
    const struct ctl_command *c;

    (void)state;
    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        const struct ctl_param *lists[] = {c->args, c->flags, ctl_globals};
        BUF_AUTO struct buf     help = {0};

        ctl_help_command(c, &help);
        for (size_t j = 0; j < ARRAY_LEN(lists); j++) {
            for (const struct ctl_param *p = lists[j]; p && p->name; p++) {
                char name[64];

                assert_non_null(strstr(buf_str(&help), ctl_param_text(p, name, sizeof(name))));
            }
        }
        FREE_AUTO char *example = xasprintf("agentctl %s\n", c->examples[0]);
        assert_non_null(strstr(buf_str(&help), example));
    }
}

static void
help_names_every_command(void **state)
{
    const struct ctl_command *c;
    BUF_AUTO struct buf       all = {0};

    (void)state;
    ctl_help_all(&all);
    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        BUF_AUTO struct buf noun = {0};
        char                name[64];

        ctl_command_name(c, name, sizeof(name));
        assert_non_null(strstr(buf_str(&all), name));
        ctl_help_noun(c->noun, &noun);
        assert_non_null(strstr(buf_str(&noun), name));
    }
}

static void
help_fits_a_terminal(void **state)
{
    BUF_AUTO struct buf all = {0};
    const char         *at;

    (void)state;
    ctl_help_all(&all);
    for (at = buf_str(&all); *at; at += strcspn(at, "\n") + 1) {
        if (strcspn(at, "\n") > 80) fail_msg("too long: %.*s", (int)strcspn(at, "\n"), at);
    }
}

/* What bash offers for the words, the last of which is being written. */
static void
must_complete(const char *words, const char *expected)
{
    FREE_AUTO char *command =
        xasprintf("bash -c 'source " COMPLETION "; COMP_WORDS=(%s); "
                  "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _agentctl; echo \"${COMPREPLY[*]}\"'",
                  words);
    char   answer[4096];
    FILE  *f = popen(command, "r");
    size_t got;

    assert_non_null(f);
    got = fread(answer, 1, sizeof(answer) - 1, f);
    answer[got] = '\0';
    assert_int_equal(pclose(f), 0);
    answer[strcspn(answer, "\n")] = '\0';
    assert_string_equal(answer, expected);
}

static void
bash_completes_nouns_verbs_flags_and_choices(void **state)
{
    (void)state;
    must_complete("agentctl sch", "schedule");
    must_complete("agentctl --run /x job s", "submit submit-many show stream set stats");
    must_complete("agentctl job submit --pri", "--priority");
    must_complete("agentctl job submit --on-conflict re", "return reject replace");
    must_complete("agentctl job --json list --state c", "completed cancelled");
    must_complete("agentctl job submit --title x", "");
    must_complete("agentctl job submit x --payload Makef", "Makefile");
    must_complete("agentctl job submit-many Makef", "Makefile");
    must_complete("agentctl help cl", "clock");
    must_complete("agentctl help clock a", "accept");
    must_complete("agentctl --js", "--json");
    must_complete("agentctl status --js", "--json");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_installed_texts_are_those_of_the_table),
        cmocka_unit_test(help_of_a_command_names_all_that_it_takes),
        cmocka_unit_test(help_names_every_command),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(bash_completes_nouns_verbs_flags_and_choices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
