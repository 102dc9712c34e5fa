#include "tools/agentctl/request.h"
#include "common/json.h"
#include "common/mp.h"
#include "common/name.h"
#include "common/timetext.h"
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Text is larger than what it packs to; beyond this it cannot become a request. */
#define TEXT_MAX ((size_t)4 * CLIENT_MESSAGE_MAX)
/* What the envelope around a body may take. */
#define ENVELOPE_MAX 512

/* ---- values ---------------------------------------------------------------- */

static enum errc
read_all(const char *path, struct buf *out, struct err *e)
{
    bool    is_stdin = strcmp(path, "-") == 0;
    int     fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;

    if (fd < 0) return err_errno(e, "cannot read %s", path);
    while (got > 0 && out->size <= TEXT_MAX) {
        buf_reserve(out, 65536);
        got = read(fd, out->data + out->size, 65536);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            out->size += (size_t)got;
    }
    if (got < 0) err_errno(e, "cannot read %s", path);
    if (!is_stdin) (void)close(fd); /* only read from */
    if (got < 0) return e->code;
    if (out->size > TEXT_MAX) {
        return err_set(e, E_TOO_LARGE, "%s is over %zu bytes", path, TEXT_MAX);
    }
    return E_OK;
}

static enum errc
put_number(const struct field_desc *field, const char *text, struct buf *out, struct err *e)
{
    char     *end;
    long long v;

    if (field && field->need == NULLABLE && strcmp(text, "none") == 0) {
        mp_nil(out);
        return E_OK;
    }
    errno = 0;
    v = strtoll(text, &end, 10);
    /* strtoll also takes spaces and a plus sign */
    if (errno || end == text || *end || !strchr("-0123456789", text[0])) {
        return err_set(e, E_BAD_REQUEST, "\"%s\" is not a number", text);
    }
    mp_i64(out, v);
    return E_OK;
}

static enum errc
put_duration(const char *text, struct buf *out, struct err *e)
{
    int64_t ms;

    if (duration_parse(view_str(text), &ms, e)) return e->code;
    mp_i64(out, ms);
    return E_OK;
}

static enum errc
put_durations(const char *text, struct buf *out, struct err *e)
{
    size_t   header = mp_array_open(out);
    uint32_t count = 0;

    for (;;) {
        size_t  n = strcspn(text, ",");
        int64_t ms;

        if (duration_parse(view_of(text, n), &ms, e)) return e->code;
        mp_i64(out, ms);
        count++;
        if (!text[n]) break;
        text += n + 1;
    }
    mp_array_close(out, header, count);
    return E_OK;
}

static enum errc
put_time(const char *text, int64_t now_ms, struct buf *out, struct err *e)
{
    int64_t at_ms;

    if (instant_parse(view_str(text), now_ms, &at_ms, e)) return e->code;
    mp_i64(out, at_ms);
    return E_OK;
}

/* Words without any: a shell has taken the quotes, or there were none. */
static bool
lacks_quotes(struct view json)
{
    bool has_letter = false;

    for (size_t i = 0; i < json.size; i++) {
        if (json.data[i] == '"') return false;
        has_letter |= isalpha((unsigned char)json.data[i]) != 0;
    }
    return has_letter;
}

static enum errc
put_json(const char *text, struct buf *out, struct err *e)
{
    BUF_AUTO struct buf file = {0};
    struct view         json = view_str(text);

    if (text[0] == '@' || strcmp(text, "-") == 0) {
        if (read_all(text[0] == '@' ? text + 1 : text, &file, e)) return e->code;
        json = buf_view(&file);
    }
    if (json_to_mp(json, out, e) == E_OK) return E_OK;
    err_wrap(e, "not JSON");
    if (!lacks_quotes(json)) return e->code;
    return err_hint(e, "JSON text needs quotes of its own, like '\"hello\"' or '{\"a\":1}'");
}

static enum errc
put_job(struct view line, struct buf *out, struct err *e)
{
    BUF_AUTO struct buf   job = {0};
    struct msg_job_submit m;

    if (json_to_mp(line, &job, e)) return e->code;
    if (msg_unpack(msg_desc(MSG_JOB_SUBMIT), buf_view(&job), &m, e)) return e->code;
    buf_add_view(out, buf_view(&job));
    return E_OK;
}

static bool
is_blank(struct view line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (!strchr(" \t\r", line.data[i])) return false;
    }
    return true;
}

static enum errc
put_jobs(const char *path, struct buf *out, struct err *e)
{
    BUF_AUTO struct buf file = {0};
    size_t              header = mp_array_open(out);
    uint32_t            count = 0;
    struct view         rest;

    if (read_all(path, &file, e)) return e->code;
    rest = buf_view(&file);
    for (size_t number = 1; rest.size > 0; number++) {
        const char *end = memchr(rest.data, '\n', rest.size);
        struct view line = view_of(rest.data, end ? (size_t)(end - rest.data) : rest.size);

        rest.data += line.size + (end != NULL);
        rest.size -= line.size + (end != NULL);
        if (is_blank(line)) continue;
        if (++count > BATCH_MAX) {
            return err_set(e, E_TOO_LARGE, "%s has more than %d jobs", path, BATCH_MAX);
        }
        if (put_job(line, out, e)) return err_wrap(e, "line %zu", number);
    }
    mp_array_close(out, header, count);
    return E_OK;
}

static enum errc
put_file(const char *path, struct buf *out, struct err *e)
{
    BUF_AUTO struct buf file = {0};

    if (read_all(path, &file, e)) return e->code;
    mp_str(out, buf_view(&file));
    return E_OK;
}

enum errc
ctl_value_pack(enum ctl_kind kind, const struct field_desc *field, const char *text, int64_t now_ms,
               struct buf *out, struct err *e)
{
    switch (kind) {
    case CTL_TEXT: mp_cstr(out, text); return E_OK;
    case CTL_NUMBER: return put_number(field, text, out, e);
    case CTL_DURATION: return put_duration(text, out, e);
    case CTL_DURATIONS: return put_durations(text, out, e);
    case CTL_TIME: return put_time(text, now_ms, out, e);
    case CTL_JSON: return put_json(text, out, e);
    case CTL_BOOL: mp_bool(out, true); return E_OK;
    case CTL_OFF: mp_bool(out, false); return E_OK;
    case CTL_JOBS: return put_jobs(text, out, e);
    case CTL_FILE: return put_file(text, out, e);
    case CTL_TAG:
    case CTL_FLAGS: break; /* no values by themselves: put_tags, put_flags */
    }
    abort();
}

/* ---- fields ---------------------------------------------------------------- */

static const struct field_desc *
find_desc(const struct msg_desc *d, const char *field)
{
    for (size_t i = 0; i < d->nfields; i++) {
        if (strcmp(d->fields[i].name, field) == 0) return &d->fields[i];
    }
    return NULL;
}

static struct ctl_field *
find_field(struct ctl_request *r, const char *field)
{
    for (size_t i = 0; i < r->nfields; i++) {
        if (strcmp(r->fields[i].name, field) == 0) return &r->fields[i];
    }
    return NULL;
}

static struct ctl_field *
get_field(struct ctl_request *r, const char *field)
{
    struct ctl_field *f = find_field(r, field);

    if (f) return f;
    assert(r->nfields < CTL_FIELDS_MAX);
    f = &r->fields[r->nfields++];
    *f = (struct ctl_field){.name = field};
    return f;
}

void
ctl_request_set_i64(struct ctl_request *r, const char *field, int64_t v)
{
    struct ctl_field *f = get_field(r, field);

    buf_clear(&f->value);
    mp_i64(&f->value, v);
}

void
ctl_request_set_str(struct ctl_request *r, const char *field, struct view v)
{
    struct ctl_field *f = get_field(r, field);
    struct buf        value = {0}; /* v may be of the field itself */

    mp_str(&value, v);
    buf_done(&f->value);
    f->value = value;
}

void
ctl_request_pack(const struct ctl_request *r, struct buf *out)
{
    mp_map(out, (uint32_t)r->nfields);
    for (size_t i = 0; i < r->nfields; i++) {
        mp_cstr(out, r->fields[i].name);
        mp_raw(out, buf_view(&r->fields[i].value));
    }
}

void
ctl_request_done(struct ctl_request *r)
{
    for (size_t i = 0; i < r->nfields; i++)
        buf_done(&r->fields[i].value);
    r->nfields = 0;
}

/* All tags of a parameter at once, at its first. */
static enum errc
put_tags(const struct ctl_args *a, const struct ctl_param *p, struct buf *out, struct err *e)
{
    struct mp_open_map m = mp_open(out);

    for (size_t i = 0; i < a->ngiven; i++) {
        const char *text = a->given[i].text;
        const char *equals = strchr(text, '=');

        if (a->given[i].param != p) continue;
        if (!equals || equals == text) {
            return err_set(e, E_BAD_REQUEST, "\"%s\" is not a tag: K=V", text);
        }
        FREE_AUTO char *key = xstrndup(text, (size_t)(equals - text));
        mp_put_cstr(out, &m, key, equals + 1);
    }
    mp_close(out, &m);
    return E_OK;
}

static enum errc
put_flags(const struct ctl_command *c, const char *text, struct buf *out, struct err *e)
{
    size_t   header = mp_array_open(out);
    uint32_t count = 0;

    for (;;) {
        size_t                  n = strcspn(text, ",");
        FREE_AUTO char         *name = xstrndup(text, n);
        const struct ctl_param *p = ctl_param_find(c->flags, name);

        if (!p || !p->field) return err_set(e, E_BAD_REQUEST, "there is no flag --%s", name);
        mp_cstr(out, p->field);
        count++;
        if (!text[n]) break;
        text += n + 1;
    }
    mp_array_close(out, header, count);
    return E_OK;
}

static enum errc
put_given(struct ctl_request *r, const struct ctl_args *a, const struct ctl_given *g,
          int64_t now_ms, struct err *e)
{
    const struct ctl_param *p = g->param;
    char                    name[64];
    enum errc               code;

    if (!p->field || find_field(r, p->field)) return E_OK;
    struct buf *value = &get_field(r, p->field)->value;
    if (p->kind == CTL_TAG) {
        code = put_tags(a, p, value, e);
    } else if (p->kind == CTL_FLAGS) {
        code = put_flags(a->command, g->text, value, e);
    } else {
        code = ctl_value_pack(p->kind, find_desc(r->desc, p->field), g->text, now_ms, value, e);
    }
    if (!code) return E_OK;
    return err_wrap(e, "%s", ctl_param_text(p, name, sizeof(name)));
}

/* ---- companies ------------------------------------------------------------- */

static bool
get_str(struct ctl_request *r, const char *field, struct view *out)
{
    struct ctl_field *f = find_field(r, field);
    struct mp_reader  reader;

    if (!f) return false;
    reader = mp_reader_of(buf_view(&f->value));
    return mp_read_str(&reader, out);
}

/* `schedule add acme/nightly`: where the message has a field for the company, the name is bare. */
static enum errc
split_name(struct ctl_request *r, const char *company, struct err *e)
{
    const struct field_desc *f = find_desc(r->desc, "name");
    struct view              text, left, right;

    if (!f || f->type != FT_NAME || !get_str(r, "name", &text)) return E_OK;
    if (!memchr(text.data, '/', text.size)) return E_OK;
    if (name_split(text, "NAME", &left, &right, e)) return e->code;
    if (company && !view_is(left, company)) {
        return err_set(e, E_BAD_REQUEST, "--company %s does not fit the name %.*s", company,
                       VIEW_ARG(text));
    }
    ctl_request_set_str(r, "company", left);
    ctl_request_set_str(r, "name", right);
    return E_OK;
}

static void
prefix_names(struct ctl_request *r, const char *company)
{
    for (size_t i = 0; i < r->desc->nfields; i++) {
        const struct field_desc *f = &r->desc->fields[i];
        struct view              text;

        if (f->type != FT_REF || !get_str(r, f->name, &text)) continue;
        if (memchr(text.data, '/', text.size)) continue;
        FREE_AUTO char *name = xasprintf("%s/%.*s", company, VIEW_ARG(text));
        ctl_request_set_str(r, f->name, view_str(name));
    }
}

static void
company_into_jobs(struct ctl_request *r, const char *company)
{
    struct buf      *list = &find_field(r, "jobs")->value;
    struct buf       out = {0};
    struct list_iter it = list_iter_of(buf_view(list));
    struct view      job, found;
    uint32_t         count = it.left;

    mp_array(&out, count);
    while (list_next(&it, &job)) {
        struct mp_reader reader = mp_reader_of(job);
        uint32_t         pairs = 0;
        bool             is_set = mp_find(job, "company", &found);

        if (!mp_read_map(&reader, &pairs)) abort(); /* put_job has judged it */
        mp_map(&out, pairs + !is_set);
        if (!is_set) {
            mp_cstr(&out, "company");
            mp_cstr(&out, company);
        }
        buf_add(&out, reader.at, (size_t)(reader.end - reader.at));
    }
    buf_done(list);
    *list = out;
}

static enum errc
put_company(struct ctl_request *r, const char *company, struct err *e)
{
    bool has_field = find_desc(r->desc, "company") != NULL;

    if (company && !name_is_valid(view_str(company))) {
        return err_set(e, E_BAD_REQUEST, "--company: \"%s\" is not a name", company);
    }
    if (has_field && split_name(r, company, e)) return e->code;
    if (!company) return E_OK;
    if (has_field) {
        ctl_request_set_str(r, "company", view_str(company));
    } else if (r->desc->id == MSG_JOB_SUBMIT_MANY) {
        company_into_jobs(r, company);
    } else {
        prefix_names(r, company);
    }
    return E_OK;
}

/* ---- the whole ------------------------------------------------------------- */

/* The message's descriptor refuses it: a duration is told as one. */
static enum errc
refuse_value(const struct ctl_args *a, const struct msg_desc *d, struct err *e)
{
    const struct ctl_param  *p = ctl_param_of_field(a->command, e->field);
    const struct field_desc *f = find_desc(d, e->field);
    char                     name[64], low[32], high[32];

    if (p && f && p->kind == CTL_DURATION) {
        return err_set(e, E_BAD_REQUEST, "%s: must be a duration from %s to %s",
                       ctl_param_text(p, name, sizeof(name)),
                       duration_text(f->low, low, sizeof(low)),
                       duration_text(f->high, high, sizeof(high)));
    }
    ctl_name_options(a->command, e);
    e->field[0] = '\0'; /* of a request that was never made */
    return e->code;
}

enum errc
ctl_request_make(const struct ctl_args *a, int64_t now_ms, struct ctl_request *out, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    const char         *wrong;
    union msg           m;

    *out = (struct ctl_request){.desc = msg_desc(a->command->op)};
    for (size_t i = 0; i < a->ngiven; i++) {
        if (put_given(out, a, &a->given[i], now_ms, e)) return e->code;
    }
    if (put_company(out, ctl_args_text(a, "company"), e)) return e->code;
    ctl_request_pack(out, &body);
    if (msg_unpack(out->desc, buf_view(&body), &m, e)) return refuse_value(a, out->desc, e);
    if ((wrong = mp_check(buf_view(&body)))) return err_set(e, E_BAD_REQUEST, "%s", wrong);
    if (body.size + ENVELOPE_MAX > CLIENT_MESSAGE_MAX) {
        return err_set(e, E_TOO_LARGE, "the request is %zu bytes, the limit is %d", body.size,
                       CLIENT_MESSAGE_MAX);
    }
    return E_OK;
}
