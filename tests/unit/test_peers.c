/* Who asks, and what they may: users by their role, the gateway for itself and for tokens (N36). */
#include "supervisor/peers.h"
#include "tests/unit/engine_rig.h"
#include <unistd.h>

#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NONE "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define GATEWAY "localhost:4000:4000:77"

struct world {
    struct rig  *rig;
    struct roles roles;
    struct peers peers;
    struct buf   text;
    struct actor actor;
    struct err   e;
};

static int
begin(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    void         *rig;

    assert_int_equal(rig_begin(&rig), 0);
    w->rig = rig;
    w->peers = (struct peers){
        .roles = &w->roles, .store = w->rig->store, .gateway = 77, .gateway_uid = 4000};
    *state = w;
    return 0;
}

static int
end(void **state)
{
    struct world *w = *state;
    void         *rig = w->rig;

    buf_done(&w->text);
    free(w);
    return rig_end(&rig);
}

/* body: as the rig writes it */
static enum errc
judge(struct world *w, const char *address, const char *op, const char *hash, const char *body)
{
    const struct request req = {.desc = msg_find(GROUP_CONTROL, view_str(op)),
                                .body = rig_pack(w->rig, "{%s}", body),
                                .on_behalf_of = view_str(hash)};

    struct credentials who;

    assert_true(credentials_parse(address, &who));
    w->e = (struct err){0};
    return peers_judge(&w->peers, &who, &req, &w->actor, &w->text, &w->e);
}

static void
nobody_but_the_gateway_speaks_for_others(void **state)
{
    struct world *w = *state;
    char          ours[64];

    (void)snprintf(ours, sizeof(ours), "localhost:%u:1:5", (unsigned)geteuid());
    rig_must(w->rig, "token.add", "'name':'t','role':'view','hash':'" HASH "'");
    assert_int_equal(judge(w, ours, "status", NULL, " "), E_OK);
    assert_string_equal(w->actor.kind, "user");
    assert_int_equal(w->actor.role, ROLE_ADMIN);
    assert_int_equal(judge(w, ours, "status", HASH, " "), E_DENIED);
    /* the process alone does not make it, nor does the user */
    assert_int_equal(judge(w, "localhost:4001:4000:77", "status", HASH, " "), E_DENIED);
    assert_int_equal(judge(w, "localhost:4000:4000:78", "status", HASH, " "), E_DENIED);
    assert_int_equal(judge(w, GATEWAY, "status", HASH, " "), E_OK);
    assert_string_equal(w->actor.kind, "token");
    assert_true(view_is(w->actor.id, "t"));
    w->peers.gateway = 0;
    assert_int_equal(judge(w, GATEWAY, "status", HASH, " "), E_DENIED);
}

static void
what_is_the_gateways_is_denied_to_administrators(void **state)
{
    struct world *w = *state;

    assert_int_equal(judge(w, "localhost:0:0:5", "gateway.hello", NULL, "'version':'1'"), E_DENIED);
    assert_int_equal(judge(w, "localhost:0:0:5", "session.attach", NULL, "'key':'k'"), E_DENIED);
    assert_false(w->peers.is_heard);
    assert_int_equal(judge(w, GATEWAY, "session.attach", NULL, "'key':'k'"), E_OK);
    assert_string_equal(w->actor.kind, "gateway");
    assert_true(w->peers.is_heard);
}

static void
the_gateway_asks_for_others_with_a_token_only(void **state)
{
    struct world *w = *state;

    assert_int_equal(judge(w, GATEWAY, "ping", NULL, " "), E_OK);
    assert_int_equal(judge(w, GATEWAY, "status", NULL, " "), E_UNAUTHENTICATED);
    assert_int_equal(judge(w, GATEWAY, "stop", NULL, " "), E_UNAUTHENTICATED);
    assert_int_equal(judge(w, GATEWAY, "status", NONE, " "), E_UNAUTHENTICATED);
}

static void
a_token_may_what_its_role_may(void **state)
{
    struct world *w = *state;

    rig_must(w->rig, "token.add", "'name':'t','role':'submit','hash':'" HASH "'");
    assert_int_equal(judge(w, GATEWAY, "job.submit", HASH, " "), E_OK);
    assert_int_equal(judge(w, GATEWAY, "stop", HASH, " "), E_DENIED);
    assert_int_equal(judge(w, GATEWAY, "token.list", HASH, " "), E_DENIED);
    assert_int_equal(judge(w, GATEWAY, "gateway.hello", HASH, "'version':'1'"), E_DENIED);
    assert_int_equal(judge(w, GATEWAY, "session.detach", HASH, "'key':'k'"), E_DENIED);
}

static void
the_gateway_attaches_those_whom_a_token_lets_read(void **state)
{
    struct world *w = *state;

    rig_must(w->rig, "company.add", "'name':'acme'");
    rig_must(w->rig, "token.add",
             "'name':'t','role':'view','company':'acme','session':'chat/','hash':'" HASH "'");
    assert_int_equal(judge(w, GATEWAY, "session.attach", HASH, "'key':'chat/a'"), E_OK);
    assert_int_equal(w->actor.role, ROLE_GATEWAY);
    assert_true(view_is(w->actor.company, "acme"));
    assert_int_equal(judge(w, GATEWAY, "session.attach", HASH, "'key':'other'"), E_DENIED);
    assert_int_equal(judge(w, GATEWAY, "session.attach", NONE, "'key':'chat/a'"),
                     E_UNAUTHENTICATED);
    assert_int_equal(judge(w, "localhost:0:0:5", "session.attach", HASH, "'key':'chat/a'"),
                     E_DENIED);
}

static void
a_token_for_some_sessions_is_for_nothing_else(void **state)
{
    struct world *w = *state;

    rig_must(w->rig, "token.add", "'name':'t','role':'submit','session':'chat/','hash':'" HASH "'");
    assert_int_equal(judge(w, GATEWAY, "session.show", HASH, "'key':'chat/a'"), E_OK);
    assert_int_equal(judge(w, GATEWAY, "effect.ack", HASH, "'id':1,'session':'chat/a'"), E_OK);
    assert_int_equal(judge(w, GATEWAY, "effect.list", HASH, "'session':'chat/a'"), E_OK);
    assert_int_equal(judge(w, GATEWAY, "ping", HASH, " "), E_OK);
    static const struct {
        const char *op, *body;
    } denied[] = {
        {"session.show", "'key':'chat'"            },
        {"session.show", "'key':'chat/'"           },
        {"session.show", "'key':'other/chat/'"     },
        {"session.list", " "                       },
        {"effect.ack",   "'id':1,'session':'other'"},
        {"effect.list",  " "                       },
        {"job.list",     " "                       },
        {"job.submit",   "'session':'chat/a'"      },
        {"feed.read",    "'key':'chat/a'"          },
        {"status",       " "                       },
    };
    for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
        if (judge(w, GATEWAY, denied[i].op, HASH, denied[i].body) != E_DENIED)
            fail_msg("%s %s is not denied", denied[i].op, denied[i].body);
    }
}

static void
a_token_for_one_session_is_not_for_those_whose_key_begins_so(void **state)
{
    struct world *w = *state;

    rig_must(w->rig, "token.add",
             "'name':'t','role':'submit','session':'chat/anna','hash':'" HASH "'");
    assert_int_equal(judge(w, GATEWAY, "session.show", HASH, "'key':'chat/anna'"), E_OK);
    assert_true(view_is(w->actor.company, "default"));
    assert_int_equal(judge(w, GATEWAY, "session.show", HASH, "'key':'chat/annabel'"), E_DENIED);
    assert_int_equal(judge(w, GATEWAY, "session.show", HASH, "'key':'chat/anna/1'"), E_DENIED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(nobody_but_the_gateway_speaks_for_others),
        TEST(what_is_the_gateways_is_denied_to_administrators),
        TEST(the_gateway_asks_for_others_with_a_token_only),
        TEST(a_token_may_what_its_role_may),
        TEST(the_gateway_attaches_those_whom_a_token_lets_read),
        TEST(a_token_for_some_sessions_is_for_nothing_else),
        TEST(a_token_for_one_session_is_not_for_those_whose_key_begins_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
