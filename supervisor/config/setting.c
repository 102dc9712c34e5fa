#include "supervisor/config/setting.h"

#include "common/listen.h"
#include "common/mp.h"
#include "common/name.h"
#include "common/quiet.h"
#include "common/tzfile.h"
#include "supervisor/config/declared_check.h"
#include "supervisor/config/keys.h"
#include "supervisor/config/places.h"
#include "supervisor/config/value.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PACKED_LIST_MAX 4096 /* bytes, as in LIMITS_FIELDS */

// clang-format off
#define SETTING(section, key, type, member, text, low, high, when) \
    {section, key, SETTING_##type, SETTING_##when, offsetof(struct config, member), text, low, high},
// clang-format on

static const struct setting table[] = {SETTINGS(SETTING)};

static const char *const durabilities[] = {"full", "relaxed", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const none[] = {NULL};
static const char *const approvals[] = {"none", "schedules", "all", NULL};
static const char *const on_cooldowns[] = {"reject", "defer", NULL};
static const char *const on_failures[] = {"skip", "hold", NULL};
static const char *const truths[] = {"true", "false", NULL};

enum meaning { PLAIN, PATH, HANDLER, ZONE, HOURS, LISTEN, HOSTS, ORIGINS };

/* Texts that are one of a few words, and texts that mean something. */
static const struct special {
    const char        *section;
    const char        *key;
    const char *const *words; /* NULL: any text */
    enum meaning       meaning;
} specials[] = {
    {"daemon",   "durability",     durabilities, PLAIN  },
    {"log",      "level",          log_levels,   PLAIN  },
    {"limits",   "agent_approval", approvals,    PLAIN  },
    {"budgets",  "zone",           NULL,         ZONE   },
    {"sessions", "on_cooldown",    on_cooldowns, PLAIN  },
    {"sessions", "handler",        NULL,         HANDLER},
    {"sessions", "on_failure",     on_failures,  PLAIN  },
    {"sessions", "quiet_hours",    NULL,         HOURS  },
    {"sessions", "zone",           NULL,         ZONE   },
    {"daemon",   "state_dir",      NULL,         PATH   },
    {"daemon",   "run_dir",        NULL,         PATH   },
    {"daemon",   "pid_file",       NULL,         PATH   },
    {"gateway",  "listen",         NULL,         LISTEN },
    {"gateway",  "hosts",          NULL,         HOSTS  },
    {"gateway",  "origins",        NULL,         ORIGINS},
    {"gateway",  "page",           NULL,         PATH   },
};

const struct setting *
config_settings(size_t *count)
{
    *count = SETTINGS_COUNT;
    return table;
}

const struct setting *
setting_find(struct view section, struct view key)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (view_is(section, table[i].section) && view_is(key, table[i].key)) return &table[i];
    }
    return NULL;
}

static const struct special *
special_of(const struct setting *s)
{
    static const struct special plain = {0};

    for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
        if (view_is(view_str(s->section), specials[i].section) &&
            view_is(view_str(s->key), specials[i].key)) {
            return &specials[i];
        }
    }
    return &plain;
}

static const char *const *
words_of(const struct setting *s)
{
    return special_of(s)->words;
}

static bool
is_path(const struct setting *s)
{
    return special_of(s)->meaning == PATH;
}

/* ---- values ---------------------------------------------------------------- */

static struct value_range
range_of(const struct setting *s)
{
    struct value_range r = {.low = s->low, .high = s->high};

    if (s->type == SETTING_DURATION || s->type == SETTING_LASTING) r.kind = VALUE_DURATION;
    if (s->type == SETTING_BYTES) r.kind = VALUE_BYTES;
    r.is_nullable = s->type == SETTING_LIMIT || s->type == SETTING_LASTING;
    return r;
}

static const char *const allowed_meanings[] = {
    [HANDLER] = "a declared handler",
    [ZONE] = "a time zone of the system's, like Europe/Berlin, or UTC",
    [HOURS] = QUIET_ALLOWED,
    [LISTEN] = LISTEN_ALLOWED,
    [HOSTS] = LISTEN_HOSTS_ALLOWED,
    [ORIGINS] = LISTEN_ORIGINS_ALLOWED,
};

const char *
setting_allowed(const struct setting *s, char *out)
{
    struct value_range r = range_of(s);
    int                len = 0;

    switch (s->type) {
    case SETTING_NUMBER:
    case SETTING_LIMIT:
    case SETTING_DURATION:
    case SETTING_LASTING:
    case SETTING_BYTES: return value_allowed(&r, out);
    case SETTING_BOOL: return words_text(truths, out, SETTING_ALLOWED_MAX);
    case SETTING_TEXT:
    case SETTING_STRING:
        if (words_of(s)) return words_text(words_of(s), out, SETTING_ALLOWED_MAX);
        if (allowed_meanings[special_of(s)->meaning])
            return strcpy(out, allowed_meanings[special_of(s)->meaning]); /* fits */
        len =
            snprintf(out, SETTING_ALLOWED_MAX, "a %s of %d to %d bytes, without control characters",
                     is_path(s) ? "path" : "text", (int)s->low, (int)s->high);
        break;
    case SETTING_LADDER:
        len = snprintf(out, SETTING_ALLOWED_MAX, "%d to %d durations like 2m,10m", (int)s->low,
                       (int)s->high);
        break;
    case SETTING_NAMES:
        len = snprintf(out, SETTING_ALLOWED_MAX,
                       "up to %d names of declared sinks like a,b, each once", (int)s->high);
        break;
    }
    assert(len > 0 && len < SETTING_ALLOWED_MAX);
    return out;
}

void *
setting_member(struct config *c, const struct setting *s)
{
    return (char *)c + s->offset;
}

static void
store_integer(const struct setting_target *t, const struct setting *s, int64_t v)
{
    memcpy(setting_member(t->config, s), &v, sizeof(v)); /* U64 members too: none is negative */
}

static bool
is_clean(struct view text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) return false;
    }
    return utf8_is_valid(text);
}

/* An empty text means nothing; a setting's size tells whether it may be one. */
static bool
has_meaning(const struct setting_target *t, const struct setting *s, struct view text)
{
    struct quiet hours;
    struct view  address;
    int          port;
    struct err   e;

    if (text.size == 0) return true;
    switch (special_of(s)->meaning) {
    case PLAIN:
    case PATH: break;
    case HANDLER: return declared_has_handler(t->declared, text);
    case ZONE: return tzfile_has(text);
    case HOURS: return quiet_parse(text, &hours, &e) == E_OK;
    case LISTEN: return listen_parse(text, &address, &port, &e) == E_OK && port > 0;
    case HOSTS: return listen_are_hosts(text);
    case ORIGINS: return listen_are_origins(text);
    }
    return true;
}

static bool
store_text(const struct setting_target *t, const struct setting *s, struct view text,
           const char *folder)
{
    struct arena *a = &t->config->arena;

    if (!is_clean(text) || (words_of(s) && !view_is_any(text, words_of(s)))) return false;
    if (!has_meaning(t, s, text)) return false;
    if (is_path(s) && text.size > 0) text = view_str(path_from(a, folder, text));
    if ((int64_t)text.size < s->low || (int64_t)text.size > s->high) return false;
    const char *copy = arena_printf(a, "%.*s", VIEW_ARG(text));
    struct view kept = view_str(copy);
    if (s->type == SETTING_STRING) {
        memcpy(setting_member(t->config, s), &kept, sizeof(kept));
    } else {
        memcpy(setting_member(t->config, s), &copy, sizeof(copy));
    }
    return true;
}

static bool
store_bool(const struct setting_target *t, const struct setting *s, struct view text)
{
    bool is_true = view_is(text, "true");

    if (!is_true && !view_is(text, "false")) return false;
    memcpy(setting_member(t->config, s), &is_true, sizeof(is_true));
    return true;
}

static void
store_list(const struct setting_target *t, const struct setting *s, const struct buf *packed)
{
    struct view v = arena_copy(&t->config->arena, buf_view(packed));

    memcpy(setting_member(t->config, s), &v, sizeof(v));
}

/* A ladder's step or a sink's name. */
static bool
pack_item(const struct setting_target *t, const struct setting *s, struct view item,
          struct buf *out)
{
    int64_t ms;

    if (s->type == SETTING_LADDER) {
        if (!value_parse(&LADDER_STEP, item, &ms)) return false;
        mp_i64(out, ms);
    } else {
        if (!declared_has_sink(t->declared, item)) return false;
        mp_str(out, item);
    }
    return true;
}

static bool
has_name(struct view packed, struct view name)
{
    struct mp_reader r = mp_reader_of(packed);
    struct view      other;

    while (mp_read_str(&r, &other)) {
        if (view_eq(other, name)) return true;
    }
    return false;
}

/* "a,b,c"; an empty text is an empty list.  Packed as from a file. */
static bool
store_listed(const struct setting_target *t, const struct setting *s, struct view text)
{
    BUF_AUTO struct buf items = {0};
    BUF_AUTO struct buf packed = {0};
    uint32_t            count = 0;

    for (bool is_last = text.size == 0; !is_last; count++) {
        const char *comma = memchr(text.data, ',', text.size);
        struct view item = view_of(text.data, comma ? (size_t)(comma - text.data) : text.size);

        if (s->type == SETTING_NAMES && has_name(buf_view(&items), item)) return false;
        if (!pack_item(t, s, item, &items)) return false;
        is_last = !comma;
        if (comma) text = view_of(comma + 1, text.size - item.size - 1);
    }
    mp_array(&packed, count);
    buf_add_view(&packed, buf_view(&items));
    if (count < s->low || count > s->high || packed.size > PACKED_LIST_MAX) return false;
    store_list(t, s, &packed);
    return true;
}

bool
setting_store(const struct setting_target *t, const struct setting *s, struct view text,
              const char *folder)
{
    struct value_range r = range_of(s);
    int64_t            v;

    switch (s->type) {
    case SETTING_NUMBER:
    case SETTING_LIMIT:
    case SETTING_DURATION:
    case SETTING_LASTING:
    case SETTING_BYTES:
        if (!value_parse(&r, text, &v)) return false;
        store_integer(t, s, v);
        return true;
    case SETTING_BOOL: return store_bool(t, s, text);
    case SETTING_STRING:
    case SETTING_TEXT: return store_text(t, s, text, folder);
    case SETTING_LADDER:
    case SETTING_NAMES: return store_listed(t, s, text);
    }
    return false;
}

/* ---- from the file --------------------------------------------------------- */

static enum errc
read_names(const struct setting_target *t, const struct setting *s, const struct yaml *n,
           struct err *e)
{
    BUF_AUTO struct buf packed = {0};

    if (n->type != YAML_LIST || n->count > s->high) {
        return yaml_refuse_found(n, e, "allowed: a list of up to %d names", (int)s->high);
    }
    mp_array(&packed, n->count);
    for (const struct yaml *item = n->first; item; item = item->next) {
        if (item->type != YAML_STRING || !pack_item(t, s, item->text, &packed)) {
            return yaml_refuse_found(item, e, "no such sink is declared");
        }
        if (yaml_is_repeated(item)) return yaml_refuse_found(item, e, "the sink is named twice");
    }
    if (packed.size > PACKED_LIST_MAX) {
        return yaml_refuse(n, e, "over %d bytes of names", PACKED_LIST_MAX);
    }
    store_list(t, s, &packed);
    return E_OK;
}

static enum errc
read_text(const struct setting_target *t, const struct setting *s, const struct yaml *n,
          const char *folder, struct err *e)
{
    char allowed[SETTING_ALLOWED_MAX];

    if (words_of(s) && word_check(n, words_of(s), none, e)) return e->code;
    if (n->type == YAML_STRING && store_text(t, s, n->text, folder)) return E_OK;
    return yaml_refuse_found(n, e, "allowed: %s", setting_allowed(s, allowed));
}

static enum errc
read_bool(const struct setting_target *t, const struct setting *s, const struct yaml *n,
          struct err *e)
{
    char        allowed[SETTING_ALLOWED_MAX];
    struct view text = view_str(n->text.size && (n->text.data[0] | 0x20) == 't' ? "true" : "false");

    if (n->type == YAML_BOOL && store_bool(t, s, text)) return E_OK;
    return yaml_refuse_found(n, e, "allowed: %s", setting_allowed(s, allowed));
}

enum errc
setting_read(const struct setting_target *t, const struct setting *s, const struct yaml *n,
             const char *folder, struct err *e)
{
    BUF_AUTO struct buf packed = {0};
    struct value_range  r = range_of(s);
    int64_t             v;

    switch (s->type) {
    case SETTING_NUMBER:
    case SETTING_LIMIT:
    case SETTING_DURATION:
    case SETTING_LASTING:
    case SETTING_BYTES:
        if (value_read(&r, n, &v, e)) return e->code;
        store_integer(t, s, v);
        return E_OK;
    case SETTING_BOOL: return read_bool(t, s, n, e);
    case SETTING_STRING:
    case SETTING_TEXT: return read_text(t, s, n, folder, e);
    case SETTING_LADDER:
        if (value_read_ladder(n, &packed, e)) return e->code;
        store_list(t, s, &packed);
        return E_OK;
    case SETTING_NAMES: return read_names(t, s, n, e);
    }
    return E_OK;
}
