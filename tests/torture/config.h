/* config - the configuration of a run and the handlers that it names. */
#ifndef TESTS_TORTURE_CONFIG_H
#define TESTS_TORTURE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define STOPPED_MS 1200 /* how long a worker is stopped: well past its heartbeat time-out */

#define NARROW_MAX   6 /* jobs of the company narrow that have not started */
#define SLOTS        4 /* of each worker */
#define COMPANY_CAP  8 /* jobs that run at once … */
#define AGENT_CAP    2
#define SCHEDULE_CAP 4

#define PUT_OFF_MS 400 /* firings, again and again, while somebody is streamed to */

/* The sink that may not get a message twice. */
#define SHOUT          "shout"
#define SHOUT_ATTEMPTS 2

/* Its provider refuses now and then. */
#define LIMITED "limited"

/* The agent of acme whose wake-ups of another wait for a person's word; the one that is removed,
 * with all that waits for it, again and again. */
#define ASKER "asker"
#define BRIEF "brief"

/* The company thrift: what its jobs may use on a day at first, how much more each time that it is
 * raised, and what each of its jobs may use at most. */
#define THRIFT       "thrift"
#define THRIFT_TURNS 60
#define THRIFT_RAISE 40
#define THRIFT_QUEUE 12
#define SPEND_TURNS  8

/* The sinks of kind http: what has come to the first may not come twice; to the second it may. */
#define HOOK "hook"
#define POST "post"

/* How many jobs of the agent acme/busy may run at once after so many changes. */
int busy_cap(unsigned changes);

/* A schedule that never fires: each reload changes it, which the feed tells. */
#define RELOADED "reloaded"

/* How many jobs of the company beta may run at once after so many reloads. */
int beta_cap(unsigned changes);

/* Where it leads to from the configuration. */
struct ports {
    int web; /* the web server's */
    int gateway;
};

/* Writes FOLDER/agentd.yaml, FOLDER/handler.sh, FOLDER/locks/, FOLDER/mended/.  False, with errno,
 * when it cannot.
 */
bool config_write(const char *folder, const struct ports *p);
/* Puts another FOLDER/agentd.yaml in its place, as it is after so many changes. */
bool config_change(const char *folder, const struct ports *p, unsigned changes);

#endif
