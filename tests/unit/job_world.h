/* job_world - two companies, two agents and two handlers, for the tests of single jobs. */
#ifndef TESTS_JOB_WORLD_H
#define TESTS_JOB_WORLD_H

#include "tests/unit/engine_rig.h"

static inline void
declare(struct rig *r)
{
    rig_configure(r,
                  &(struct rig_declared){
                      .companies = "{'name':'acme'},{'name':'low','priority_max':30}",
                      .agents = "{'name':'anna','company':'acme','handler':'slow'},{'name':'bare'}",
                      .handlers = "{'name':'slow','kind':'exec','command':['x'],'max_run_ms':5000,"
                                  "'max_turns':40,'max_attempts':2,'retry':[1000]},"
                                  "{'name':'plain','kind':'exec','command':['x']}",
                  });
}

#endif
