/* resolve - what an operator says of effects: what became of one that nobody knows of; that one is
 * sent again (D4, D5).
 *
 * Sent again are messages that failed, expired, were suppressed or refused: an operator's word goes
 * over the policy gates.  They take a new place at the end (N22), with all their attempts and all
 * their time.  One that was delivered is never sent again, one of unknown outcome only when it is
 * resolved. */
#ifndef ENGINE_RESOLVE_H
#define ENGINE_RESOLVE_H

#include "supervisor/engine/turn.h"

/* Delivered or failed, of one that is unknown: else E_WRONG_STATE. */
enum errc on_effect_resolve(struct engine *en, const struct actor *a,
                            const struct msg_effect_resolve *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
/* One, by its id, or those that a filter with a status names, in parts as in bulk.h.
 * E_WRONG_STATE for one that is on its way, delivered or unknown; one that is put off is released.
 */
enum errc on_effect_resend(struct engine *en, const struct actor *a,
                           const struct msg_effect_resend *m, struct buf *reply,
                           struct err *e) MUST_CHECK;

#endif
