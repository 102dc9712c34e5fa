/* items - what stands in the map of an answer, when it is taken as it comes. */
#ifndef TESTS_ITEMS_H
#define TESTS_ITEMS_H

#include "common/mp.h"

/* 0 when there is none. */
static inline int64_t
number_of(struct view map, const char *key)
{
    int64_t n = 0;

    return mp_find_i64(map, key, &n) ? n : 0;
}

/* Empty when there is none. */
static inline struct view
text_of(struct view map, const char *key)
{
    struct view v = {0};

    return mp_find_str(map, key, &v) ? v : (struct view){0};
}

#endif
