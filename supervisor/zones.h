/* zones - the system's time zones as inputs of the engine (N10): the files of those that a
 * configuration or a request names. */
#ifndef SUPERVISOR_ZONES_H
#define SUPERVISOR_ZONES_H

#include "supervisor/inputs.h"

/* At a start and a reload: the zones that the store knows, whose files may have changed. */
enum errc zones_push_known(struct inputs *q, struct store *store, struct err *e) MUST_CHECK;
/* Before an INPUT_CONFIG with this body: the zones of its limits and objects. */
void zones_push_config(struct inputs *q, struct view engine_config);
/* Before an INPUT_REQUEST with this op and body. */
void zones_push_request(struct inputs *q, enum msg_id op, struct view body);

#endif
