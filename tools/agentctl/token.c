#include "common/clock.h"
#include "common/mp.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"
#include <sodium.h>
#include <string.h>

#define SECRET_PREFIX  "agt_" /* so that scanners for secrets know one */
#define SECRET_BYTES   32
#define SECRET_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* The text that is shown, and its hash, which is sent. */
struct secret {
    char text[sizeof(SECRET_PREFIX) - 1 + sodium_base64_ENCODED_LEN(SECRET_BYTES, SECRET_VARIANT)];
    char hash[TOKEN_HASH_SIZE + 1];
};

static enum errc
make_secret(struct secret *s, struct err *e)
{
    unsigned char bytes[SECRET_BYTES], digest[crypto_hash_sha256_BYTES];
    size_t        prefix = sizeof(SECRET_PREFIX) - 1;

    if (sodium_init() < 0) return err_set(e, E_INTERNAL, "there are no random numbers");
    randombytes_buf(bytes, sizeof(bytes));
    memcpy(s->text, SECRET_PREFIX, prefix);
    (void)sodium_bin2base64(s->text + prefix, sizeof(s->text) - prefix, bytes, sizeof(bytes),
                            SECRET_VARIANT);
    (void)crypto_hash_sha256(digest, (const unsigned char *)s->text, strlen(s->text));
    (void)sodium_bin2hex(s->hash, sizeof(s->hash), digest, sizeof(digest));
    sodium_memzero(bytes, sizeof(bytes));
    return E_OK;
}

static enum errc
set_expiry(struct ctl *c, struct ctl_request *request, struct err *e)
{
    BUF_AUTO struct buf packed = {0};
    const char         *text = ctl_args_text(&c->args, "expires");
    int64_t             now_ms = clock_now().wall_ms, ms;

    if (!text) return E_OK;
    if (ctl_value_pack(CTL_DURATION, NULL, text, now_ms, &packed, e)) return e->code;
    struct mp_reader r = mp_reader_of(buf_view(&packed));
    if (!mp_read_i64(&r, &ms) || ms <= 0 || ms > YEARS_100_MS) {
        return err_set(e, E_BAD_REQUEST, "--expires is a time from now, at most 100 years");
    }
    ctl_request_set_i64(request, "expires_at", now_ms + ms);
    return E_OK;
}

/* The reply, with the secret that agentd never sees. */
static enum ctl_exit
show_secret(struct ctl *c, struct view reply, const struct secret *s, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    struct mp_reader    r = mp_reader_of(reply);
    struct view         key, value;
    uint32_t            pairs;

    mp_put_cstr(&body, &m, "secret", s->text);
    if (!mp_read_map(&r, &pairs)) pairs = 0;
    while (pairs-- > 0 && mp_read_str(&r, &key) && mp_read_any(&r, &value)) {
        FREE_AUTO char *name = view_dup(key);

        mp_put_raw(&body, &m, name, value);
    }
    mp_close(&body, &m);
    return ctl_show(c, buf_view(&body), e);
}

/* Makes the secret here, so that it goes over no wire and into no log. */
enum ctl_exit
ctl_run_token(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    BUF_AUTO struct buf                 body = {0};
    BUF_AUTO struct buf                 reply = {0};
    struct secret                       secret;
    enum ctl_exit                       failed;

    if (make_secret(&secret, e)) return CTL_REFUSED;
    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e)) return CTL_USAGE;
    ctl_request_set_str(&request, "hash", view_str(secret.hash));
    if (set_expiry(c, &request, e)) return CTL_USAGE;
    ctl_request_pack(&request, &body);
    failed = ctl_ask(c, MSG_TOKEN_ADD, buf_view(&body), ctl_timeout_ms(c), &reply, e);
    if (!failed) failed = show_secret(c, buf_view(&reply), &secret, e);
    sodium_memzero(&secret, sizeof(secret));
    return failed;
}

void
ctl_print_token(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"token",   "name",       CTL_AS_TEXT   },
        {"role",    "role",       CTL_AS_TEXT   },
        {"company", "company",    CTL_AS_TEXT   },
        {"session", "session",    CTL_AS_TEXT   },
        {"created", "created_at", CTL_AS_INSTANT},
        {"expires", "expires_at", CTL_AS_INSTANT},
        {"secret",  "secret",     CTL_AS_TEXT   },
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_tokens(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"TOKEN",   "name",       CTL_AS_TEXT   },
        {"ROLE",    "role",       CTL_AS_TEXT   },
        {"COMPANY", "company",    CTL_AS_TEXT   },
        {"SESSION", "session",    CTL_AS_TEXT   },
        {"CREATED", "created_at", CTL_AS_INSTANT},
        {"EXPIRES", "expires_at", CTL_AS_INSTANT},
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}
