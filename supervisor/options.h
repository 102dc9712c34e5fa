/* options - agentd's command line. */
#ifndef SUPERVISOR_OPTIONS_H
#define SUPERVISOR_OPTIONS_H

#include "supervisor/config/config.h"

#define SETS_MAX 256

enum option_act { ACT_RUN, ACT_CHECK, ACT_VERSION, ACT_HELP, ACT_USAGE, ACT_FORECAST };

struct options {
    enum option_act       act; /* ACT_USAGE: what is wrong has been said on standard error */
    bool                  is_daemonized;
    struct config_sources sources; /* borrows from argv, the environment and sets */
    const char           *sets[SETS_MAX];
};

void options_parse(struct options *o, int argc, char *const *argv);
void options_print_help(void);

#endif
