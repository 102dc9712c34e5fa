/* tenant_world - two companies with an agent each that can act, for the tests of who may ask what.
 */
#ifndef TESTS_TENANT_WORLD_H
#define TESTS_TENANT_WORLD_H

#include "tests/unit/engine_rig.h"

static inline void
declare(struct rig *r)
{
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'},{'name':'beta'}",
                         .agents = "{'name':'anna','company':'acme','handler':'noop'},"
                                   "{'name':'bert','company':'beta','handler':'noop'},"
                                   "{'name':'mute','company':'acme'}",
                         .sinks = "{'name':'file','kind':'file','path':'f'}",
                     });
}

#endif
