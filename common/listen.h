/* listen - where a server listens, as a text: ADDRESS:PORT or [ADDRESS]:PORT. */
#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

#include "common/err.h"
#include "common/mem.h"

#define LISTEN_ALLOWED "ADDRESS:PORT, like 127.0.0.1:8377 or [::1]:8377"

/* The address without brackets, borrowed from text, and the port, 0 to 65535.  E_BAD_REQUEST says
 * what is allowed. */
enum errc listen_parse(struct view text, struct view *address, int *port, struct err *e) MUST_CHECK;

#endif
