/* declared_gate - the rules of a schedule's gate (C5), as far as the file shows them. */
#ifndef CONFIG_DECLARED_GATE_H
#define CONFIG_DECLARED_GATE_H

#include "supervisor/config/declared.h"

/* One test, of what is declared, and no cycle.  o: a schedule; handler: what it runs, as a REF. */
enum errc declared_check_gate(const struct declared *d, const struct declared_object *o,
                              struct view handler, struct err *e) MUST_CHECK;

#endif
