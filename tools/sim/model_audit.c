/* What a force goes over is told: each leaves a row of its own in the audit (C10). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

void
m_compare_audit(struct model *m)
{
    struct audit row = {.id = m->last_audit + 1};
    struct scan  s;
    uint32_t     bypasses = 0;

    scan_open(&s, m->txn, PRIMARY_AUDIT, &row, 0, 1);
    while (scan_next(&s, &row)) {
        bypasses += view_is(row.action, "manual_force_bypass");
        m->last_audit = row.id;
    }
    scan_close(&s);
    claim(bypasses == m->bypasses,
          "%" PRIu32 " rows of the audit tell of a force, expected %" PRIu32, bypasses,
          m->bypasses);
}
