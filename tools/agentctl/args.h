/* args - the command line: which command, which options, with which texts.
 *
 * Global options may stand anywhere, a command's own anywhere behind its name; "--flag VALUE" and
 * "--flag=VALUE", "-n 5" and "-n5"; "--" ends the options. */
#ifndef TOOLS_AGENTCTL_ARGS_H
#define TOOLS_AGENTCTL_ARGS_H

#include "tools/agentctl/command.h"

#define CTL_GIVEN_MAX 64

struct ctl_given {
    const struct ctl_param *param;
    const char             *text; /* borrowed from argv; "" for a switch */
};

struct ctl_args {
    const struct ctl_command *command;              /* NULL: none was named, or only its noun */
    const char               *noun;                 /* NULL: none was named */
    int64_t                   timeout_ms;           /* -1: not given */
    struct ctl_given          given[CTL_GIVEN_MAX]; /* arguments and options, in their order */
    size_t                    ngiven;
};

/* argv[0] is the program's name.  Whether a command was named at all, the caller judges; whether it
 * has what it requires, is judged here unless --help is among the options. */
enum errc ctl_args_parse(int argc, char **argv, struct ctl_args *out, struct err *e) MUST_CHECK;
/* The text given for the argument or option of that name; NULL when it was not given. */
const char *ctl_args_text(const struct ctl_args *a, const char *name);
bool        ctl_args_has(const struct ctl_args *a, const char *name);

/* The control socket's path: of --connect, --run, AGENTD_RUN, or the default run folder of root or
 * of `runtime_dir` (XDG_RUNTIME_DIR, may be NULL).  E_BAD_REQUEST for an endpoint that is not ipc,
 * or a path too long for a socket. */
struct ctl_place {
    const char *agentd_run;
    const char *runtime_dir;
    unsigned    uid;
};
enum errc ctl_args_socket(const struct ctl_args *a, const struct ctl_place *place, char *out,
                          size_t size, struct err *e) MUST_CHECK;

#endif
