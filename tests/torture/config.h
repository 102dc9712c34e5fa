/* config - the configuration of a run and the handlers that it names. */
#ifndef TESTS_TORTURE_CONFIG_H
#define TESTS_TORTURE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define STOPPED_MS 1200 /* how long a worker is stopped: well past its heartbeat time-out */

/* The schedules, in the order of the file. */
struct scheduled {
    const char *name;
    const char *when; /* of the config */
    int64_t     step_ms;
    bool        is_every; /* from its creation on, else multiples of the step */
    const char *handler;
};
extern const struct scheduled schedules[];
extern const unsigned         schedules_count;

/* Writes FOLDER/agentd.yaml, FOLDER/handler.sh, FOLDER/locks/.  False, with errno, when it cannot.
 */
bool config_write(const char *folder);

#endif
