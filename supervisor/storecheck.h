/* storecheck - a store that may be what crashes us is walked by a child first (N12). */
#ifndef SUPERVISOR_STORECHECK_H
#define SUPERVISOR_STORECHECK_H

#include "common/err.h"
#include "supervisor/store/store.h"

#define STARTS_BEFORE_CHECK 3 /* that never reached ready */

/* Opens and walks the store in a child, while nobody else has it open.  E_DAMAGED with advice when
 * the child dies of it; problems that it finds are logged and no failure. */
enum errc storecheck_in_child(const struct store_options *options, struct err *e) MUST_CHECK;

#endif
