/* request - the body of a request, made from what was given on the command line.
 *
 * Each parameter names its field and kind, so one walker makes every body; the message's own
 * descriptor then judges it, and a bad value is an error of the option that gave it. */
#ifndef TOOLS_AGENTCTL_REQUEST_H
#define TOOLS_AGENTCTL_REQUEST_H

#include "common/buf.h"
#include "proto/codec.h"
#include "tools/agentctl/args.h"

#define CTL_FIELDS_MAX 64

struct ctl_field {
    const char *name;
    struct buf  value; /* packed */
};
struct ctl_request {
    const struct msg_desc *desc;
    struct ctl_field       fields[CTL_FIELDS_MAX];
    size_t                 nfields;
};

/* The request of the command's op.  --company goes into the field `company` where the message has
 * one, else before bare names (N34).  *out is to be given to ctl_request_done in any case. */
enum errc ctl_request_make(const struct ctl_args *a, int64_t now_ms, struct ctl_request *out,
                           struct err *e) MUST_CHECK;
/* Sets a field, replacing what it had. */
void ctl_request_set_i64(struct ctl_request *r, const char *field, int64_t v);
void ctl_request_set_str(struct ctl_request *r, const char *field, struct view v);
/* Appends the body. */
void ctl_request_pack(const struct ctl_request *r, struct buf *out);
void ctl_request_done(struct ctl_request *r);

#define CTL_REQUEST_AUTO CLEANUP(ctl_request_done)

/* One value by its kind, appended packed: the text of an option or argument.  The message names no
 * option.  `field` may be NULL. */
enum errc ctl_value_pack(enum ctl_kind kind, const struct field_desc *field, const char *text,
                         int64_t now_ms, struct buf *out, struct err *e) MUST_CHECK;

#endif
