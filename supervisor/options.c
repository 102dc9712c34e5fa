#include "supervisor/options.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

enum { OPT_STATE = 256, OPT_RUN, OPT_SET, OPT_CHECK, OPT_DAEMONIZE, OPT_VERSION, OPT_FORECAST };

static const struct option long_options[] = {
    {"config",           required_argument, NULL, 'c'},
    {"state",              required_argument, NULL, OPT_STATE},
    {"run",                  required_argument, NULL, OPT_RUN},
    {"set",required_argument, NULL, OPT_SET},
    {"check",         no_argument, NULL, OPT_CHECK},
    {"daemonize",              no_argument, NULL, OPT_DAEMONIZE},
    {"version",              no_argument, NULL, OPT_VERSION},
    {"forecast",                  no_argument, NULL, OPT_FORECAST}, /* not for people: forecaster.h */
    {"help",              no_argument, NULL, 'h'},
    {0          },
};

void
options_print_help(void)
{
    (void)puts(
        "usage: agentd [-c FILE] [--state DIR] [--run DIR] [--set SECTION.KEY=VALUE]...\n"
        "              [--check] [--daemonize] [--version] [--help]\n"
        "\n"
        "  -c, --config FILE  configuration (else $AGENTD_CONFIG, else the default place)\n"
        "  --state DIR        where the store and the logs are ($AGENTD_STATE)\n"
        "  --run DIR          where the sockets and the PID file are ($AGENTD_RUN)\n"
        "  --set KEY=VALUE    a setting that counts before all others, e.g. workers.count=2\n"
        "  --check            only check the configuration and say what it declares\n"
        "  --daemonize        go into the background once ready\n"
        "\n"
        "Prints one line beginning with \"ready\" when it can serve; logs to standard error.");
}

static void
take(struct options *o, int option)
{
    switch (option) {
    case 'c': o->sources.path = optarg; break;
    case OPT_STATE: o->sources.state_dir = optarg; break;
    case OPT_RUN: o->sources.run_dir = optarg; break;
    case OPT_SET:
        if (o->sources.nsets == SETS_MAX) {
            (void)fprintf(stderr, "agentd: more than %d times --set\n", SETS_MAX);
            o->act = ACT_USAGE;
            break;
        }
        o->sets[o->sources.nsets++] = optarg;
        break;
    case OPT_CHECK: o->act = ACT_CHECK; break;
    case OPT_DAEMONIZE: o->is_daemonized = true; break;
    case OPT_VERSION: o->act = ACT_VERSION; break;
    case OPT_FORECAST: o->act = ACT_FORECAST; break;
    case 'h': o->act = ACT_HELP; break;
    default: o->act = ACT_USAGE;
    }
}

void
options_parse(struct options *o, int argc, char *const *argv)
{
    int option;

    *o = (struct options){.act = ACT_RUN};
    o->sources.sets = o->sets;
    o->sources.environ = (const char *const *)environ;
    o->sources.is_root = geteuid() == 0;
    while (o->act != ACT_USAGE &&
           (option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1)
        take(o, option);
    if (o->act == ACT_USAGE || optind == argc) return;
    (void)fprintf(stderr, "agentd: unexpected argument '%s'\n", argv[optind]);
    o->act = ACT_USAGE;
}
