#include "common/log.h"
#include "supervisor/engine/configure.h"
#include "supervisor/engine/configure_plan.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/schedule_ops.h"

#include <inttypes.h>

static const char *
text(struct engine *en, struct view v)
{
    return arena_printf(txn_arena(turn_txn(en)), "%.*s", VIEW_ARG(v));
}

void
plan_leave(struct engine *en, const struct step *s)
{
    struct memory *m = &en->memory;

    if (m->left_count < LEFT_MAX) m->left[m->left_count] = s->id;
    m->left_count++;
    if (s->kind == KIND_SCHEDULE) schedule_undeclared(en, s->id);
    turn_log(en, LOG_LEVEL_WARN, "left as it was, though gone from the configuration file",
             "kind=%s name=%s why=%s", object_kind_name(s->kind), log_quote(text(en, s->name)),
             log_quote(text(en, s->why)));
}

void
plan_bar(struct engine *en, const struct step *s)
{
    struct memory             *m = &en->memory;
    const struct object_entry *o = objects_get(&en->turn.objects, s->barred_by);
    bool                       goes = o && o->row.removing;

    if (o && o->row.kind == s->kind) { /* else it waits with its company, which is told */
        if (m->barred_count < LEFT_MAX) m->barred[m->barred_count] = s->barred_by;
        m->barred_count++;
    }
    m->config_waits |= goes;
    turn_log(en, goes ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "declared, and not made",
             "kind=%s name=%s why=%s", object_kind_name(s->kind), log_quote(text(en, s->name)),
             goes ? "\"what has its name is still being removed\""
                  : "\"there is one already that was made through the API\"");
}

/* ---- warnings ------------------------------------------------------------------- */

static void
warn_left(struct objects *o, const struct object_entry *left, struct buf *lines)
{
    buf_printf(lines,
               "%s %.*s is gone from the configuration file and stays while it is needed; "
               "reload when its work has ended\n",
               object_kind_name(left->row.kind), VIEW_ARG(objects_ref(o, left->row.id)));
}

static void
warn_barred(struct objects *o, const struct object_entry *bar, struct buf *lines)
{
    const char *kind = object_kind_name(bar->row.kind);
    struct view ref = objects_ref(o, bar->row.id);

    if (bar->row.removing) {
        buf_printf(lines,
                   "%s %.*s is declared in the configuration file and still being removed; it is "
                   "made anew when it is gone\n",
                   kind, VIEW_ARG(ref));
    } else if (bar->row.origin != ORIGIN_CONFIG) {
        buf_printf(lines,
                   "%s %.*s is declared in the configuration file, and the one made through the "
                   "API stands; take it out of the file, or `agentctl %s remove %.*s` and reload\n",
                   kind, VIEW_ARG(ref), kind, VIEW_ARG(ref));
    }
}

static void
warn_of(const uint32_t ids[LEFT_MAX], uint32_t count, struct objects *o, const struct actor *a,
        void (*warn)(struct objects *o, const struct object_entry *e, struct buf *lines),
        const char *more, struct buf *lines)
{
    uint32_t named = count < LEFT_MAX ? count : LEFT_MAX;

    for (uint32_t i = 0; i < named; i++) {
        const struct object_entry *e = objects_get(o, ids[i]);

        if (e && actor_sees(o->txn, a, registry_company(e))) warn(o, e, lines);
    }
    if (count > named && a->company.size == 0)
        buf_printf(lines, "%" PRIu32 " more objects %s\n", count - named, more);
}

void
configure_warn(const struct memory *m, struct objects *o, const struct actor *a, struct buf *lines)
{
    warn_of(m->left, m->left_count, o, a, warn_left,
            "are gone from the configuration file and stay", lines);
    warn_of(m->barred, m->barred_count, o, a, warn_barred,
            "are declared in the configuration file and not made", lines);
}
