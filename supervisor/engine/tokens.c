#include "supervisor/engine/tokens.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/views.h"

#include <string.h>

#define NEW_TOKEN "agentctl token add makes one"

/* 0: of all.  A session is of a company: of the default one in rows that do not say. */
static uint32_t
company_of(const struct token *t)
{
    return t->session.size && !t->company ? COMPANY_DEFAULT_ID : t->company;
}

static void
put_token(struct objects *o, const struct token *t, struct buf *b)
{
    struct mp_open_map m = mp_open(b);

    mp_put_str(b, &m, "name", t->name);
    mp_put_cstr(b, &m, "role", role_name(t->role));
    view_put_name(o, b, &m, "company", company_of(t));
    mp_put_str_or_nil(b, &m, "session", t->session);
    mp_put_i64(b, &m, "created_at", t->created_at);
    mp_put_time(b, &m, "expires_at", t->expires_at);
    mp_close(b, &m);
}

static struct view
audited(struct engine *en, const struct token *t)
{
    struct buf b BUF_AUTO = {0};

    put_token(&en->turn.objects, t, &b);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

/* ---- token.add ---------------------------------------------------------------- */

/* Those that a token may have: administration stays with the host. */
static enum errc
role_of(struct view name, uint8_t *out, struct err *e)
{
    for (enum role role = ROLE_VIEW; role <= ROLE_OPERATOR; role++) {
        if (!view_is(name, role_name(role))) continue;
        *out = (uint8_t)role;
        return E_OK;
    }
    return err_field(e, "role", "is view, submit or operator");
}

static enum errc
check_new(struct engine *en, const struct msg_token_add *m, struct err *e)
{
    struct token key = {.name = m->name};

    if (m->hash.size == 0) {
        err_field(e, "hash", "is missing");
        return err_hint(e, "agentctl token add makes the secret, and its hash");
    }
    if (strspn(arena_printf(&en->turn.arena, "%.*s", VIEW_ARG(m->hash)), "0123456789abcdef") !=
        TOKEN_HASH_SIZE) {
        return err_field(e, "hash", "must be a SHA-256 in lower-case hexadecimal");
    }
    if (m->expires_at && m->expires_at <= en->turn.now.wall_ms) {
        return err_field(e, "expires_at", "is in the past");
    }
    if (rec_find(turn_txn(en), INDEX_token_by_name, &key) == LOAD_FOUND) {
        (void)err_set(e, E_CONFLICT, "there is a token \"%.*s\"", VIEW_ARG(m->name));
        return err_hint(e, "`agentctl token revoke` ends it");
    }
    key = (struct token){.hash = m->hash};
    if (rec_find(turn_txn(en), INDEX_token_by_hash, &key) == LOAD_FOUND) {
        err_set(e, E_CONFLICT, "another token has this secret");
        return err_hint(e, "make a new secret: agentctl token add does");
    }
    return E_OK;
}

enum errc
on_token_add(struct engine *en, const struct actor *a, const struct msg_token_add *m,
             struct buf *reply, struct err *e)
{
    struct token t = {.name = m->name,
                      .hash = m->hash,
                      .session = m->session,
                      .created_at = en->turn.now.wall_ms,
                      .expires_at = m->expires_at};

    if (role_of(m->role, &t.role, e) || check_new(en, m, e)) return e->code;
    if ((m->company.size || m->session.size) && /* a session is of a company */
        object_company(turn_txn(en), a, m->company, &t.company, e)) {
        return e->code;
    }
    t.id = (uint32_t)en->memory.meta.next_object++;
    token_save(turn_txn(en), &t);
    audit_put(en, a, "token.add", t.company, t.name, (struct view){0}, audited(en, &t));
    put_token(&en->turn.objects, &t, reply);
    return E_OK;
}

/* ---- the others --------------------------------------------------------------- */

enum errc
on_token_revoke(struct engine *en, const struct actor *a, const struct msg_token_revoke *m,
                struct buf *reply, struct err *e)
{
    struct token t = {.name = m->name};

    if (rec_find(turn_txn(en), INDEX_token_by_name, &t) != LOAD_FOUND) {
        err_set(e, E_NOT_FOUND, "there is no token \"%.*s\"", VIEW_ARG(m->name));
        return err_hint(e, "agentctl token list");
    }
    put_token(&en->turn.objects, &t, reply);
    audit_put(en, a, "token.revoke", t.company, m->name, audited(en, &t), (struct view){0});
    readers_forget_token(en, t.id, t.hash);
    (void)token_delete(turn_txn(en), &t);
    return E_OK;
}

enum errc
read_token_list(struct reading *r, const struct msg_token_list *m)
{
    struct token t = {0};
    struct page  p;
    uint64_t     after;

    if (cursor_id(r, m->after, r->engine->memory.meta.next_object, &after)) return r->e->code;
    page_open(r, &p, HAS(m, token_list, limit), m->limit);
    t.id = (uint32_t)after + 1;
    page_scan(r, &p, PRIMARY_TOKEN, &t, 0, 1);
    while (page_next(&p, &t)) {
        page_at(&p, t.id);
        put_token(&r->objects, &t, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}

void
tokens_forget_company(struct engine *en, uint32_t company)
{
    struct token t = {0};
    struct scan  s;

    scan_open(&s, turn_txn(en), PRIMARY_TOKEN, &t, 0, 0);
    while (scan_next(&s, &t)) {
        if (t.company == company) (void)token_delete(turn_txn(en), &t);
    }
    scan_close(&s);
}

/* ---- whose it is -------------------------------------------------------------- */

static struct view
piece(struct buf *text, size_t *at, size_t size)
{
    struct view v = view_of(text->data + *at, size);

    *at += size;
    return v;
}

enum errc
engine_token_actor(struct txn *t, struct view hash, int64_t now_ms, struct actor *out,
                   struct buf *text, struct err *e)
{
    struct token  row = {.hash = hash};
    struct object company = {0};
    size_t        at = 0;

    if (rec_find(t, INDEX_token_by_hash, &row) != LOAD_FOUND) {
        err_set(e, E_UNAUTHENTICATED, "the token is not known");
        return err_hint(e, NEW_TOKEN);
    }
    if (row.expires_at && row.expires_at <= now_ms) {
        err_set(e, E_UNAUTHENTICATED, "the token has expired");
        return err_hint(e, NEW_TOKEN);
    }
    company.id = company_of(&row);
    if (company.id && (object_load(t, &company) != LOAD_FOUND || company.removing)) {
        return err_set(e, E_UNAUTHENTICATED, "the token's company is gone");
    }
    buf_clear(text);
    buf_add_view(text, row.name);
    buf_add_view(text, company.name);
    buf_add_view(text, row.session);
    *out = (struct actor){.kind = "token", .role = row.role, .token = row.id};
    out->id = piece(text, &at, row.name.size);
    out->company = piece(text, &at, company.name.size);
    out->session = piece(text, &at, row.session.size);
    return E_OK;
}

/* A scope that ends in '/' is of all keys below it; any other one is one key. */
static bool
is_within(struct view scope, struct view key)
{
    bool is_below = scope.data[scope.size - 1] == '/';

    if (key.size < scope.size || memcmp(key.data, scope.data, scope.size) != 0) return false;
    return is_below ? key.size > scope.size : key.size == scope.size;
}

enum errc
engine_check_session(const struct actor *a, struct view key, struct err *e)
{
    if (a->session.size == 0 || is_within(a->session, key)) return E_OK;
    err_set(e, E_DENIED, "the token is for \"%.*s\" only", VIEW_ARG(a->session));
    return err_hint(e, "all else of the company takes a token that was made without --session");
}
