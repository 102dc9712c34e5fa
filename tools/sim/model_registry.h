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
enum errc m_registry_remove(struct model *m, const struct input *in, enum object_kind kind,
                            struct view name, bool cascade, const struct output *reply);

#endif
