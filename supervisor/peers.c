#include "supervisor/peers.h"

#include "common/mp.h"
#include <string.h>

/* Whoever may connect to the socket may speak, but only a role may ask. */
static enum errc
user(struct peers *p, const struct credentials *who, struct actor *out, struct buf *text,
     struct err *e)
{
    enum role role = roles_of(p->roles, who);

    if (role == ROLE_NONE) {
        (void)err_set(e, E_UNAUTHENTICATED, "user %u has no role here", (unsigned)who->uid);
        return err_hint(e, "daemon.view_group, submit_group and operator_group give roles");
    }
    buf_clear(text);
    buf_printf(text, "uid:%u", (unsigned)who->uid);
    *out = (struct actor){.kind = "user", .id = buf_view(text), .role = role};
    return E_OK;
}

static enum errc
token(struct peers *p, struct view hash, struct actor *out, struct buf *text, struct err *e)
{
    struct txn *t = txn_begin_read(p->store, e);

    if (!t) return e->code;
    enum errc code = engine_token_actor(t, hash, clock_now().wall_ms, out, text, e);
    txn_abort(&t);
    return code;
}

/* Of its own it says only who reads what, and that it lives; who is to read shows a token, and any
 * role may, within its scope. */
static enum errc
gateway(struct peers *p, const struct request *req, struct actor *out, struct buf *text,
        struct err *e)
{
    p->is_heard = true;
    if (req->on_behalf_of.size > 0) {
        if (token(p, req->on_behalf_of, out, text, e)) return e->code;
        if (req->desc->id == MSG_SESSION_ATTACH) out->role = ROLE_GATEWAY;
        return E_OK;
    }
    if (req->desc->role != ROLE_GATEWAY && req->desc->id != MSG_PING) {
        return err_set(e, E_UNAUTHENTICATED, "%s takes a token", req->desc->op);
    }
    *out = (struct actor){.kind = "gateway", .id = view_str("gateway"), .role = ROLE_GATEWAY};
    return E_OK;
}

static bool
begins_with(struct view text, struct view prefix)
{
    return text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0;
}

static bool
is_of_sessions(const struct msg_desc *d)
{
    struct view op = view_str(d->op);

    return begins_with(op, view_str("session.")) || begins_with(op, view_str("timer.")) ||
           d->id == MSG_EFFECT_ACK || d->id == MSG_EFFECT_LIST;
}

/* Who may speak of some sessions only does not speak of anything else. */
static enum errc
check_scope(const struct actor *a, const struct request *req, struct err *e)
{
    struct view key = {0};

    if (req->desc->id == MSG_PING) return E_OK;
    if (is_of_sessions(req->desc) && !mp_find_str(req->body, "key", &key))
        (void)mp_find_str(req->body, "session", &key); /* else there is none */
    return engine_check_session(a, key, e);
}

enum errc
peers_judge(struct peers *p, const struct credentials *who, const struct request *req,
            struct actor *out, struct buf *text, struct err *e)
{
    bool is_gateway = p->gateway != 0 && who->pid == p->gateway && who->uid == p->gateway_uid;

    if (req->on_behalf_of.size > 0 && !is_gateway) {
        return err_set(e, E_DENIED, "on_behalf_of is the gateway's");
    }
    if (is_gateway ? gateway(p, req, out, text, e) : user(p, who, out, text, e)) return e->code;
    if (out->role < req->desc->role) {
        return err_set(e, E_DENIED, "%s takes the role %s, %s \"%.*s\" has %s", req->desc->op,
                       role_name(req->desc->role), out->kind, VIEW_ARG(out->id),
                       role_name(out->role));
    }
    return check_scope(out, req, e);
}
