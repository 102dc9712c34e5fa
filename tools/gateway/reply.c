#include "tools/gateway/reply.h"

#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include <inttypes.h>

static const char *
reason(int status)
{
    static const struct {
        int         status;
        const char *text;
    } reasons[] = {
        {200, "OK"                             },
        {201, "Created"                        },
        {202, "Accepted"                       },
        {204, "No Content"                     },
        {400, "Bad Request"                    },
        {401, "Unauthorized"                   },
        {403, "Forbidden"                      },
        {404, "Not Found"                      },
        {405, "Method Not Allowed"             },
        {409, "Conflict"                       },
        {410, "Gone"                           },
        {411, "Length Required"                },
        {413, "Content Too Large"              },
        {414, "URI Too Long"                   },
        {415, "Unsupported Media Type"         },
        {421, "Misdirected Request"            },
        {426, "Upgrade Required"               },
        {429, "Too Many Requests"              },
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"          },
        {503, "Service Unavailable"            },
        {505, "HTTP Version Not Supported"     },
        {507, "Insufficient Storage"           },
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].status == status) return reasons[i].text;
    }
    return "";
}

void
reply_head(struct buf *out, const struct reply_head *h)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\n", h->status, reason(h->status));
    if (h->type) buf_printf(out, "Content-Type: %s\r\n", h->type);
    if (h->length >= 0) buf_printf(out, "Content-Length: %" PRId64 "\r\n", h->length);
    if (h->closes) buf_add_str(out, "Connection: close\r\n");
    buf_printf(out, "Cache-Control: %s\r\n", h->is_cacheable ? "no-cache" : "no-store");
    buf_printf(out, "Content-Security-Policy: %s\r\n", h->csp ? h->csp : REPLY_CSP_DATA);
    buf_add_str(out, "X-Content-Type-Options: nosniff\r\n"
                     "X-Frame-Options: DENY\r\n"
                     "Referrer-Policy: no-referrer\r\n"
                     "Cross-Origin-Resource-Policy: same-origin\r\n");
    if (h->more) buf_add_str(out, h->more);
    buf_add_str(out, "\r\n");
}

void
reply_error(struct buf *out, const struct err *e)
{
    BUF_AUTO struct buf packed = {0};
    struct err          failed;
    struct mp_open_map  m = mp_open(&packed);

    mp_key(&packed, &m, "error");
    error_pack(e, &packed);
    mp_close(&packed, &m);
    if (json_from_mp(buf_view(&packed), out, &failed)) {
        buf_add_str(out, "{\"error\": {\"code\": \"internal\"}}"); /* it is all text */
    }
}

void
reply_error_headers(struct buf *out, int status, const struct err *e)
{
    if (status == 401) buf_add_str(out, "WWW-Authenticate: Bearer realm=\"agentd\"\r\n");
    if (status == 426) {
        buf_add_str(out, "Connection: Upgrade\r\n"
                         "Upgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\n");
    }
    if (status == 429 || status == 503) {
        int64_t seconds = (e->slot_eta_ms + 999) / 1000;

        buf_printf(out, "Retry-After: %" PRId64 "\r\n", seconds > 0 ? seconds : 1);
    }
}

void
reply_refusal(struct buf *out, const struct refusal *no)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf headers = {0};
    struct reply_head   head = {.status = no->status, .type = REPLY_JSON, .closes = true};

    buf_add_str(&headers, no->more);
    reply_error(&body, &no->error);
    reply_error_headers(&headers, no->status, &no->error);
    head.length = (int64_t)body.size;
    head.more = buf_str(&headers);
    reply_head(out, &head);
    buf_add_view(out, buf_view(&body));
}
