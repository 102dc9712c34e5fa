/* daemon_case - what a test of agentd begins and ends with: a folder, in which it starts agentd
 * itself, and a client. */
#ifndef TESTS_DAEMON_CASE_H
#define TESTS_DAEMON_CASE_H

#include "tests/system/daemon.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct daemon d;
static struct client c;

static inline int
make(void **state)
{
    (void)state;
    daemon_make(&d);
    return 0;
}

static inline int
clear(void **state)
{
    (void)state;
    daemon_remove(&d);
    (void)unsetenv("AGENTD_WORKER"); /* what stood in for them */
    (void)unsetenv("AGENTD_DELIVERY");
    (void)unsetenv("AGENTD_GATEWAY");
    return 0;
}

static inline void
stop_and_leave(void)
{
    client_close(&c);
    daemon_stop(&d);
}

#endif
