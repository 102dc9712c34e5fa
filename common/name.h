/* name - what may be an object's name. */
#ifndef COMMON_NAME_H
#define COMMON_NAME_H

#include "common/err.h"
#include "common/mem.h"
#include <stdbool.h>

#define NAME_MAX_BYTES 64

/* 1 to 64 bytes of [a-z0-9._-], beginning with a letter or digit (N34). */
bool name_is_valid(struct view v);
/* "company/name" or bare "name" (then company is left empty).  E_BAD_REQUEST of `field`. */
enum errc name_split(struct view text, const char *field, struct view *company, struct view *name,
                     struct err *e) MUST_CHECK;

#endif
