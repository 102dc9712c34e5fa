/* printing - an answer of agentd as JSON, printed as agentctl prints it. */
#ifndef TESTS_PRINTING_H
#define TESTS_PRINTING_H

#include "common/json.h"
#include "common/mp.h"
#include "tools/agentctl/print.h"
#include "tools/agentctl/text.h"
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795251600000) /* 2026-11-21T09:00:00Z */

typedef void printer(struct ctl_out *o, struct view body);

static inline struct ctl_out
out_into(struct buf *text)
{
    return (struct ctl_out){.buf = text, .now_ms = NOW_MS};
}

static inline void
pack(const char *json, struct buf *out)
{
    struct err e;

    if (json_to_mp(view_str(json), out, &e)) fail_msg("%s: %s", json, e.msg);
}

static inline void
must_print(printer *print, const char *json, const char *expected)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    struct ctl_out      o = out_into(&text);

    pack(json, &body);
    print(&o, buf_view(&body));
    assert_string_equal(buf_str(&text), expected);
}

/* For bars and other than ASCII text. */
static inline int
set_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

/* No line of `text` is wider than `width`. */
static inline void
must_fit(struct buf *text, size_t width)
{
    for (const char *at = buf_str(text); *at; at += strcspn(at, "\n") + 1) {
        struct view line = view_of(at, strcspn(at, "\n"));

        if (ctl_width(line) > width) fail_msg("too wide: %.*s", VIEW_ARG(line));
    }
}

#endif
