#include "tools/gateway/options.h"

#include "common/log.h"
#include "common/mem.h"
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 100000

static const struct option known[] = {
    {"run",             required_argument, NULL, 'r'},
    {"listen",          required_argument, NULL, 'l'},
    {"hosts",           required_argument, NULL, 'h'},
    {"origins",         required_argument, NULL, 'o'},
    {"page",            required_argument, NULL, 'p'},
    {"connections-max", required_argument, NULL, 'c'},
    {"supervisor-pid",  required_argument, NULL, 's'},
    {"log-level",       required_argument, NULL, 'v'},
    {NULL,              0,                 NULL, 0  },
};

static bool
take_number(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;

    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < low || n > high) return false;
    *out = n;
    return true;
}

static enum errc
take(struct options *o, int id, const char *value, struct err *e)
{
    switch (id) {
    case 'r': o->run_dir = value; return E_OK;
    case 'l': o->listen = value; return E_OK;
    case 'h': o->hosts = value; return E_OK;
    case 'o': o->origins = value; return E_OK;
    case 'p': o->page = value; return E_OK;
    case 'c':
        if (take_number(value, 1, CONNECTIONS_MAX, &o->connections_max)) return E_OK;
        return err_set(e, E_BAD_REQUEST, "--connections-max is 1 to %d", CONNECTIONS_MAX);
    case 's':
        if (take_number(value, 1, INT_MAX, &o->supervisor_pid)) return E_OK;
        return err_set(e, E_BAD_REQUEST, "--supervisor-pid is a process");
    case 'v':
        o->log_level = log_level_from(value);
        if (o->log_level >= 0) return E_OK;
        return err_set(e, E_BAD_REQUEST, "--log-level is debug, info, warn or error");
    default: return err_set(e, E_BAD_REQUEST, "unknown option");
    }
}

enum errc
options_parse(int argc, char **argv, struct options *out, struct err *e)
{
    struct options o = {.listen = GATEWAY_LISTEN_DEFAULT,
                        .hosts = "",
                        .origins = "",
                        .page = "",
                        .connections_max = GATEWAY_CONNECTIONS_DEFAULT,
                        .log_level = LOG_LEVEL_INFO};
    int            id;

    opterr = 0;
    optind = 1;
    while ((id = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (take(&o, id, optarg, e)) return e->code;
    }
    if (optind < argc) return err_set(e, E_BAD_REQUEST, "what is \"%s\"?", argv[optind]);
    if (!o.run_dir) return err_set(e, E_BAD_REQUEST, "--run DIR is missing: agentd's run folder");
    *out = o;
    return E_OK;
}
