/* declared_sink - what a declared sink needs and must not have, by its kind. */
#ifndef CONFIG_DECLARED_SINK_H
#define CONFIG_DECLARED_SINK_H

#include "supervisor/config/config.h"
#include "supervisor/config/declared.h"

/* Its kind, the fields that belong to it, and their values. */
enum errc declared_check_sink(const struct declared_object *o, struct err *e) MUST_CHECK;
/* Its path, once the folders are known: no file of agentd's own, and one that is relative stays
 * below the state folder.  What links lead to is not looked at. */
enum errc declared_check_sink_path(const struct declared_object *o, const struct config *c,
                                   struct arena *a, struct err *e) MUST_CHECK;

#endif
