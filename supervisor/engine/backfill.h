/* backfill - the nominal times of a past range that have not fired are fired after all (C5, C10).
 *
 * Each makes its firing and its row, as if it had been decided so; a row that says missed or
 * suppressed becomes that of the firing, and one that stands for several times loses that one.  The
 * jobs meet the same limits as others: but for overlap allow, they run one after the other. */
#ifndef ENGINE_BACKFILL_H
#define ENGINE_BACKFILL_H

#include "supervisor/engine/turn.h"

#define BACKFILL_MAX 1000 /* firings of one request, and of all in one turn */

enum errc on_schedule_backfill(struct engine *en, const struct actor *a,
                               const struct msg_schedule_backfill *m, struct buf *reply,
                               struct err *e) MUST_CHECK;

#endif
