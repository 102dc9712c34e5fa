/* What must hold of every line of the command table, whatever it says. */
#include "common/mp.h"
#include "tools/agentctl/request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795251600000)

static const struct field_desc *
field_of(const struct ctl_command *c, const char *name)
{
    const struct msg_desc *d = msg_desc(c->op);

    for (size_t i = 0; i < d->nfields; i++) {
        if (strcmp(d->fields[i].name, name) == 0) return &d->fields[i];
    }
    return NULL;
}

/* The command line of `c` with its arguments' samples, to which the caller adds. */
struct built {
    char *words[32];
    int   count;
};

static const char *sample(const struct ctl_command *c, const struct ctl_param *p);

static struct built
build(const struct ctl_command *c)
{
    struct built b = {
        .words = {(char *)"agentctl", (char *)c->noun},
          .count = 2
    };

    if (c->verb) b.words[b.count++] = (char *)c->verb;
    for (const struct ctl_param *p = c->args; p && p->name; p++) {
        if (p->is_required) b.words[b.count++] = (char *)sample(c, p);
    }
    size_t n = 0;
    for (const struct ctl_param *p = c->flags; p && p->name; p++) {
        static char names[4][64];

        if (!p->is_required) continue;
        assert_true(n < ARRAY_LEN(names));
        b.words[b.count++] = (char *)ctl_param_text(p, names[n++], sizeof(names[0]));
        b.words[b.count++] = (char *)sample(c, p);
    }
    return b;
}

/* A file with one job, for CTL_JOBS and CTL_FILE. */
static char jobs_path[] = "/tmp/test_agentctl_table.XXXXXX";

static const char *
sample(const struct ctl_command *c, const struct ctl_param *p)
{
    const struct field_desc *f = p->field ? field_of(c, p->field) : NULL;

    switch (p->kind) {
    case CTL_TEXT: return f && f->type == FT_REF ? "acme/name" : "name";
    case CTL_NUMBER: return "7";
    case CTL_DURATION: return "5m";
    case CTL_DURATIONS: return "1s,2m";
    case CTL_TIME: return "2026-11-21T09:00:00Z";
    case CTL_JSON: return f && f->type == FT_LIST ? "[{\"a\":1}]" : "{\"a\":1}";
    case CTL_TAG: return "k=v";
    case CTL_BOOL:
    case CTL_OFF: return "";
    case CTL_JOBS:
    case CTL_FILE: return jobs_path;
    case CTL_FLAGS: return c->flags[0].name;
    }
    fail();
    return NULL;
}

/* What the sample becomes on the wire, as packed bytes. */
static void
expect_sample(enum ctl_kind kind, const char *text, struct buf *out)
{
    switch (kind) {
    case CTL_TEXT: mp_cstr(out, text); break;
    case CTL_NUMBER: mp_i64(out, 7); break;
    case CTL_DURATION: mp_i64(out, 300000); break;
    case CTL_DURATIONS: break; /* the header may be packed in several ways */
    case CTL_TIME: mp_i64(out, NOW_MS); break;
    case CTL_JSON:
        if (text[0] == '[') mp_array(out, 1);
        buf_add(out,
                "\x81\xa1"
                "a\x01",
                4);
        break;
    case CTL_TAG: break;
    case CTL_BOOL: mp_bool(out, true); break;
    case CTL_OFF: mp_bool(out, false); break;
    case CTL_JOBS:
    case CTL_FILE: break;  /* what the file holds */
    case CTL_FLAGS: break; /* a list of its field */
    }
}

static void
must_pack(const struct ctl_command *c, struct built *b, const struct ctl_param *p)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    struct ctl_args                     args;
    struct err                          e = {0};
    BUF_AUTO struct buf                 body = {0};
    BUF_AUTO struct buf                 expected = {0};
    struct view                         value;
    union msg                           m;

    if (ctl_args_parse(b->count, b->words, &args, &e)) {
        fail_msg("%s %s %s: %s", c->noun, c->verb ? c->verb : "", p ? p->name : "", e.msg);
    }
    assert_ptr_equal(args.command, c);
    if (p) assert_non_null(ctl_args_text(&args, p->name));
    if (c->op == MSG_NONE) return;
    if (ctl_request_make(&args, NOW_MS, &request, &e)) {
        fail_msg("%s %s %s: %s", c->noun, c->verb ? c->verb : "", p ? p->name : "", e.msg);
    }
    ctl_request_pack(&request, &body);
    assert_int_equal(msg_unpack(msg_desc(c->op), buf_view(&body), &m, &e), E_OK);
    if (!p || !p->field) return;
    assert_true(mp_find(buf_view(&body), p->field, &value));
    expect_sample(p->kind, sample(c, p), &expected);
    if (expected.size > 0 && !view_eq(value, buf_view(&expected))) {
        fail_msg("%s %s %s: another value", c->noun, c->verb ? c->verb : "", p->name);
    }
}

static void
every_argument_and_flag_becomes_its_field(void **state)
{
    const struct ctl_command *c;

    (void)state;
    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        struct built plain = build(c);

        must_pack(c, &plain, NULL);
        for (const struct ctl_param *p = c->args; p && p->name; p++) {
            struct built b = build(c);

            for (const struct ctl_param *q = c->args; q <= p; q++) {
                if (!q->is_required) b.words[b.count++] = (char *)sample(c, q);
            }
            must_pack(c, &b, p);
        }
        for (const struct ctl_param *p = c->flags; p && p->name; p++) {
            struct built b = build(c);
            char         name[64];
            char         letter[3] = {'-', p->letter, '\0'};

            if (!p->is_required) { /* one that is has been given already */
                b.words[b.count++] = (char *)ctl_param_text(p, name, sizeof(name));
                if (!ctl_is_switch(p)) b.words[b.count++] = (char *)sample(c, p);
            }
            must_pack(c, &b, p);
            if (!p->letter || p->is_required) continue;
            b.words[b.count - !ctl_is_switch(p) - 1] = letter;
            must_pack(c, &b, p);
        }
    }
}

static void
every_field_of_a_parameter_is_one_of_the_message(void **state)
{
    const struct ctl_command *c;

    (void)state;
    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        const struct ctl_param *lists[] = {c->args, c->flags};

        for (size_t j = 0; j < ARRAY_LEN(lists); j++) {
            for (const struct ctl_param *p = lists[j]; p && p->name; p++) {
                if (p->field && !field_of(c, p->field)) {
                    fail_msg("%s %s: no field %s", c->noun, c->verb, p->field);
                }
            }
        }
    }
}

/* Set by the code of the command, or by --company. */
static bool
is_set_otherwise(enum msg_id op, const char *field)
{
    if (strcmp(field, "company") == 0 || strcmp(field, "wait_ms") == 0) return true;
    if (op == MSG_TOKEN_ADD && strcmp(field, "hash") == 0) return true;
    if (op == MSG_TOKEN_ADD && strcmp(field, "expires_at") == 0) return true;
    return op == MSG_FEED_READ && strcmp(field, "limit") == 0;
}

static bool
is_reachable(const struct ctl_command *c, const char *field)
{
    const struct ctl_param *lists[] = {c->args, c->flags};

    for (size_t j = 0; j < ARRAY_LEN(lists); j++) {
        for (const struct ctl_param *p = lists[j]; p && p->name; p++) {
            if (p->field && strcmp(p->field, field) == 0) return true;
        }
    }
    return is_set_otherwise(c->op, field);
}

static void
every_operation_has_a_command_and_every_field_a_way_in(void **state)
{
    (void)state;
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct msg_desc    *d = msg_desc(id);
        const struct ctl_command *c;
        bool                      has_command = false;

        if (d->group != GROUP_CONTROL || d->role == ROLE_GATEWAY) continue;
        for (size_t i = 0; (c = ctl_command_at(i)); i++) {
            if (c->op != id) continue;
            has_command = true;
            for (size_t f = 0; f < d->nfields; f++) {
                if (!is_reachable(c, d->fields[f].name)) {
                    fail_msg("%s: no way to give %s", d->op, d->fields[f].name);
                }
            }
        }
        if (!has_command) fail_msg("no command for %s", d->op);
    }
}

static void
every_command_says_what_it_does_and_can_do_it(void **state)
{
    const struct ctl_command *c;

    (void)state;
    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        assert_non_null(c->help);
        assert_non_null(c->examples[0]);
        if (!c->run && (c->op == MSG_NONE || !c->print)) {
            fail_msg("%s %s: nothing serves it", c->noun, c->verb ? c->verb : "");
        }
        assert_ptr_equal(ctl_command_find(c->noun, c->verb), c);
    }
}

/* The words of an example as a shell would see them: single quotes, and no redirections. */
static int
shell_words(char *text, char **words, int max)
{
    int   n = 0;
    char *out;

    for (char *at = text; *at;) {
        while (*at == ' ')
            at++;
        if (!*at || *at == '<' || *at == '>') break;
        assert_true(n < max);
        words[n++] = out = at;
        for (bool is_quoted = false; *at && (is_quoted || *at != ' '); at++) {
            if (*at == '\'') {
                is_quoted = !is_quoted;
            } else {
                *out++ = *at;
            }
        }
        if (*at) at++;
        *out = '\0';
    }
    return n;
}

static void
every_example_is_taken(void **state)
{
    const struct ctl_command *c;

    (void)state;
    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        for (size_t j = 0; j < ARRAY_LEN(c->examples) && c->examples[j]; j++) {
            CTL_REQUEST_AUTO struct ctl_request request = {0};
            FREE_AUTO char                     *text = xasprintf("agentctl %s", c->examples[j]);
            char                               *words[32];
            int                                 count = shell_words(text, words, 32);
            struct ctl_args                     args;
            struct err                          e = {0};

            if (ctl_args_parse(count, words, &args, &e)) {
                fail_msg("%s: %s", c->examples[j], e.msg);
            }
            assert_ptr_equal(args.command, c);
            /* its file is only an example */
            if (c->op == MSG_NONE || c->op == MSG_JOB_SUBMIT_MANY || c->op == MSG_FORECAST)
                continue;
            if (ctl_request_make(&args, NOW_MS, &request, &e)) {
                fail_msg("%s: %s", c->examples[j], e.msg);
            }
        }
    }
}

static void
no_flag_hides_a_global_one_or_another(void **state)
{
    const struct ctl_command *c;

    (void)state;
    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        for (const struct ctl_param *p = c->flags; p && p->name; p++) {
            assert_null(ctl_param_find(ctl_globals, p->name));
            assert_ptr_equal(ctl_param_find(c->flags, p->name), p);
            if (!p->letter) continue;
            assert_null(ctl_param_letter(ctl_globals, p->letter));
            assert_ptr_equal(ctl_param_letter(c->flags, p->letter), p);
        }
    }
}

static int
make_jobs(void **state)
{
    static const char text[] = "{\"handler\":\"echo\"}\n";
    int               fd = mkstemp(jobs_path);
    FILE             *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    (void)state;
    if (!f) return -1;
    fputs(text, f);
    return fclose(f);
}

static int
remove_jobs(void **state)
{
    (void)state;
    return remove(jobs_path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_argument_and_flag_becomes_its_field),
        cmocka_unit_test(every_field_of_a_parameter_is_one_of_the_message),
        cmocka_unit_test(every_operation_has_a_command_and_every_field_a_way_in),
        cmocka_unit_test(every_command_says_what_it_does_and_can_do_it),
        cmocka_unit_test(every_example_is_taken),
        cmocka_unit_test(no_flag_hides_a_global_one_or_another),
    };

    return cmocka_run_group_tests(tests, make_jobs, remove_jobs);
}
