/* Tokens of the gateway: who may have one, for what, and what becomes of it (I1). */
#include "tests/unit/engine_rig.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static enum errc
actor_of(struct rig *r, const char *hash, struct actor *out, struct buf *text)
{
    struct txn *t = rig_begin_read(r);
    enum errc   code =
        engine_token_actor(t, view_str(hash), r->header.now.wall_ms, out, text, &r->error);

    txn_abort(&t);
    return code;
}

static void
who_shows_the_secret_has_the_role_and_the_scope(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    struct actor        a;

    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_must(r, "token.add",
             "'name':'anna','role':'submit','company':'acme','session':'chat/','hash':'" HASH_A
             "'");
    assert_int_equal(actor_of(r, HASH_A, &a, &text), E_OK);
    assert_string_equal(a.kind, "token");
    assert_true(view_is(a.id, "anna"));
    assert_true(view_is(a.company, "acme"));
    assert_true(view_is(a.session, "chat/"));
    assert_int_equal(a.role, ROLE_SUBMIT);
    assert_int_equal(actor_of(r, HASH_B, &a, &text), E_UNAUTHENTICATED);
}

static void
one_without_scope_is_for_all(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    struct actor        a;

    rig_must(r, "token.add", "'name':'op','role':'operator','hash':'" HASH_A "'");
    assert_int_equal(actor_of(r, HASH_A, &a, &text), E_OK);
    assert_int_equal(a.company.size + a.session.size, 0);
    assert_int_equal(a.role, ROLE_OPERATOR);
}

/* As they were made before a session was of a company. */
static void
a_row_with_a_session_and_no_company_is_of_the_default_one(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    struct actor        a;
    struct err          e;
    struct txn         *t = txn_begin_write(r->store, &e);
    bool                outcome_unknown;

    assert_non_null(t);
    token_save(t, &(struct token){.id = 999,
                                  .name = view_str("old"),
                                  .hash = view_str(HASH_A),
                                  .role = ROLE_VIEW,
                                  .session = view_str("chat/")});
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
    assert_int_equal(actor_of(r, HASH_A, &a, &text), E_OK);
    assert_true(view_is(a.company, "default"));
    rig_must_read(r, "token.list", " ");
    assert_string_equal(rig_text(r, "items.0.company"), "default");
}

static void
an_expired_or_revoked_one_is_nobodys(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    struct actor        a;

    rig_must(r, "token.add", "'name':'short','role':'view','hash':'" HASH_A "','expires_at':%lld",
             (long long)r->header.now.wall_ms + 1000);
    rig_must(r, "token.add", "'name':'long','role':'view','hash':'" HASH_B "'");
    rig_wait(r, 999);
    assert_int_equal(actor_of(r, HASH_A, &a, &text), E_OK);
    rig_wait(r, 1);
    assert_int_equal(actor_of(r, HASH_A, &a, &text), E_UNAUTHENTICATED);
    assert_string_equal(r->error.msg, "the token has expired");
    rig_must(r, "token.revoke", "'name':'long'");
    assert_int_equal(actor_of(r, HASH_B, &a, &text), E_UNAUTHENTICATED);
    rig_refused(r, E_NOT_FOUND, "", "token.revoke", "'name':'long'");
}

static void
lists_and_audit_show_no_hash(void **state)
{
    struct rig *r = *state;

    rig_must(r, "token.add", "'name':'anna','role':'view','session':'chat/','hash':'" HASH_A "'");
    assert_null(strstr(rig_json(r), HASH_A));
    rig_must_read(r, "token.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.name"), "anna");
    assert_string_equal(rig_text(r, "items.0.role"), "view");
    assert_string_equal(rig_text(r, "items.0.session"), "chat/");
    assert_string_equal(rig_text(r, "items.0.company"), "default"); /* a session is of one */
    assert_null(strstr(rig_json(r), HASH_A));
    rig_must(r, "token.revoke", "'name':'anna'");
    rig_must_read(r, "audit.list", " ");
    assert_string_equal(rig_text(r, "items.0.action"), "token.revoke");
    assert_string_equal(rig_text(r, "items.1.action"), "token.add");
    assert_string_equal(rig_text(r, "items.1.subject"), "anna");
    assert_null(strstr(rig_json(r), HASH_A));
}

static void
what_makes_no_token_is_refused(void **state)
{
    struct rig *r = *state;

    rig_must(r, "token.add", "'name':'anna','role':'view','hash':'" HASH_A "'");
    rig_refused(r, E_CONFLICT, "", "token.add", "'name':'anna','role':'view','hash':'" HASH_B "'");
    rig_refused(r, E_CONFLICT, "", "token.add", "'name':'other','role':'view','hash':'" HASH_A "'");
    rig_refused(r, E_BAD_REQUEST, "role", "token.add",
                "'name':'t','role':'admin','hash':'" HASH_B "'");
    rig_refused(r, E_BAD_REQUEST, "role", "token.add",
                "'name':'t','role':'gateway','hash':'" HASH_B "'");
    rig_refused(r, E_BAD_REQUEST, "hash", "token.add", "'name':'t','role':'view'");
    rig_refused(r, E_BAD_REQUEST, "hash", "token.add",
                "'name':'t','role':'view','hash':'"
                "ABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCD'");
    rig_refused(r, E_NOT_FOUND, "company", "token.add",
                "'name':'t','role':'view','company':'nobody','hash':'" HASH_B "'");
    rig_refused(r, E_BAD_REQUEST, "expires_at", "token.add",
                "'name':'t','role':'view','hash':'" HASH_B "','expires_at':%lld",
                (long long)r->header.now.wall_ms);
}

static void
that_one_is_revoked_the_gateway_is_told_at_once(void **state)
{
    struct rig            *r = *state;
    const struct msg_desc *d;
    const struct output   *o;
    union msg              m;
    struct err             e = {0};

    rig_must(r, "token.add", "'name':'a','role':'view','hash':'" HASH_A "'");
    rig_must(r, "token.revoke", "'name':'a'");
    assert_null(rig_output(r, OUT_TO_GATEWAY, 0)); /* there is none */
    rig_must(r, "gateway.hello", "'version':'1'");
    rig_must(r, "token.add", "'name':'b','role':'view','hash':'" HASH_B "'");
    rig_must(r, "token.revoke", "'name':'b'");
    o = rig_output(r, OUT_TO_GATEWAY, 0);
    assert_non_null(o);
    assert_int_not_equal(o->token, 0); /* it may not be dropped */
    assert_int_equal(worker_open(GROUP_TO_GATEWAY, o->body, &d, &m, &e), E_OK);
    assert_int_equal(d->id, MSG_GATEWAY_REVOKED);
    assert_true(view_is(m.gateway_revoked.token_hash, HASH_B));
}

static void
a_companys_tokens_go_with_it(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    struct actor        a;

    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "token.add", "'name':'a','role':'view','company':'acme','hash':'" HASH_A "'");
    rig_must(r, "token.add", "'name':'b','role':'view','hash':'" HASH_B "'");
    rig_must(r, "company.remove", "'name':'acme'");
    assert_int_equal(actor_of(r, HASH_A, &a, &text), E_UNAUTHENTICATED);
    assert_int_equal(actor_of(r, HASH_B, &a, &text), E_OK);
    rig_settle(r);
    rig_must(r, "company.add", "'name':'acme'");
    assert_int_equal(actor_of(r, HASH_A, &a, &text), E_UNAUTHENTICATED);
    rig_must_read(r, "token.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
}

/* ---- asked again (N39) -------------------------------------------------------- */

/* Requests are the token's from now on; *text is its actor's. */
static void
speak_as(struct rig *r, const char *hash, struct buf *text)
{
    assert_int_equal(actor_of(r, hash, &r->actor, text), E_OK);
    r->request_id = "order-1";
}

static void
speak_as_user(struct rig *r)
{
    r->actor = (struct actor){.kind = "user", .id = view_str("uid:1000"), .role = ROLE_ADMIN};
    r->request_id = NULL;
}

static void
a_token_made_anew_is_not_answered_what_the_one_before_it_was(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    uint64_t            first, second;

    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_must(r, "token.add", "'name':'eve','role':'submit','hash':'" HASH_A "'");
    speak_as(r, HASH_A, &text);
    first = rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_submit(r, "'handler':'noop'"), first);
    speak_as_user(r);
    rig_must(r, "token.revoke", "'name':'eve'");
    rig_must(r, "token.add", "'name':'eve','role':'submit','company':'acme','hash':'" HASH_B "'");
    speak_as(r, HASH_B, &text);
    second = rig_submit(r, "'handler':'noop'");
    assert_int_not_equal(second, first);
    assert_string_equal(rig_text(r, "company"), "acme");
    assert_int_equal(rig_submit(r, "'handler':'noop'"), second);
}

/* The answer of an agentd that kept them by the token's name, at that time. */
static void
keep_by_name(struct rig *r, const char *key, int64_t at)
{
    struct err  e;
    struct txn *t = txn_begin_write(r->store, &e);
    bool        outcome_unknown;

    assert_non_null(t);
    answer_save(t, &(struct answer){.key = hash128(view_str(key)),
                                    .at = at,
                                    .reply = rig_pack(r, "{'id':4711}")});
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static void
an_answer_that_was_kept_by_name_is_of_the_token_that_was_there_then(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    int64_t             made_at = r->header.now.wall_ms;

    rig_must(r, "token.add", "'name':'eve','role':'submit','hash':'" HASH_A "'");
    rig_advance(r, MINUTE_MS);
    speak_as(r, HASH_A, &text);
    keep_by_name(r, "token:eve:order-1", made_at - 1);
    assert_int_not_equal(rig_submit(r, "'handler':'noop'"), 4711);
    r->request_id = "order-2";
    keep_by_name(r, "token:eve:order-2", made_at + 1);
    assert_int_equal(rig_submit(r, "'handler':'noop'"), 4711);
}

/* ---- of some sessions ---------------------------------------------------------- */

static uint64_t
job_of_event(struct rig *r, const char *key)
{
    rig_must(r, "session.event", "'key':'%s','type':'t'", key);
    return (uint64_t)rig_i64(r, "job");
}

static void
a_parent_is_of_the_tokens_sessions(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    uint64_t            others[4], own;

    rig_configure(
        r, &(struct rig_declared){.companies = "{'name':'acme'}",
                                  .agents = "{'name':'desk','handler':'noop'},"
                                            "{'name':'desk','company':'acme','handler':'noop'}"});
    rig_must(r, "session.open", "'key':'chat/a','agent':'desk'");
    rig_must(r, "session.open", "'key':'chat/b','agent':'desk'");
    rig_must(r, "session.open", "'key':'chat/a','agent':'acme/desk'");
    own = job_of_event(r, "chat/a");
    others[0] = job_of_event(r, "chat/b");
    rig_must(r, "session.event", "'key':'chat/a','company':'acme','type':'t'");
    others[1] = (uint64_t)rig_i64(r, "job");
    others[2] = rig_submit(r, "'handler':'noop'");
    others[3] = 4711; /* there is none */
    rig_must(r, "token.add", "'name':'a','role':'submit','session':'chat/a','hash':'" HASH_A "'");
    speak_as(r, HASH_A, &text);
    r->request_id = NULL;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        rig_refused(r, E_DENIED, "", "session.event", "'key':'chat/a','type':'t','parent':%d",
                    (int)others[i]);
        assert_string_equal(r->error.msg, "the token is for \"chat/a\" only");
    }
    rig_must(r, "session.event", "'key':'chat/a','type':'t','parent':%d", (int)own);
    rig_must_read(r, "session.events", "'key':'chat/a'");
    assert_int_equal(rig_i64(r, "items.1.root"), own);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(who_shows_the_secret_has_the_role_and_the_scope),
        TEST(one_without_scope_is_for_all),
        TEST(a_row_with_a_session_and_no_company_is_of_the_default_one),
        TEST(an_expired_or_revoked_one_is_nobodys),
        TEST(lists_and_audit_show_no_hash),
        TEST(what_makes_no_token_is_refused),
        TEST(that_one_is_revoked_the_gateway_is_told_at_once),
        TEST(a_companys_tokens_go_with_it),
        TEST(a_token_made_anew_is_not_answered_what_the_one_before_it_was),
        TEST(an_answer_that_was_kept_by_name_is_of_the_token_that_was_there_then),
        TEST(a_parent_is_of_the_tokens_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
