/* timer_ops - requests that change timers. */
#ifndef ENGINE_TIMER_OPS_H
#define ENGINE_TIMER_OPS_H

#include "supervisor/engine/turn.h"

enum errc on_timer_set(struct engine *en, const struct actor *a, const struct msg_timer_set *m,
                       struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_timer_cancel(struct engine *en, const struct actor *a,
                          const struct msg_timer_cancel *m, struct buf *reply,
                          struct err *e) MUST_CHECK;

#endif
