/* model_registry - what requests make of companies, agents and profiles (B1), told a second time.
 */
#ifndef SIM_MODEL_REGISTRY_H
#define SIM_MODEL_REGISTRY_H

#include "tools/sim/model.h"

/* `declared` is what the request gives: of add, set and the object alike. */
enum errc m_registry_add(struct model *m, const struct input *in, enum object_kind kind,
                         const union msg *declared, const struct output *reply);
enum errc m_registry_set(struct model *m, const struct input *in, enum object_kind kind,
                         const union msg *declared, const struct output *reply);
/* What a declaration becomes by a request that gives some of its fields and clears others;
 * `dropped`, one that goes as well, or NULL.  E_BAD_REQUEST: it changes nothing, or clears what it
 * may not. */
enum errc m_registry_change(struct view old, struct view given, struct view clear,
                            const char *dropped, struct buf *out);
enum errc m_registry_remove(struct model *m, const struct input *in, enum object_kind kind,
                            struct view name, bool cascade, const struct output *reply);

#endif
