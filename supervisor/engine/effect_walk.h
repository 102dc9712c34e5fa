/* effect_walk - effects by filter, in the order of their ids, over the index that fits it best; and
 * their listings. */
#ifndef ENGINE_EFFECT_WALK_H
#define ENGINE_EFFECT_WALK_H

#include "supervisor/engine/page.h"

struct effect_filter {
    enum effect_status status; /* STATUS_NONE: any */
    enum effect_kind   kind;   /* EFFECT_NONE: any */
    uint32_t           company, session;
    uint64_t           after; /* ids up to this one are passed over */
};

/* E_BAD_REQUEST, E_NOT_FOUND of what it names. */
enum errc effect_filter_parse(struct reading *r, const struct msg_effect_list *m,
                              struct effect_filter *f) MUST_CHECK;
/* Begins a walk by the index that fits best, the oldest first. */
void effect_walk(struct reading *r, struct page *p, const struct effect_filter *f);
/* The next one that fits into *row, with the page's cursor at it; false as page_next(). */
bool effect_walk_next(struct page *p, const struct effect_filter *f, struct effect *row);

enum errc read_effect_show(struct reading *r, const struct msg_effect_show *m) MUST_CHECK;
enum errc read_effect_list(struct reading *r, const struct msg_effect_list *m) MUST_CHECK;

#endif
