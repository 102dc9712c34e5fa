/* declared_sink - what a declared sink needs and must not have, by its kind. */
#ifndef CONFIG_DECLARED_SINK_H
#define CONFIG_DECLARED_SINK_H

#include "supervisor/config/declared.h"

/* Its kind, the fields that belong to it, and their values. */
enum errc declared_check_sink(const struct declared_object *o, struct err *e) MUST_CHECK;

#endif
