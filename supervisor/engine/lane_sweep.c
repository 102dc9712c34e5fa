#include "supervisor/engine/lanes.h"

#define SWEEP_MAX 1000 /* lanes that a turn looks at */

static bool
is_there(struct engine *en, uint32_t object)
{
    return object == 0 || objects_get(&en->turn.objects, object) != NULL;
}

static bool
is_of_use(struct engine *en, const struct lane *l)
{
    return l->head != 0 || (is_there(en, l->company) && is_there(en, l->agent) &&
                            is_there(en, l->handler) && is_there(en, l->schedule));
}

void
lanes_sweep_begin(struct engine *en)
{
    en->memory.is_sweeping = true;
    en->memory.sweep_at = 0;
}

void
lanes_sweep(struct engine *en)
{
    struct memory *m = &en->memory;
    struct lane    row = {.id = m->sweep_at};
    struct scan    s;

    if (!m->is_sweeping) return;
    scan_open(&s, turn_txn(en), PRIMARY_LANE, &row, 0, 1);
    for (uint32_t n = 0; n < SWEEP_MAX && m->is_sweeping; n++) {
        struct lane_turn *l;

        m->is_sweeping = scan_next(&s, &row);
        if (!m->is_sweeping || is_of_use(en, &row)) continue;
        l = lane_get(en, row.id);
        if (l) l->is_gone = true;
    }
    scan_close(&s);
    m->sweep_at = row.id + 1;
}
