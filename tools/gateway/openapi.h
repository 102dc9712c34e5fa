/* openapi - the description of the interface (OpenAPI 3), made from the table of routes and the
 * descriptors of the messages. */
#ifndef TOOLS_GATEWAY_OPENAPI_H
#define TOOLS_GATEWAY_OPENAPI_H

#include "common/buf.h"

/* Appends it as JSON. */
void openapi_text(struct buf *out);

#endif
