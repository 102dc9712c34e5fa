/* tokens - who may speak to the gateway: a name, a role and a scope for whoever shows a secret of
 * which the store has the hash (I1). */
#ifndef ENGINE_TOKENS_H
#define ENGINE_TOKENS_H

#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

/* Only the token's SHA-256 comes here.  E_CONFLICT when the name or the hash is there. */
enum errc on_token_add(struct engine *en, const struct actor *a, const struct msg_token_add *m,
                       struct buf *reply, struct err *e) MUST_CHECK;
/* From this turn on it is unknown.  E_NOT_FOUND. */
enum errc on_token_revoke(struct engine *en, const struct actor *a,
                          const struct msg_token_revoke *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
/* Without hashes. */
enum errc read_token_list(struct reading *r, const struct msg_token_list *m) MUST_CHECK;

/* A company goes, and with it its tokens. */
void tokens_forget_company(struct engine *en, uint32_t company);

#endif
