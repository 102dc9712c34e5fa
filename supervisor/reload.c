#include "supervisor/reload.h"

#include "common/mp.h"
#include "supervisor/config/warnings.h"
#include "supervisor/zones.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

void
reload_init(struct reload *r, const struct config_sources *sources, const struct config *first,
            void (*apply)(const struct config *c, struct buf *warnings, void *arg), void *arg)
{
    *r = (struct reload){.sources = sources, .first = first, .apply = apply, .arg = arg};
}

void
reload_done(struct reload *r)
{
    if (r->is_pending) config_done(&r->next);
    if (r->has_current) config_done(&r->current);
    buf_done(&r->warnings);
}

const struct config *
reload_current(const struct reload *r)
{
    return r->has_current ? &r->current : r->first;
}

enum errc
reload_begin(struct reload *r, bool is_dry_run, uint64_t tag, struct inputs *q, struct err *e)
{
    if (r->is_pending) return err_set(e, E_BUSY, "a reload is under way");
    buf_clear(&r->warnings);
    if (config_load(r->sources, &r->next, &r->warnings, e)) return e->code;
    const struct input in = {
        .kind = INPUT_CONFIG,
        .client = tag,
        .actor = {.kind = "daemon", .id = view_str("reload"), .role = ROLE_ADMIN},
        .body = buf_view(&r->next.engine_config),
        .dry_run = is_dry_run
    };
    zones_push_config(q, in.body);
    inputs_push(q, &in);
    r->is_pending = true;
    r->is_dry_run = is_dry_run;
    return E_OK;
}

void
reload_again(struct reload *r, uint64_t tag, struct inputs *q)
{
    const struct input in = {
        .kind = INPUT_CONFIG,
        .client = tag,
        .actor = {.kind = "daemon", .id = view_str("start"), .role = ROLE_ADMIN},
        .body = buf_view(&reload_current(r)->engine_config),
        .again = true
    };

    if (r->is_pending || r->was_again) return;
    inputs_push(q, &in);
    r->was_again = true;
}

void
reload_refused(struct reload *r)
{
    assert(r->is_pending);
    config_done(&r->next);
    r->is_pending = false;
}

/* ---- what changed -------------------------------------------------------------------------- */

static const void *
member(const struct config *c, const struct setting *s)
{
    return (const char *)c + s->offset;
}

static bool
is_equal(const struct setting *s, const struct config *a, const struct config *b)
{
    const void *x = member(a, s);
    const void *y = member(b, s);

    switch (s->type) {
    case SETTING_TEXT: return strcmp(*(const char *const *)x, *(const char *const *)y) == 0;
    case SETTING_BOOL: return *(const bool *)x == *(const bool *)y;
    case SETTING_STRING:
    case SETTING_LADDER:
    case SETTING_NAMES: return view_eq(*(const struct view *)x, *(const struct view *)y);
    case SETTING_NUMBER:
    case SETTING_LIMIT:
    case SETTING_DURATION:
    case SETTING_LASTING:
    case SETTING_BYTES: return *(const int64_t *)x == *(const int64_t *)y;
    }
    return false;
}

static void
put_value(struct buf *out, struct mp_open_map *map, const char *key, const struct setting *s,
          const struct config *c)
{
    const void *v = member(c, s);

    switch (s->type) {
    case SETTING_TEXT: mp_put_cstr(out, map, key, *(const char *const *)v); break;
    case SETTING_BOOL: mp_put_bool(out, map, key, *(const bool *)v); break;
    case SETTING_STRING: mp_put_str(out, map, key, *(const struct view *)v); break;
    case SETTING_LADDER:
    case SETTING_NAMES: mp_put_raw(out, map, key, *(const struct view *)v); break;
    case SETTING_LIMIT:
    case SETTING_LASTING:
        if (*(const int64_t *)v == NO_LIMIT) {
            mp_put_nil(out, map, key);
            break;
        }
        mp_put_i64(out, map, key, *(const int64_t *)v);
        break;
    case SETTING_NUMBER:
    case SETTING_DURATION:
    case SETTING_BYTES: mp_put_i64(out, map, key, *(const int64_t *)v); break;
    }
}

/* What only a new start applies is compared with what the start had. */
static void
put_settings(const struct reload *r, struct buf *out, struct mp_open_map *map)
{
    size_t                count;
    const struct setting *settings = config_settings(&count);
    uint32_t              changed = 0;

    mp_key(out, map, "settings");
    size_t header = mp_array_open(out);
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &settings[i];
        bool                  takes_start = s->when == SETTING_RESTART;
        const struct config  *old = takes_start ? r->first : reload_current(r);
        char                  name[64];

        if (is_equal(s, old, &r->next)) continue;
        (void)snprintf(name, sizeof(name), "%s.%s", s->section, s->key); /* fits */
        struct mp_open_map m = mp_open(out);
        mp_put_cstr(out, &m, "setting", name);
        put_value(out, &m, "from", s, old);
        put_value(out, &m, "to", s, &r->next);
        mp_put_bool(out, &m, "needs_restart", takes_start);
        mp_close(out, &m);
        changed++;
    }
    mp_array_close(out, header, changed);
}

void
reload_taken(struct reload *r, struct view engine_reply, struct buf *reply)
{
    struct mp_open_map map = mp_open(reply);
    struct view        plan = {0};

    assert(r->is_pending);
    (void)mp_find(engine_reply, "plan", &plan); /* absent: nil */
    mp_put_bool(reply, &map, "applied", !r->is_dry_run);
    mp_put_raw(reply, &map, "plan", plan);
    put_settings(r, reply, &map);
    r->is_pending = false;
    if (r->is_dry_run) {
        config_done(&r->next);
    } else {
        if (r->has_current) config_done(&r->current);
        r->current = r->next;
        r->has_current = true;
        r->was_again = false;
        r->apply(&r->current, &r->warnings, r->arg);
    }
    mp_key(reply, &map, "warnings");
    warnings_pack(buf_view(&r->warnings), reply);
    mp_close(reply, &map);
}
