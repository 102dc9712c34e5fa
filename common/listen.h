/* listen - where a server listens, as a text: IPV4:PORT or [IPV6]:PORT.  Names are none: what one
 * resolves to may change, and an interface's may be of any network. */
#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

#include "common/err.h"
#include "common/mem.h"

#define LISTEN_ALLOWED "ADDRESS:PORT, like 127.0.0.1:8377 or [::1]:8377"

/* The address without brackets, borrowed from text, and the port, 0 to 65535.  E_BAD_REQUEST says
 * what is allowed. */
enum errc listen_parse(struct view text, struct view *address, int *port, struct err *e) MUST_CHECK;

/* Listens there and lets go at once: what was in the way, with a hint at what to change. */
enum errc listen_try(const char *address, int port, struct err *e) MUST_CHECK;

#endif
