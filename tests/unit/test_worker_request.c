/* Web requests to names whose addresses change: what is judged is the address that is connected to
 * (rebinding), and nothing is followed.  The resolver is this file's. */
#include "common/buf.h"
#include "common/json.h"
#include "worker/delivery/reach.h"
#include "worker/delivery/request.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTER      "127.0.0.2" /* stands for a server that may be reached */
#define INNER      "127.0.0.1" /* for one of the own network */
#define TIMEOUT_MS 10000

/* What each look-up finds, one after the other. */
static const char *const *script;
static unsigned           lookups;

/* In place of the C library's, also for libcurl. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **out)
{
    __typeof__(getaddrinfo) *real;
    void                    *found = dlsym(RTLD_NEXT, "getaddrinfo");

    memcpy(&real, &found, sizeof(real));
    if (name && strcmp(name, "hook.example") == 0) name = script[lookups++];
    return real(name, service, hints, out);
}

/* ---- servers ---- */

struct place {
    int         fd;
    const char *answer;
    unsigned    served;
};

static struct place outer, inner;
static unsigned     port;
static pthread_t    server;

static void
listen_at(struct place *p, const char *address)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t          size = sizeof(a);

    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&a, &size), 0);
    assert_int_equal(listen(p->fd, 8), 0);
    port = ntohs(a.sin_port);
}

/* Until its socket is shut down. */
static void *
serve(void *arg)
{
    struct place *p = arg;
    char          request[4096];
    int           fd;

    while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
        if (recv(fd, request, sizeof(request), 0) > 0) {
            p->served++;
            (void)!write(fd, p->answer, strlen(p->answer));
        }
        (void)close(fd);
    }
    return NULL;
}

static int
begin(void **state)
{
    (void)state;
    port = 0;
    lookups = 0;
    inner = outer = (struct place){.answer = "HTTP/1.1 204 No Content\r\n\r\n"};
    listen_at(&outer, OUTER);
    listen_at(&inner, INNER); /* of the same port: who listens on one address takes no other's */
    return pthread_create(&server, NULL, serve, &outer);
}

static int
end(void **state)
{
    (void)state;
    (void)shutdown(outer.fd, SHUT_RDWR);
    (void)pthread_join(server, NULL);
    (void)close(outer.fd);
    (void)close(inner.fd);
    return 0;
}

/* ---- requests ---- */

static bool
allows(void *arg, const struct sockaddr *a, socklen_t size)
{
    return reach_allows(arg, a, size);
}

static struct response
ask(const char *allow)
{
    BUF_AUTO struct buf  packed = {0};
    FREE_AUTO char      *url = xasprintf("http://hook.example:%u/", port);
    struct reach         reach = {.host = view_str("hook.example")};
    const struct request r = {
        .url = url, .timeout_ms = TIMEOUT_MS, .allows = allows, .arg = &reach};
    struct response response;
    struct err      e;

    assert_int_equal(json_to_mp(view_str(allow), &packed, &e), E_OK);
    reach.allow = buf_view(&packed);
    request_make(&r, &response);
    return response;
}

static void
expect_barred(const struct response *r)
{
    struct pollfd nobody = {.fd = inner.fd, .events = POLLIN};

    assert_true(r->is_barred);
    assert_false(r->was_sent);
    assert_int_equal(r->status, 0);
    assert_string_equal(r->problem, "this address may not be reached");
    assert_int_equal(poll(&nobody, 1, 0), 0);
}

static void
a_name_that_changes_is_judged_anew_each_time(void **state)
{
    static const char *const all[] = {OUTER, INNER, OUTER, "169.254.169.254", NULL};
    struct response          r;

    (void)state;
    script = all;
    r = ask("[\"" OUTER "\"]");
    assert_int_equal(r.status, 204);
    r = ask("[\"" OUTER "\"]");
    expect_barred(&r);
    r = ask("[\"" OUTER "\"]");
    assert_int_equal(r.status, 204);
    r = ask("[\"hook.example\"]"); /* the name is trusted, and yet: nobody's server is there */
    expect_barred(&r);
    assert_int_equal(outer.served, 2);
}

/* Were it looked up to be judged, and again to be connected to, the second answer would count. */
static void
a_name_is_looked_up_once_for_a_request(void **state)
{
    static const char *const all[] = {OUTER, INNER, INNER, NULL};
    struct response          r;

    (void)state;
    script = all;
    r = ask("[\"" OUTER "\"]");
    assert_int_equal(r.status, 204);
    assert_int_equal(lookups, 1);
    assert_int_equal(outer.served, 1);
}

static void
a_redirect_is_not_followed(void **state)
{
    static const char *const all[] = {OUTER, INNER, NULL};
    FREE_AUTO char          *to = xasprintf("HTTP/1.1 307 Temporary Redirect\r\n"
                                                     "Location: http://hook.example:%u/\r\n"
                                                     "Content-Length: 0\r\n\r\n",
                                            port);
    struct response          r;

    (void)state;
    script = all;
    outer.answer = to;
    r = ask("[\"hook.example\"]");
    assert_int_equal(r.status, 307);
    assert_true(r.was_sent);
    assert_int_equal(lookups, 1);
    assert_int_equal(outer.served, 1);
    assert_int_equal(poll(&(struct pollfd){.fd = inner.fd, .events = POLLIN}, 1, 0), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_name_that_changes_is_judged_anew_each_time),
        TEST(a_name_is_looked_up_once_for_a_request),
        TEST(a_redirect_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
