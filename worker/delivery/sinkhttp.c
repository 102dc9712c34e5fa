#include "worker/delivery/sinkhttp.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include "common/url.h"
#include "worker/delivery/answer.h"
#include "worker/delivery/reach.h"
#include "worker/delivery/request.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX     24
#define TIMEOUT_MS      30000
#define SECRET_MAX      4096
#define SECRET_PREFIX   "whsec_"
#define URL_BYTES_MAX   2048
#define INPUT_BYTES_MAX 4194304

/* ---- signature ---------------------------------------------------------------- */

/* Loaded by this process alone, as libcurl is. */
struct sodium {
    __typeof__(sodium_init)                   *init;
    __typeof__(sodium_base642bin)             *decode;
    __typeof__(sodium_bin2base64)             *encode;
    __typeof__(crypto_auth_hmacsha256_init)   *begin;
    __typeof__(crypto_auth_hmacsha256_update) *update;
    __typeof__(crypto_auth_hmacsha256_final)  *end;
    __typeof__(sodium_memzero)                *clear;
};

static bool
load(struct sodium *l)
{
    void *library = dlopen("libsodium.so.23", RTLD_NOW);
    const struct {
        const char *name;
        void       *function; /* where its address goes */
    } all[] = {
        {"sodium_init",                   &l->init  },
        {"sodium_base642bin",             &l->decode},
        {"sodium_bin2base64",             &l->encode},
        {"crypto_auth_hmacsha256_init",   &l->begin },
        {"crypto_auth_hmacsha256_update", &l->update},
        {"crypto_auth_hmacsha256_final",  &l->end   },
        {"sodium_memzero",                &l->clear },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        void *found = library ? dlsym(library, all[i].name) : NULL;

        if (!found) return false;
        memcpy(all[i].function, &found, sizeof(found));
    }
    return l->init() >= 0;
}

/* The bytes of the key; false when it is no base64. */
static bool
key_of(const struct sodium *l, struct view secret, unsigned char *key, size_t *size)
{
    const size_t prefix = sizeof(SECRET_PREFIX) - 1;

    if (secret.size < prefix || memcmp(secret.data, SECRET_PREFIX, prefix) != 0) {
        memcpy(key, secret.data, secret.size);
        *size = secret.size;
        return true;
    }
    return l->decode(key, SECRET_MAX, secret.data + prefix, secret.size - prefix, "\r\n", size,
                     NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
}

enum errc
sinkhttp_sign(struct view secret, struct view id, int64_t timestamp, struct view body, char *out,
              struct err *e)
{
    unsigned char                key[SECRET_MAX], mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    char                         time_text[32];
    struct sodium                l;
    size_t                       size = 0;

    if (!load(&l)) return err_set(e, E_INTERNAL, "libsodium.so.23 cannot be loaded");
    if (secret.size == 0 || secret.size > SECRET_MAX)
        return err_set(e, E_INTERNAL, "the secret is empty or over %d bytes", SECRET_MAX);
    if (!key_of(&l, secret, key, &size))
        return err_set(e, E_INTERNAL, "the secret is no base64 behind its " SECRET_PREFIX);
    (void)snprintf(time_text, sizeof(time_text), ".%" PRId64 ".", timestamp); /* fits */
    l.begin(&state, key, size);
    l.update(&state, (const unsigned char *)id.data, id.size);
    l.update(&state, (const unsigned char *)time_text, strlen(time_text));
    l.update(&state, (const unsigned char *)body.data, body.size);
    l.end(&state, mac);
    l.clear(key, sizeof(key));
    l.encode(out, SIGNATURE_MAX, mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
    return E_OK;
}

/* ---- the request -------------------------------------------------------------- */

struct sending {
    struct view  how; /* packed */
    struct view  body, id;
    char         url[URL_BYTES_MAX + 1];
    int64_t      timeout_ms;
    struct arena arena;
    const char  *headers[HEADERS_MAX + 1];
    size_t       count;
};

static bool
allows(void *arg, const struct sockaddr *a, socklen_t size)
{
    return reach_allows(arg, a, size);
}

static void
add_header(struct sending *s, const char *line)
{
    if (s->count < HEADERS_MAX) s->headers[s->count++] = line;
}

static enum errc
read_secret(const char *path, struct buf *out, struct err *e)
{
    int     fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n;

    if (fd < 0) return err_errno(e, "secret file %s", path);
    buf_reserve(out, SECRET_MAX + 1);
    n = read(fd, out->data, SECRET_MAX + 1);
    close(fd);
    if (n < 0) return err_errno(e, "secret file %s", path);
    out->size = (size_t)n;
    while (out->size > 0 && (out->data[out->size - 1] == '\n' || out->data[out->size - 1] == '\r'))
        out->size--;
    return E_OK;
}

static enum errc
sign_with(struct sending *s, const char *field, int64_t now, struct buf *signatures, struct err *e)
{
    BUF_AUTO struct buf secret = {0};
    char                signature[SIGNATURE_MAX];
    struct view         path;

    if (!mp_find_str(s->how, field, &path)) return E_OK;
    if (read_secret(arena_printf(&s->arena, "%.*s", VIEW_ARG(path)), &secret, e) ||
        sinkhttp_sign(buf_view(&secret), s->id, now, s->body, signature, e)) {
        return e->code;
    }
    buf_printf(signatures, "%sv1,%s", signatures->size ? " " : "", signature);
    return E_OK;
}

static enum errc
add_signatures(struct sending *s, struct err *e)
{
    BUF_AUTO struct buf signatures = {0};
    int64_t             now = clock_now().wall_ms / 1000;

    if (sign_with(s, "secret_file", now, &signatures, e) ||
        sign_with(s, "secret_file_old", now, &signatures, e)) {
        return e->code;
    }
    add_header(s, arena_printf(&s->arena, "webhook-timestamp: %" PRId64, now));
    if (signatures.size)
        add_header(
            s, arena_printf(&s->arena, "webhook-signature: %.*s", VIEW_ARG(buf_view(&signatures))));
    return E_OK;
}

static void
add_own_headers(struct sending *s)
{
    struct view      map, name, value;
    struct mp_reader r;
    uint32_t         pairs = 0;

    if (!mp_find(s->how, "headers", &map)) return;
    r = mp_reader_of(map);
    if (!mp_read_map(&r, &pairs)) return;
    while (pairs-- > 0 && mp_read_str(&r, &name) && mp_read_str(&r, &value))
        add_header(s, arena_printf(&s->arena, "%.*s: %.*s", VIEW_ARG(name), VIEW_ARG(value)));
}

/* What is wrong with it, NULL for nothing. */
static const char *
take_url(struct sending *s)
{
    struct view url;
    const char *problem;

    if (!mp_find_str(s->how, "url", &url) || url.size > URL_BYTES_MAX) return "url: is missing";
    memcpy(s->url, url.data, url.size);
    problem = url_problem(url);
    return problem ? arena_printf(&s->arena, "url: %s", problem) : NULL;
}

static enum errc
prepare(struct sending *s, struct err *e)
{
    const char *problem = take_url(s);

    if (problem) return err_set(e, E_BAD_REQUEST, "%s", problem);
    if (!mp_find_str(s->how, "id", &s->id)) return err_set(e, E_BAD_REQUEST, "id: is missing");
    if (!mp_find_i64(s->how, "timeout_ms", &s->timeout_ms)) s->timeout_ms = TIMEOUT_MS;
    add_header(s, "Content-Type: application/json");
    add_header(s, "Expect:"); /* a body of a megabyte would wait a second for it */
    add_header(s, arena_printf(&s->arena, "webhook-id: %.*s", VIEW_ARG(s->id)));
    add_header(s, arena_printf(&s->arena, "Idempotency-Key: %.*s", VIEW_ARG(s->id)));
    if (add_signatures(s, e)) return e->code;
    add_own_headers(s);
    return E_OK;
}

static bool
may_come_again(long status)
{
    return status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600);
}

static void
answer(const struct response *r, struct buf *out)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "HTTP %ld", r->status); /* fits */
    if (r->status >= 200 && r->status < 300) {
        answer_put(out, "delivered", "receipt", text);
    } else if (r->status != 0) {
        answer_put_failed(out, text, !may_come_again(r->status), r->retry_after_ms);
    } else if (r->was_sent) {
        answer_put(out, "unknown", "message", r->problem);
    } else {
        answer_put_failed(out, r->problem, r->is_barred, -1);
    }
}

/* The URL's host, in brackets for IPv6, without user and port. */
static struct view
host_of(const char *url)
{
    const char *from = strstr(url, "://") + 3; /* url_problem looked for it */
    size_t      size = strcspn(from, "/?#");
    const char *at = memchr(from, '@', size);

    if (at) {
        size -= (size_t)(at + 1 - from);
        from = at + 1;
    }
    if (from[0] == '[') return view_of(from + 1, strcspn(from + 1, "]"));
    return view_of(from, strcspn(from, ":/?#"));
}

static void
post(struct sending *s, struct buf *out)
{
    struct reach         reach = {.host = host_of(s->url)};
    const struct request r = {.url = s->url,
                              .body = s->body,
                              .headers = s->headers,
                              .timeout_ms = s->timeout_ms,
                              .allows = allows,
                              .arg = &reach};
    struct response      response;

    (void)mp_find(s->how, "allow", &reach.allow); /* may be absent */
    request_make(&r, &response);
    answer(&response, out);
}

void
sinkhttp_send(struct view how, struct view body, struct buf *out)
{
    BUF_AUTO struct buf packed = {0};
    struct sending      s = {.body = body};
    struct err          e;

    arena_init(&s.arena);
    if (json_to_mp(how, &packed, &e)) {
        answer_put_failed(out, e.msg, true, -1);
    } else {
        s.how = buf_view(&packed);
        if (prepare(&s, &e)) {
            answer_put_failed(out, e.msg, e.code == E_BAD_REQUEST, -1);
        } else {
            post(&s, out);
        }
    }
    arena_done(&s.arena);
}

int
sinkhttp_main(void)
{
    BUF_AUTO struct buf input = {0}, out = {0};
    ssize_t             n;

    do {
        buf_reserve(&input, 65536);
        n = read(STDIN_FILENO, input.data + input.size, input.cap - input.size);
        if (n > 0) input.size += (size_t)n;
    } while (input.size < INPUT_BYTES_MAX && (n > 0 || (n < 0 && errno == EINTR)));
    if (n < 0) return 1;
    const char *newline = memchr(input.data, '\n', input.size);
    if (!newline) return 1;
    size_t      head = (size_t)(newline - input.data) + 1;
    struct view body = view_of(input.data + head, input.size - head);
    if (body.size > 0 && body.data[body.size - 1] == '\n') body.size--;
    sinkhttp_send(view_of(input.data, head - 1), body, &out);
    return answer_print(&out);
}
