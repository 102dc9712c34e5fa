/* What the gateway asks agentd for its readers, and what it makes of the answers. */
#include "common/mp.h"
#include "tools/gateway/readers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ASKED_MAX 8

static const char      token_hash[TOKEN_HASH_SIZE + 1] = "ab";
static struct question asked[ASKED_MAX];
static size_t          nasked;
static size_t          ndoubts;
static size_t          nrefused;

/* In place of the client: it notes what is asked. */
uint64_t
client_ask(struct client *cl, const struct question *q, struct err *e)
{
    (void)cl, (void)e;
    assert_true(nasked < ASKED_MAX);
    asked[nasked] = *q;
    asked[nasked].body = (struct view){0};
    return ++nasked;
}

static void
on_attached(struct reader *r)
{
    assert_non_null(r->company);
}

static void
on_refused(struct reader *r, const struct err *error)
{
    assert_non_null(r->key);
    assert_int_not_equal(error->code, E_OK);
    nrefused++;
}

static const struct reader_calls calls = {.attached = on_attached, .refused = on_refused};

/* As hello said anew does. */
static void
on_doubt(void *arg)
{
    ndoubts++;
    readers_restart(arg);
}

static int
begin(void **state)
{
    struct readers *rs = readers_new(NULL);

    nasked = ndoubts = nrefused = 0;
    readers_on_doubt(rs, on_doubt, rs);
    readers_restart(rs);
    *state = rs;
    return 0;
}

static int
end(void **state)
{
    struct readers *rs = *state;

    readers_destroy(&rs);
    return 0;
}

static void
answer(size_t number, enum errc code)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    const struct err    error = {.code = code};

    mp_put_cstr(&body, &m, "company", "acme");
    mp_close(&body, &m);
    asked[number].on_answer(asked[number].arg, &error, code ? (struct view){0} : buf_view(&body));
}

static void
expect_asked(size_t count, enum msg_id last)
{
    assert_int_equal(nasked, count);
    assert_int_equal(asked[count - 1].op, last);
}

static void
who_comes_is_attached_and_who_goes_is_detached(void **state)
{
    struct readers *rs = *state;
    struct reader   r = {.calls = &calls};

    readers_add(rs, &r, "", "chat", token_hash);
    expect_asked(1, MSG_SESSION_ATTACH);
    answer(0, E_OK);
    readers_remove(rs, &r);
    expect_asked(2, MSG_SESSION_DETACH);
    answer(1, E_OK);
    assert_int_equal(ndoubts, 0);
}

static void
who_showed_a_token_that_is_revoked_is_sent_away(void **state)
{
    char                       hash[TOKEN_HASH_SIZE + 1] = "cd";
    struct msg_gateway_revoked m = {.token_hash = view_str("ab")};
    struct readers            *rs = *state;
    struct reader              r = {.calls = &calls}, other = {.calls = &calls};

    readers_add(rs, &r, "", "chat", token_hash);
    readers_add(rs, &other, "", "chat", hash);
    readers_revoked(rs, &m); /* also before it is attached */
    assert_int_equal(nrefused, 1);
    m.token_hash = view_str("a");
    readers_revoked(rs, &m);
    assert_int_equal(nrefused, 1);
    m.token_hash = view_str("cd");
    readers_revoked(rs, &m);
    assert_int_equal(nrefused, 2);
    readers_remove(rs, &r);
    readers_remove(rs, &other);
    answer(0, E_UNAUTHENTICATED);
    answer(1, E_UNAUTHENTICATED);
    assert_int_equal(ndoubts, 0);
}

static void
who_reads_a_company_that_was_removed_is_sent_away(void **state)
{
    const struct msg_gateway_removed acme = {.company = view_str("acme")};
    const struct msg_gateway_removed other = {.company = view_str("other")};
    struct readers                  *rs = *state;
    struct reader                    r = {.calls = &calls};

    readers_add(rs, &r, "", "chat", token_hash);
    readers_removed(rs, &acme); /* it is of no company yet */
    answer(0, E_OK);
    readers_removed(rs, &other);
    assert_int_equal(nrefused, 0);
    readers_removed(rs, &acme);
    assert_int_equal(nrefused, 1);
    readers_remove(rs, &r);
}

static void
an_attach_without_an_answer_has_hello_said_anew(void **state)
{
    struct readers *rs = *state;
    struct reader   stays = {.calls = &calls}, gone = {.calls = &calls};

    readers_add(rs, &stays, "", "chat", token_hash);
    answer(0, E_OK);
    readers_add(rs, &gone, "", "other", token_hash);
    readers_remove(rs, &gone);
    expect_asked(2, MSG_SESSION_ATTACH);
    answer(1, E_OUTCOME_UNKNOWN);
    assert_int_equal(ndoubts, 1);
    expect_asked(3, MSG_SESSION_ATTACH); /* of the one that stays */
    answer(2, E_OK);
    assert_string_equal(stays.company, "acme");
    assert_int_equal(nrefused, 0);
    readers_remove(rs, &stays);
    expect_asked(4, MSG_SESSION_DETACH);
    answer(3, E_OK);
}

static void
what_came_before_that_hello_has_none_said(void **state)
{
    struct readers *rs = *state;
    struct reader   r = {.calls = &calls};

    readers_add(rs, &r, "", "chat", token_hash);
    readers_restart(rs);
    expect_asked(2, MSG_SESSION_ATTACH);
    answer(0, E_OUTCOME_UNKNOWN);
    assert_int_equal(ndoubts, 0);
    assert_int_equal(nrefused, 0);
    answer(1, E_OK);
    assert_string_equal(r.company, "acme");
    readers_remove(rs, &r);
    answer(2, E_OK);
}

static void
a_detach_that_was_not_done_has_hello_said_anew(void **state)
{
    const enum errc codes[] = {E_BUSY, E_OUTCOME_UNKNOWN};
    struct readers *rs = *state;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct reader r = {.calls = &calls};

        readers_add(rs, &r, "", "chat", token_hash);
        answer(2 * i, E_OK);
        readers_remove(rs, &r);
        expect_asked(2 * i + 2, MSG_SESSION_DETACH);
        answer(2 * i + 1, codes[i]);
        assert_int_equal(ndoubts, i + 1);
    }
}

static void
an_attach_that_was_refused_is_in_no_doubt(void **state)
{
    const enum errc codes[] = {E_UNAUTHENTICATED, E_BUSY};
    struct readers *rs = *state;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct reader r = {.calls = &calls};

        readers_add(rs, &r, "", "chat", token_hash);
        answer(i, codes[i]);
        assert_int_equal(nrefused, i + 1);
        readers_remove(rs, &r);
    }
    assert_int_equal(nasked, 2);
    assert_int_equal(ndoubts, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_comes_is_attached_and_who_goes_is_detached),
        TEST(who_showed_a_token_that_is_revoked_is_sent_away),
        TEST(who_reads_a_company_that_was_removed_is_sent_away),
        TEST(an_attach_without_an_answer_has_hello_said_anew),
        TEST(what_came_before_that_hello_has_none_said),
        TEST(a_detach_that_was_not_done_has_hello_said_anew),
        TEST(an_attach_that_was_refused_is_in_no_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
