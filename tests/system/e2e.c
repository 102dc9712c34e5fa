#include "tests/system/e2e.h"
#include <arpa/inet.h>
#include <sys/socket.h>

#define GATEWAY_CONFIG                                     \
    "handlers: {talk: {kind: exec, command: [%s/talk]}}\n" \
    "sessions: {handler: talk}\n"                          \
    "gateway: {listen: \"127.0.0.1:%d\", user: root}\n"

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

void
e2e_start_gateway(struct e2e_gateway *g, const char *script, const char *token)
{
    e2e_make();
    script_write(&d, "talk", script);
    g->port = e2e_free_port();
    FREE_AUTO char *config = xasprintf(GATEWAY_CONFIG, d.folder, g->port);
    (void)e2e_start(config);
    daemon_expect_log(&d, "gateway ready");
    ctl_must(&c, "token add %s", token);
    ctl_copy(&c, "secret", g->token, sizeof(g->token));
    assert_int_equal(setenv("AGENTD_RUN", d.run, 1), 0);
    assert_int_equal(setenv("AGENTCTL", daemon_program("agentctl"), 1), 0);
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
