#include "worker/ping.h"

#include "common/url.h"
#include "worker/answer.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define URL_MAX 2048 /* bytes, as in SCHEDULE_FIELDS */

static bool
is_barred_v4(uint32_t address)
{
    return address >> 16 == 0xa9fe || address >> 28 >= 0xe; /* 169.254/16; 224/4 and above */
}

/* The address itself, after all names are looked up: what a name means may change in between. */
static bool
is_barred(const struct curl_sockaddr *a)
{
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
    uint32_t            mapped;

    if (a->family == AF_INET) {
        memcpy(&v4, &a->addr, sizeof(v4));
        return is_barred_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (a->family != AF_INET6 || a->addrlen < sizeof(v6)) return true;
    memcpy(&v6, (const void *)&a->addr, sizeof(v6));
    memcpy(&mapped, &v6.sin6_addr.s6_addr[12], sizeof(mapped));
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return is_barred_v4(ntohl(mapped));
    return IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) || IN6_IS_ADDR_MULTICAST(&v6.sin6_addr);
}

/* What the callbacks of one request note. */
struct notes {
    size_t read; /* bytes of the body */
    bool   is_barred;
};

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct notes *notes = arg;

    (void)purpose;
    notes->is_barred = is_barred(a);
    if (notes->is_barred) return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Reads on, up to the limit, so that the server is not cut off in its answer. */
static size_t
drop_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct notes *notes = arg;

    (void)bytes;
    notes->read += size * count;
    return notes->read > PING_BODY_MAX ? 0 : size * count;
}

/* Loaded by this process alone: linked, it and what it needs would double the start of every worker
 * and of every delivery (3.2 ms to 6.5 ms). */
struct curl {
    __typeof__(curl_easy_init)     *init;
    __typeof__(curl_easy_setopt)   *setopt;
    __typeof__(curl_easy_perform)  *perform;
    __typeof__(curl_easy_getinfo)  *getinfo;
    __typeof__(curl_easy_strerror) *text;
    __typeof__(curl_easy_cleanup)  *cleanup;
};

static bool
load(struct curl *l)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW);
    const struct {
        const char *name;
        void       *function; /* where its address goes */
    } all[] = {
        {"curl_easy_init",     &l->init   },
        {"curl_easy_setopt",   &l->setopt },
        {"curl_easy_perform",  &l->perform},
        {"curl_easy_getinfo",  &l->getinfo},
        {"curl_easy_strerror", &l->text   },
        {"curl_easy_cleanup",  &l->cleanup},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        void *found = library ? dlsym(library, all[i].name) : NULL;

        if (!found) return false;
        memcpy(all[i].function, &found, sizeof(found));
    }
    return true;
}

static CURLcode
set_up(const struct curl *l, CURL *c, const char *url, struct notes *notes, char *error)
{
    static const struct {
        CURLoption option;
        long       value;
    } numbers[] = {
        {CURLOPT_FOLLOWLOCATION, 0L             },
        {CURLOPT_TIMEOUT_MS,     PING_TIMEOUT_MS},
        {CURLOPT_NOSIGNAL,       1L             },
        {CURLOPT_HTTPGET,        1L             },
    };
    const struct {
        CURLoption option;
        void      *value;
    } pointers[] = {
        {CURLOPT_URL,            (void *)url },
        {CURLOPT_PROTOCOLS_STR,  "http,https"},
        {CURLOPT_PROXY,          ""          }, /* whatever the environment says */
        {CURLOPT_USERAGENT,      "agentd"    },
        {CURLOPT_ERRORBUFFER,    error       },
        {CURLOPT_WRITEDATA,      notes       },
        {CURLOPT_OPENSOCKETDATA, notes       },
    };
    CURLcode rc = l->setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);

    if (rc == CURLE_OK) rc = l->setopt(c, CURLOPT_WRITEFUNCTION, drop_body);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == CURLE_OK; i++)
        rc = l->setopt(c, numbers[i].option, numbers[i].value);
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]) && rc == CURLE_OK; i++)
        rc = l->setopt(c, pointers[i].option, pointers[i].value);
    return rc;
}

static void
request(const struct curl *l, CURL *c, const char *url, struct buf *out)
{
    char         error[CURL_ERROR_SIZE] = "", text[32];
    long         status = 0;
    struct notes notes = {0};
    CURLcode     rc = set_up(l, c, url, &notes, error);

    if (rc == CURLE_OK) rc = l->perform(c);
    if (rc == CURLE_COULDNT_CONNECT && notes.is_barred) {
        answer_put(out, "failed", "message", "a link-local or multicast address is not asked");
        return;
    }
    if (rc != CURLE_OK && notes.read <= PING_BODY_MAX) {
        answer_put(out, "failed", "message", error[0] ? error : l->text(rc));
        return;
    }
    (void)l->getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    (void)snprintf(text, sizeof(text), "HTTP %ld", status); /* fits */
    if (status >= 200 && status < 300) {
        answer_put(out, "delivered", "receipt", text);
    } else {
        answer_put(out, "failed", "message", text);
    }
}

void
ping_send(const char *url, struct buf *out)
{
    const char *problem = url_problem(view_str(url));
    struct curl library;
    CURL       *c;

    if (problem) {
        answer_put(out, "failed", "message", problem);
    } else if (!load(&library) || !(c = library.init())) {
        answer_put(out, "failed", "message", "libcurl.so.4 cannot be loaded");
    } else {
        request(&library, c, url, out);
        library.cleanup(c);
    }
}

int
ping_main(void)
{
    BUF_AUTO struct buf out = {0};
    char                url[URL_MAX + 1];
    size_t              size = 0;
    ssize_t             n;

    while (size < URL_MAX && (n = read(STDIN_FILENO, url + size, URL_MAX - size)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return 1;
        size += (size_t)n;
    }
    url[size] = '\0';
    ping_send(url, &out);
    return answer_print(&out);
}
