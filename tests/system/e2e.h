/* e2e - what tests from outside begin and end with: the real agentd in a folder of its own, and
 * agentctl on its run folder.
 *
 *     static int
 *     start(void **state)
 *     {
 *         (void)state;
 *         e2e_make();
 *         script_write(&d, "held", HELD);
 *         return e2e_start(CONFIG);
 *     }
 *
 *     cmocka_unit_test_setup_teardown(a_fact, start, e2e_stop) */
#ifndef TESTS_E2E_H
#define TESTS_E2E_H

#include "tests/system/ctl.h"
#include "tests/system/marks.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Those of the test that runs. */
extern struct daemon d;
extern struct ctl    c;
extern int           gate; /* of the name "gate"; open it with gate_pass() */

/* The folder, which handlers find in $DIR, with the gate; agentctl. */
void e2e_make(void);
/* Starts agentd with this configuration file; NULL: with that which was written, or none.
 * 0, for cmocka. */
int e2e_start(const char *config);
/* A TCP port that is free now; nobody is expected to take it before the gateway does. */
int e2e_free_port(void);
/* All of it with a gateway and sessions whose events the script processes: where it listens, and
 * the secret of a token that is made with these options.  Clients find agentctl in $AGENTCTL. */
struct e2e_gateway {
    int  port;
    char token[64];
};
void e2e_start_gateway(struct e2e_gateway *g, const char *script, const char *token);
/* Stops agentd if it runs, and leaves nothing of all that. */
int e2e_stop(void **state);

#endif
