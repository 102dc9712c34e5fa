#include "tests/system/e2e.h"

struct daemon d;
struct ctl    c;
int           gate;

void
e2e_make(void)
{
    daemon_make(&d);
    marks_share(&d);
    gate = gate_make(&d, "gate");
    ctl_open(&c, &d);
}

int
e2e_start(const char *config)
{
    if (config) daemon_write_config(&d, config);
    daemon_start(&d, NULL);
    return 0;
}

int
e2e_stop(void **state)
{
    (void)state;
    if (d.pid) daemon_stop(&d);
    ctl_close(&c);
    (void)close(gate);
    daemon_remove(&d);
    return 0;
}
