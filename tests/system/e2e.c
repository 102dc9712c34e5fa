#include "tests/system/e2e.h"
#include <arpa/inet.h>
#include <sys/socket.h>

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
e2e_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          size = sizeof(address);
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
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
