/* suggest - "did you mean …?" for a word that was not understood. */
#ifndef COMMON_SUGGEST_H
#define COMMON_SUGGEST_H

#include "common/err.h"
#include "common/mem.h"

#define SUGGEST_WORD_MAX 64 /* longer words have no neighbours */

struct suggest {
    struct view word; /* borrowed */
    size_t      distance;
    char        best[SUGGEST_WORD_MAX + 1]; /* the nearest word offered so far; "": none is near */
};

struct suggest suggest_for(struct view word);
/* Keeps `known` when it is at most two edits away and nearer than what was offered before. */
void suggest_offer(struct suggest *s, struct view known);
/* Adds the hint to *e when there is a word to suggest.  Returns e->code. */
enum errc suggest_hint(const struct suggest *s, struct err *e);

#endif
