/* Requests that are refused: without a trace, and each by its field (N43). */
#include "tests/unit/tenant_world.h"

/* ---- every field of every write ---- */

#define TOKEN_HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *op;
    const char *body; /* a good one, but for the field that is tried */
} writes[] = {
    {"job.submit",        "'handler':'noop'"                                             },
    {"job.submit_many",   "'jobs':[{'handler':'noop'}]"                                  },
    {"job.cancel",        "'id':1"                                                       },
    {"job.retry",         "'id':1"                                                       },
    {"job.set",           "'id':1,'priority':5"                                          },
    {"job.stream",        "'id':1"                                                       },
    {"schedule.add",      "'name':'new','every_ms':60000,'handler':'noop'"               },
    {"schedule.set",      "'name':'s','priority':5"                                      },
    {"schedule.run",      "'name':'s'"                                                   },
    {"schedule.backfill", "'name':'s','from':1799999000000,'to':1800000000000"           },
    {"schedule.pause",    "'name':'s'"                                                   },
    {"schedule.resume",   "'name':'s'"                                                   },
    {"schedule.remove",   "'name':'s'"                                                   },
    {"schedule.promote",  "'name':'s'"                                                   },
    {"stop",              "'scope':'new'"                                                },
    {"resume",            ""                                                             },
    {"drain",             ""                                                             },
    {"breaker.reset",     "'name':'noop'"                                                },
    {"job.cancel_many",   "'older_ms':0"                                                 },
    {"job.retry_many",    "'older_ms':0"                                                 },
    {"job.purge",         "'older_ms':0"                                                 },
    {"company.add",       "'name':'new'"                                                 },
    {"company.set",       "'name':'default','max_concurrent':3"                          },
    {"company.pause",     "'name':'default'"                                             },
    {"company.resume",    "'name':'default'"                                             },
    {"company.remove",    "'name':'default'"                                             },
    {"agent.add",         "'name':'new'"                                                 },
    {"agent.set",         "'name':'a','max_concurrent':3"                                },
    {"agent.pause",       "'name':'a'"                                                   },
    {"agent.resume",      "'name':'a'"                                                   },
    {"agent.remove",      "'name':'a'"                                                   },
    {"agent.record",      "'name':'a','type':'t'"                                        },
    {"agent.wake",        "'name':'a'"                                                   },
    {"profile.add",       "'name':'new'"                                                 },
    {"profile.set",       "'name':'p','max_turns':3"                                     },
    {"profile.remove",    "'name':'p'"                                                   },
    {"goal.add",          "'title':'t'"                                                  },
    {"goal.set",          "'id':1,'status':'done'"                                       },
    {"goal.decompose",    "'id':1,'parts':[{'title':'t'}]"                               },
    {"goal.remove",       "'id':1,'cascade':true"                                        },
    {"ticket.add",        "'title':'t'"                                                  },
    {"ticket.set",        "'id':1,'status':'done'"                                       },
    {"ticket.assign",     "'id':1,'agent':'a'"                                           },
    {"ticket.remove",     "'id':1,'cascade':true"                                        },
    {"routine.add",       "'name':'new','every_ms':60000,'ticket_title':'t','assign':'a'"},
    {"routine.complete",  "'ticket':1"                                                   },
    {"clock.accept",      ""                                                             },
    {"approval.grant",    "'id':1"                                                       },
    {"approval.deny",     "'id':1"                                                       },
    {"session.send",      "'key':'k','content':'c','agent':'a'"                          },
    {"session.event",     "'key':'k','type':'t','agent':'a'"                             },
    {"timer.set",         "'key':'k','timer_id':'t','fire_at':1,'agent':'a'"             },
    {"timer.cancel",      "'key':'k','timer_id':'t'"                                     },
    {"token.add",         "'name':'t','role':'view','hash':'" TOKEN_HASH "'"             },
    {"token.revoke",      "'name':'t'"                                                   },
    {"gateway.hello",     "'version':'1'"                                                },
    {"session.attach",    "'key':'k','reader':1"                                         },
    {"session.detach",    "'key':'k'"                                                    },
    {"effect.ack",        "'id':1,'session':'k'"                                         },
    {"session.open",      "'key':'k','agent':'a'"                                        },
    {"session.close",     "'key':'k'"                                                    },
    {"session.resume",    "'key':'k'"                                                    },
    {"session.resend",    "'key':'k','seq':1"                                            },
    {"effect.resolve",    "'id':1,'outcome':'failed'"                                    },
    {"effect.resend",     "'status':'failed'"                                            },
};

static void
every_write_operation_is_tried(void **state)
{
    size_t count = 0;

    (void)state;
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct msg_desc *d = msg_desc(id);
        bool                   found = false;

        if (d->group != GROUP_CONTROL || d->how != HOW_WRITE) continue;
        for (size_t i = 0; i < ARRAY_LEN(writes); i++)
            found |= strcmp(writes[i].op, d->op) == 0;
        if (!found) fail_msg("%s is not tried", d->op);
        count++;
    }
    assert_int_equal(count, ARRAY_LEN(writes));
}

/* The good body without the field, and then with the field as `value`. */
static void
expect_refused(struct rig *r, const char *op, const char *good, const char *field,
               const char *value)
{
    BUF_AUTO struct buf body = {0};
    FREE_AUTO char     *key = xasprintf("'%s':", field);
    const char         *at = strstr(good, key);

    if (at) {
        const char *end = strchr(at, ','); /* values of the good bodies that have one end there */

        if (strstr(at, "[{")) end = NULL;
        buf_add(&body, good, (size_t)(at - good));
        if (end) buf_add_str(&body, end + 1);
        if (!end && body.size > 0) body.size--; /* the comma before it */
    } else {
        buf_add_str(&body, good);
    }
    if (value) buf_printf(&body, "%s%s%s", body.size > 0 ? "," : "", key, value);
    rig_refused(r, E_BAD_REQUEST, field, op, "%s", buf_str(&body));
}

static bool
is_number(enum field_type t)
{
    return t == FT_U64 || t == FT_I64 || t == FT_MS || t == FT_TIME;
}

static void
try_numbers(struct rig *r, const char *op, const char *good, const struct field_desc *f)
{
    char value[32];

    expect_refused(r, op, good, f->name, "'7'");
    expect_refused(r, op, good, f->name, "1.5");
    expect_refused(r, op, good, f->name, "true");
    expect_refused(r, op, good, f->name, "[1]");
    (void)snprintf(value, sizeof(value), "%lld", (long long)f->low - 1);
    expect_refused(r, op, good, f->name, value);
    if (f->high == INT64_MAX) return;
    (void)snprintf(value, sizeof(value), "%lld", (long long)f->high + 1);
    expect_refused(r, op, good, f->name, value);
}

static void
try_text(struct rig *r, const char *op, const char *good, const struct field_desc *f)
{
    size_t          size = (f->type == FT_NAME || f->type == FT_REF ? 130 : (size_t)f->high) + 1;
    FREE_AUTO char *text = xmalloc(size + 3);

    expect_refused(r, op, good, f->name, "7");
    expect_refused(r, op, good, f->name, "{}");
    memset(text, 'a', size + 2);
    text[0] = text[size + 1] = '\'';
    text[size + 2] = '\0';
    expect_refused(r, op, good, f->name, text);
    if (f->type == FT_NAME || f->type == FT_REF) {
        expect_refused(r, op, good, f->name, "'Upper'");
        expect_refused(r, op, good, f->name, "''");
        expect_refused(r, op, good, f->name, "'a b'");
        expect_refused(r, op, good, f->name, "'a/b/c'");
    }
    if (f->type == FT_NAME) expect_refused(r, op, good, f->name, "'a/b'");
    if (f->type == FT_STR) expect_refused(r, op, good, f->name, "'a\\u0007b'");
}

static void
try_field(struct rig *r, const char *op, const char *good, const struct field_desc *f)
{
    if (f->need == REQUIRED) expect_refused(r, op, good, f->name, NULL);
    if (is_number(f->type)) {
        try_numbers(r, op, good, f);
        return;
    }
    switch (f->type) {
    case FT_NAME:
    case FT_REF:
    case FT_STR: try_text(r, op, good, f); break;
    case FT_MAP:
        expect_refused(r, op, good, f->name, "[]");
        expect_refused(r, op, good, f->name, "'text'");
        break;
    case FT_LIST:
        expect_refused(r, op, good, f->name, "{}");
        expect_refused(r, op, good, f->name, "5");
        break;
    case FT_BOOL: expect_refused(r, op, good, f->name, "1"); break;
    default: break; /* JSON takes any value */
    }
}

static void
a_bad_field_is_named_and_leaves_no_trace(void **state)
{
    struct rig *r = *state;
    size_t      fields = 0;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':3600000,'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop','delay_ms':100000");
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        const struct msg_desc *d = msg_find(GROUP_CONTROL, view_str(writes[i].op));

        for (size_t k = 0; k < d->nfields; k++, fields++)
            try_field(r, writes[i].op, writes[i].body, &d->fields[k]);
        rig_refused(r, E_BAD_REQUEST, "no_such_field", writes[i].op, "%s%s'no_such_field':1",
                    writes[i].body, writes[i].body[0] ? "," : "");
    }
    assert_true(fields > 40);
}

/* ---- what fields mean together, and to other objects ---- */

static void
what_cannot_be_is_refused_by_name(void **state)
{
    static const struct {
        const char *op, *body;
        enum errc   code;
        const char *field;
    } bad[] = {
        {"job.submit",       " ",                                                              E_BAD_REQUEST, "handler"    },
        {"job.submit",       "'handler':'nobody'",                                             E_NOT_FOUND,   "handler"    },
        {"job.submit",       "'handler':'gamma/noop'",                                         E_NOT_FOUND,   "handler"    },
        {"job.submit",       "'handler':'noop','company':'gamma'",                             E_NOT_FOUND,   "company"    },
        {"job.submit",       "'agent':'anna'",                                                 E_NOT_FOUND,   "agent"      }, /* the company is default's */
        {"job.submit",       "'agent':'acme/nobody'",                                          E_NOT_FOUND,   "agent"      },
        {"job.submit",       "'agent':'beta/bert','company':'acme'",                           E_NOT_FOUND,   "agent"      },
        {"job.submit",       "'agent':'acme/mute'",                                            E_BAD_REQUEST, "handler"    },
        {"job.submit",       "'handler':'acme/own','company':'beta'",                          E_NOT_FOUND,   "handler"    },
        {"job.submit",       "'handler':'noop','trigger':'whim'",                              E_BAD_REQUEST, "trigger"    },
        {"job.submit",       "'handler':'noop','run_at':5,'delay_ms':5",                       E_BAD_REQUEST, "delay_ms"   },
        {"job.submit",       "'handler':'noop','expires_at':1799999999999",                    E_BAD_REQUEST, "expires_at" },
        {"job.submit",       "'handler':'noop','delay_ms':9000,'expires_at':1800000008000",    E_BAD_REQUEST,
         "expires_at"                                                                                                      },
        {"job.submit",       "'handler':'noop','retry':[]",                                    E_BAD_REQUEST, "retry"      },
        {"job.submit",       "'handler':'noop','retry':['x']",                                 E_BAD_REQUEST, "retry"      },
        {"job.submit",       "'handler':'noop','retry':[-1]",                                  E_BAD_REQUEST, "retry"      },
        {"job.submit",
         "'handler':'noop','retry':[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
         "1,1,1,1,1,1,1,1,1]",                                                                 E_BAD_REQUEST, "retry"      },
        {"job.cancel",       "'id':99",                                                        E_NOT_FOUND,   ""           },
        {"job.retry",        "'id':99",                                                        E_NOT_FOUND,   ""           },
        {"job.set",          "'id':99,'priority':5",                                           E_NOT_FOUND,   ""           },
        {"job.set",          "'id':1",                                                         E_BAD_REQUEST, "priority"   },
        {"schedule.add",     "'name':'t','handler':'noop'",                                    E_BAD_REQUEST, "cron"       },
        {"schedule.add",     "'name':'t','handler':'noop','cron':'* * * * *','every_ms':5000",
         E_BAD_REQUEST,                                                                                       "cron"       },
        {"schedule.add",     "'name':'t','every_ms':5000",                                     E_BAD_REQUEST, "handler"    },
        {"schedule.add",     "'name':'t','every_ms':5000,'handler':'nobody'",                  E_NOT_FOUND,   "handler"    },
        {"schedule.add",     "'name':'t','every_ms':5000,'company':'acme','agent':'mute'",
         E_BAD_REQUEST,                                                                                       "handler"    },
        {"schedule.add",     "'name':'t','every_ms':5000,'handler':'noop','company':'gamma'",
         E_NOT_FOUND,                                                                                         "company"    },
        {"schedule.add",     "'name':'t','every_ms':5000,'handler':'noop','type':'yearly'",
         E_BAD_REQUEST,                                                                                       "type"       },
        {"schedule.add",     "'name':'t','every_ms':5000,'handler':'noop','retry':[]",         E_BAD_REQUEST,
         "retry"                                                                                                           },
        {"schedule.add",     "'name':'s','every_ms':5000,'handler':'noop'",                    E_CONFLICT,    ""           },
        {"schedule.pause",   "'name':'nobody'",                                                E_NOT_FOUND,   "name"       },
        {"schedule.resume",  "'name':'gamma/s'",                                               E_NOT_FOUND,   "name"       },
        {"schedule.resume",  "'name':'s'",                                                     E_WRONG_STATE, ""           },
        {"schedule.promote", "'name':'s'",                                                     E_WRONG_STATE, ""           },
        {"schedule.add",     "'name':'t','every_ms':5000,'handler':'noop','shadow_runs':3",
         E_BAD_REQUEST,                                                                                       "shadow_runs"},
        {"schedule.remove",  "'name':'acme/s'",                                                E_NOT_FOUND,   "name"       },
    };
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':3600000,'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop','delay_ms':100000");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        rig_refused(r, bad[i].code, bad[i].field, bad[i].op, "%s", bad[i].body);
}

static void
bad_cron_expressions_name_field_and_column(void **state)
{
    static const char *const bad[] = {"* * * *",     "60 * * * *", "* 24 * * *",   "* * 0 * *",
                                      "* * * 13 *",  "* * * * 8",  "*/0 * * * *",  "x * * * *",
                                      "5-1 * * * *", "@rebooted",  "* * * * * * *"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint64_t hash = rig_hash(r);

        assert_int_equal(
            rig_ask(r, "schedule.add", "'name':'t','cron':'%s','handler':'noop'", bad[i]),
            E_BAD_REQUEST);
        assert_true(strlen(r->error.msg) > 10);
        assert_true(rig_hash(r) == hash);
    }
    rig_refused(r, E_BAD_REQUEST, "cron", "schedule.add",
                "'name':'t','cron':'0 0 30 2 *','handler':'noop'"); /* never comes */
}

static void
payloads_that_are_no_json_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t      size;
    } payloads[] = {
        {"\x81\x01\x02",             3}, /* a key that is no string */
        {"\xc4\x01\x00",             3}, /* bin */
        {"\xd4\x01\x00",             3}, /* ext */
        {"\xcb\x7f\xf8\0\0\0\0\0\0", 9}, /* NaN */
        {"\xa1\xff",                 2}, /* no UTF-8 */
        {"\x82\xa1"
         "a\x01\xa1"
         "a\x02",           7}, /* a key twice */
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        BUF_AUTO struct buf body = {0};
        uint64_t            hash = rig_hash(r);

        mp_map(&body, 2);
        mp_cstr(&body, "handler");
        mp_cstr(&body, "noop");
        mp_cstr(&body, "payload");
        buf_add(&body, payloads[i].bytes, payloads[i].size);
        rig_push(r, &(struct input){.kind = INPUT_REQUEST,
                                    .client = 1000 + i,
                                    .actor = r->actor,
                                    .op = MSG_JOB_SUBMIT,
                                    .body = buf_view(&body)});
        rig_turn(r);
        assert_int_equal(rig_answer(r, 1000 + i), E_BAD_REQUEST);
        assert_true(rig_hash(r) == hash);
    }
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_write_operation_is_tried),
        TEST(a_bad_field_is_named_and_leaves_no_trace),
        TEST(what_cannot_be_is_refused_by_name),
        TEST(bad_cron_expressions_name_field_and_column),
        TEST(payloads_that_are_no_json_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
