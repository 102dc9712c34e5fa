/* agent_rig - runs the agents of etc/agents as a worker does.  Every line that they write must be
 * protocol. */
#ifndef TESTS_UNIT_AGENT_RIG_H
#define TESTS_UNIT_AGENT_RIG_H

#include "common/buf.h"

struct agent_rig {
    char       folder[64];
    char       path_variable[128]; /* with the folder before the system's */
    char       variables[4][256];  /* set by a test, in use up to the first empty one */
    int        status;             /* of the last run */
    struct buf out, err;
    /* Of the last run's lines. */
    unsigned   turns, results, checkpoints;
    bool       notify;
    struct buf message;    /* of the result, as it is */
    struct buf output;     /* of the result, as JSON */
    struct buf metadata;   /* likewise */
    struct buf checkpoint; /* the last one's data, as JSON; kept over runs */
};

/* cmocka's setup and teardown. */
int agent_rig_new(void **state);
int agent_rig_end(void **state);

/* A path below the rig's folder; the caller frees. */
char *agent_rig_path(const struct agent_rig *r, const char *name);
/* mode: of fopen. */
void agent_rig_write(const struct agent_rig *r, const char *name, const char *mode,
                     struct view text);
void agent_rig_set_variable(struct agent_rig *r, size_t index, const char *name, const char *value);

/* Runs a script with the rig's file `stdin` as it is; fills status, out and err. */
void agent_rig_run_script(struct agent_rig *r, const char *script);
/* With a document as agentd makes it: it has the last checkpoint, and the payload comes last. Takes
 * the lines. */
void agent_rig_run(struct agent_rig *r, const char *script, const char *payload);
/* The job completes, with one verdict. */
void agent_rig_must_complete(struct agent_rig *r, const char *script);
/* The job fails, and standard error says why. */
void agent_rig_expect_failure(struct agent_rig *r, const char *script, const char *says);

#endif
