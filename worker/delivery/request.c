#include "worker/delivery/request.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_MS 10000L

/* Loaded when there is a request to make: linked, it and what it needs would lengthen the start of
 * every delivery to a file, too (by 3.3 ms when it was measured in agent-worker). */
struct curl {
    __typeof__(curl_easy_init)      *init;
    __typeof__(curl_easy_setopt)    *setopt;
    __typeof__(curl_easy_perform)   *perform;
    __typeof__(curl_easy_getinfo)   *getinfo;
    __typeof__(curl_easy_strerror)  *text;
    __typeof__(curl_easy_cleanup)   *cleanup;
    __typeof__(curl_slist_append)   *append;
    __typeof__(curl_slist_free_all) *free_all;
};

/* What the callbacks of one request know and note. */
struct notes {
    const struct request *request;
    size_t                read; /* bytes of the body */
    bool                  is_barred;
    bool                  is_interim;   /* the headers that come are those of a 1xx */
    bool                  has_answered; /* all headers of the answer have come */
};

static bool
load(struct curl *l)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW);
    const struct {
        const char *name;
        void       *function; /* where its address goes */
    } all[] = {
        {"curl_easy_init",      &l->init    },
        {"curl_easy_setopt",    &l->setopt  },
        {"curl_easy_perform",   &l->perform },
        {"curl_easy_getinfo",   &l->getinfo },
        {"curl_easy_strerror",  &l->text    },
        {"curl_easy_cleanup",   &l->cleanup },
        {"curl_slist_append",   &l->append  },
        {"curl_slist_free_all", &l->free_all},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        void *found = library ? dlsym(library, all[i].name) : NULL;

        if (!found) return false;
        memcpy(all[i].function, &found, sizeof(found));
    }
    return true;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct notes *notes = arg;

    (void)purpose;
    notes->is_barred = !notes->request->allows(notes->request->arg, &a->addr, a->addrlen);
    if (notes->is_barred) return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* A line at a time, whole, with its end; an empty one is the last. */
static size_t
note_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct notes *notes = arg;
    size_t        length = size * count;
    const char   *status = memchr(bytes, ' ', length);

    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        notes->is_interim = status && status + 1 < bytes + length && status[1] == '1';
    if ((bytes[0] == '\r' || bytes[0] == '\n') && !notes->is_interim) notes->has_answered = true;
    return length;
}

/* Reads on, up to the limit, so that the server is not cut off in its answer. */
static size_t
drop_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct notes *notes = arg;

    (void)bytes;
    notes->read += size * count;
    return notes->read > REQUEST_BODY_MAX ? 0 : size * count;
}

static CURLcode
set_body(const struct curl *l, CURL *c, const struct request *r)
{
    CURLcode rc = CURLE_OK;

    if (r->body.size == 0) return l->setopt(c, CURLOPT_HTTPGET, 1L);
    rc = l->setopt(c, CURLOPT_POST, 1L);
    if (rc == CURLE_OK) rc = l->setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.size);
    if (rc == CURLE_OK) rc = l->setopt(c, CURLOPT_POSTFIELDS, r->body.data);
    return rc;
}

static CURLcode
set_up(const struct curl *l, CURL *c, struct notes *notes, struct curl_slist *headers, char *error)
{
    const struct request *r = notes->request;
    const struct {
        CURLoption option;
        long       value;
    } numbers[] = {
        {CURLOPT_FOLLOWLOCATION,    0L                   },
        {CURLOPT_TIMEOUT_MS,        (long)r->timeout_ms  },
        {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS   },
        {CURLOPT_NOSIGNAL,          1L                   },
        {CURLOPT_HTTP_VERSION,      CURL_HTTP_VERSION_1_1},
    };
    const struct {
        CURLoption  option;
        const void *value;
    } pointers[] = {
        {CURLOPT_URL,            r->url      },
        {CURLOPT_PROTOCOLS_STR,  "http,https"},
        {CURLOPT_PROXY,          ""          }, /* whatever the environment says */
        {CURLOPT_USERAGENT,      "agentd"    },
        {CURLOPT_HTTPHEADER,     headers     },
        {CURLOPT_ERRORBUFFER,    error       },
        {CURLOPT_WRITEDATA,      notes       },
        {CURLOPT_HEADERDATA,     notes       },
        {CURLOPT_OPENSOCKETDATA, notes       },
    };
    CURLcode rc = l->setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);

    if (rc == CURLE_OK) rc = l->setopt(c, CURLOPT_WRITEFUNCTION, drop_body);
    if (rc == CURLE_OK) rc = l->setopt(c, CURLOPT_HEADERFUNCTION, note_header);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == CURLE_OK; i++)
        rc = l->setopt(c, numbers[i].option, numbers[i].value);
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]) && rc == CURLE_OK; i++)
        rc = l->setopt(c, pointers[i].option, pointers[i].value);
    return rc == CURLE_OK ? set_body(l, c, r) : rc;
}

/* Why there was no answer. */
static const char *
problem_of(const struct curl *l, const struct response *r, CURLcode rc, const char *error)
{
    if (r->is_barred) return "this address may not be reached";
    if (rc == CURLE_OK) return "the connection was closed within the answer's headers";
    if (rc == CURLE_OUT_OF_MEMORY && r->was_sent) return "the answer's headers are too large";
    return error[0] ? error : l->text(rc);
}

static void
perform(const struct curl *l, CURL *c, struct notes *notes, struct curl_slist *headers,
        struct response *out)
{
    char       error[CURL_ERROR_SIZE] = "";
    curl_off_t connected = 0, retry_after = 0;
    CURLcode   rc = set_up(l, c, notes, headers, error);

    if (rc == CURLE_OK) rc = l->perform(c);
    (void)l->getinfo(c, CURLINFO_PRETRANSFER_TIME_T, &connected);
    out->was_sent = connected > 0;
    out->is_barred = rc == CURLE_COULDNT_CONNECT && notes->is_barred;
    if (notes->has_answered) {
        (void)l->getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
        if (l->getinfo(c, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK && retry_after > 0)
            out->retry_after_ms = (int64_t)retry_after * 1000;
        return;
    }
    (void)snprintf(out->problem, sizeof(out->problem), "%s",
                   problem_of(l, out, rc, error)); /* a long one is cut */
}

void
request_make(const struct request *r, struct response *out)
{
    struct notes       notes = {.request = r};
    struct curl_slist *headers = NULL;
    struct curl        l;
    CURL              *c;

    *out = (struct response){.retry_after_ms = -1};
    if (!load(&l) || !(c = l.init())) {
        (void)snprintf(out->problem, sizeof(out->problem), "libcurl.so.4 cannot be loaded");
        return;
    }
    for (const char *const *h = r->headers; h && *h; h++) {
        struct curl_slist *more = l.append(headers, *h);

        if (more) headers = more;
    }
    perform(&l, c, &notes, headers, out);
    l.free_all(headers);
    l.cleanup(c);
}
