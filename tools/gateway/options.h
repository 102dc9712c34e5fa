/* options - the gateway's command line, by which agentd gives it its settings.  No secret is among
 * them. */
#ifndef TOOLS_GATEWAY_OPTIONS_H
#define TOOLS_GATEWAY_OPTIONS_H

#include "common/err.h"
#include <stdint.h>

#define GATEWAY_LISTEN_DEFAULT      "127.0.0.1:8377"
#define GATEWAY_CONNECTIONS_DEFAULT 12000

/* Texts are argv's own. */
struct options {
    const char *run_dir;
    const char *listen;          /* ADDRESS:PORT or [ADDRESS]:PORT; port 0: any free one */
    const char *hosts;           /* names that Host may give, with commas */
    const char *origins;         /* whole origins of other pages, with commas */
    const char *page;            /* a folder of files to be served; "": none */
    int64_t     connections_max; /* at a time */
    int64_t     supervisor_pid;  /* our parent; 0: started by hand */
    int64_t     log_level;
};

/* E_BAD_REQUEST says what is wrong with the command line. */
enum errc options_parse(int argc, char **argv, struct options *out, struct err *e) MUST_CHECK;

#endif
