/* The table of routes: where paths lead, and how a request's parts become a message. */
#include "common/json.h"
#include "tools/gateway/openapi.h"
#include "tools/gateway/routes.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- where paths lead ---------------------------------------------------------------------- */

static void
leads(enum method method, const char *path, const char *op, const char *value)
{
    struct route_match m = route_find(method, view_str(path));

    if (!m.route) fail_msg("%s leads nowhere", path);
    assert_string_equal(msg_desc(m.route->op)->op, op);
    assert_true(view_is(m.value, value));
}

static void
a_path_leads_to_its_operation(void **state)
{
    (void)state;
    leads(METHOD_GET, "/v1/jobs", "job.list", "");
    leads(METHOD_POST, "/v1/jobs", "job.submit", "");
    leads(METHOD_GET, "/v1/jobs/12", "job.show", "12");
    leads(METHOD_GET, "/v1/jobs/stats", "job.stats", "");
    leads(METHOD_GET, "/v1/jobs/12/why", "job.why", "12");
    leads(METHOD_DELETE, "/v1/schedules/nightly", "schedule.remove", "nightly");
    leads(METHOD_POST, "/v1/sessions/chat/anna/messages", "session.send", "chat/anna");
}

static void
a_name_may_have_its_company_and_a_key_may_have_slashes(void **state)
{
    (void)state;
    leads(METHOD_GET, "/v1/schedules/acme/nightly", "schedule.show", "acme/nightly");
    leads(METHOD_GET, "/v1/schedules/acme/nightly/why", "schedule.why", "acme/nightly");
    leads(METHOD_GET, "/v1/schedules/nightly/why", "schedule.why", "nightly");
    leads(METHOD_GET, "/v1/sessions/a/b/c", "session.show", "a/b/c");
    leads(METHOD_GET, "/v1/sessions/a/b/c/events", "session.events", "a/b/c");
}

static void
what_is_no_route_leads_nowhere(void **state)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "/v1",
                                      "/v1/job",
                                      "/v1/jobs/",
                                      "/v1/jobs/x",
                                      "/v1/jobs/-1",
                                      "/v1/jobs/1/",
                                      "/v1/jobs/1/2",
                                      "/v2/jobs",
                                      "/v1/schedules/a/b/c"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (route_find(METHOD_GET, view_str(bad[i])).route) fail_msg("\"%s\"", bad[i]);
    }
}

static void
another_method_is_told_which_there_are(void **state)
{
    struct route_match m = route_find(METHOD_DELETE, view_str("/v1/jobs"));

    (void)state;
    assert_null(m.route);
    assert_int_equal(m.methods, 1 << METHOD_GET | 1 << METHOD_POST);
    assert_int_equal(route_find(METHOD_GET, view_str("/v1/nothing")).methods, 0);
}

/* What a token may ask at all can be asked by HTTP.  These go by other ways: ping by /readyz, the
 * feed by /v1/feed. */
static void
every_operation_up_to_operator_has_a_route(void **state)
{
    size_t              count;
    const struct route *all = routes(&count);

    (void)state;
    for (enum msg_id id = 1; id < MSG_COUNT; id++) {
        const struct msg_desc *d = msg_desc(id);
        size_t                 i = 0;

        if (d->group != GROUP_CONTROL || d->role > ROLE_OPERATOR) continue;
        if (id == MSG_PING || id == MSG_FEED_READ) continue;
        while (i < count && all[i].op != id)
            i++;
        if (i == count) fail_msg("%s has no route: see tools/gateway/routes.c", d->op);
    }
}

static void
no_route_is_of_an_operation_that_no_token_may_ask(void **state)
{
    size_t              count;
    const struct route *all = routes(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(msg_desc(all[i].op)->role <= ROLE_OPERATOR);
        assert_true(all[i].status >= 200 && all[i].status < 300);
    }
}

/* ---- a message ----------------------------------------------------------------------------- */

/* Makes one; the result's code, and the body as JSON when it is E_OK. */
static enum errc
make(enum method method, const char *path, const char *query, const char *json, struct buf *out,
     struct err *e)
{
    struct route_match m = route_find(method, view_str(path));
    struct route_body  b;

    assert_non_null(m.route);
    buf_clear(out);
    enum errc failed = route_body_begin(&b, &m, e);
    if (!failed && query) {
        struct view value = view_str(query), name = view_take(&value, '=');

        failed = route_body_query(&b, m.route, name, value, e);
    }
    if (!failed) failed = route_body_json(&b, view_str(json), e);
    if (!failed) failed = json_from_mp(route_body_end(&b), out, e);
    route_body_done(&b);
    return failed;
}

static void
expect(enum method method, const char *path, const char *query, const char *json, const char *body)
{
    BUF_AUTO struct buf out = {0};
    struct err          e;

    if (make(method, path, query, json, &out, &e)) fail_msg("%s: %s", path, e.msg);
    assert_string_equal(buf_str(&out), body);
}

static void
refuse(enum method method, const char *path, const char *query, const char *json)
{
    BUF_AUTO struct buf out = {0};
    struct err          e;

    assert_int_equal(make(method, path, query, json, &out, &e), E_BAD_REQUEST);
}

static void
path_query_and_body_become_one_message(void **state)
{
    (void)state;
    expect(METHOD_GET, "/v1/jobs/12", NULL, "", "{\"id\":12}");
    expect(METHOD_GET, "/v1/jobs", "state=failed", "", "{\"state\":\"failed\"}");
    expect(METHOD_GET, "/v1/jobs", "session=chat/anna", "", "{\"session\":\"chat/anna\"}");
    expect(METHOD_GET, "/v1/jobs", "limit=5", "", "{\"limit\":5}");
    expect(METHOD_GET, "/v1/jobs", "due=true", "", "{\"due\":true}");
    expect(METHOD_GET, "/v1/jobs", "due", "", "{\"due\":true}");
    expect(METHOD_POST, "/v1/schedules/nightly/run", "force=1", "",
           "{\"name\":\"nightly\",\"force\":true}");
    expect(METHOD_POST, "/v1/jobs/12/retry", NULL, "{\"force\": true}",
           "{\"id\":12,\"force\":true}");
}

static void
a_company_stands_before_a_name_as_the_message_has_it(void **state)
{
    (void)state;
    expect(METHOD_GET, "/v1/agents/acme/scout", NULL, "", "{\"name\":\"acme/scout\"}");
    expect(METHOD_PATCH, "/v1/agents/acme/scout", NULL, "{}",
           "{\"company\":\"acme\",\"name\":\"scout\"}");
}

static void
a_slash_that_is_written_as_an_escape_is_of_the_value(void **state)
{
    (void)state;
    leads(METHOD_GET, "/v1/sessions/a%2Fevents", "session.show", "a%2Fevents");
    leads(METHOD_GET, "/v1/sessions/..%2F..%2Fjobs%2Fstats", "session.show",
          "..%2F..%2Fjobs%2Fstats");
    expect(METHOD_GET, "/v1/sessions/..%2F..%2Fjobs%2Fstats", NULL, "",
           "{\"key\":\"../../jobs/stats\"}");
    expect(METHOD_GET, "/v1/sessions/w%2f%2fx%252f/why", NULL, "", "{\"key\":\"w//x%2f\"}");
    expect(METHOD_GET, "/v1/schedules/acme%2Fnightly/why", NULL, "", "{\"name\":\"acme/nightly\"}");
}

static void
what_does_not_fit_is_refused(void **state)
{
    (void)state;
    refuse(METHOD_GET, "/v1/jobs", "nothing=1", "");
    refuse(METHOD_GET, "/v1/jobs", "limit=many", "");
    refuse(METHOD_GET, "/v1/jobs", "limit=", "");
    refuse(METHOD_GET, "/v1/jobs", "limit=99999999999999999999", "");
    refuse(METHOD_GET, "/v1/jobs", "due=perhaps", "");
    refuse(METHOD_GET, "/v1/jobs", "tag=\xff", "");
    refuse(METHOD_POST, "/v1/jobs", NULL, "[]");
    refuse(METHOD_POST, "/v1/jobs", NULL, "{\"a\": 1");
    refuse(METHOD_POST, "/v1/jobs", NULL, "null");
    refuse(METHOD_GET, "/v1/jobs/99999999999999999999", NULL, "");
}

/* The message's own decoder refuses what comes twice: a body does not override a path. */
static void
a_field_in_path_and_body_is_refused_by_the_message(void **state)
{
    union msg          message;
    struct route_match m = route_find(METHOD_POST, view_str("/v1/jobs/12/cancel"));
    struct route_body  b;
    struct err         e;

    (void)state;
    assert_int_equal(route_body_begin(&b, &m, &e), E_OK);
    assert_int_equal(route_body_json(&b, view_str("{\"id\": 13}"), &e), E_OK);
    assert_int_equal(msg_unpack(msg_desc(m.route->op), route_body_end(&b), &message, &e),
                     E_BAD_REQUEST);
    assert_string_equal(e.field, "id");
    route_body_done(&b);
}

/* ---- the description ----------------------------------------------------------------------- */

static void
the_description_has_every_route(void **state)
{
    BUF_AUTO struct buf text = {0};
    size_t              count, distinct = 0;
    const struct route *all = routes(&count);

    (void)state;
    openapi_text(&text);
    json_t *root = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    for (size_t i = 0; i < count; i++) {
        static const char *const methods[] = {"get", "post", "patch", "delete"};
        const json_t *path = json_object_get(json_object_get(root, "paths"), all[i].pattern);
        const json_t *about = json_object_get(path, methods[all[i].method]);

        assert_string_equal(json_string_value(json_object_get(about, "summary")), all[i].summary);
        assert_string_equal(json_string_value(json_object_get(about, "x-op")),
                            msg_desc(all[i].op)->op);
    }
    static const char *const own[] = {
        "/v1/feed", "/v1/sessions/{key}/ws", "/v1/openapi.json", "/metrics", "/healthz", "/readyz"};
    for (size_t i = 0, first; i < count; i++) {
        for (first = 0; strcmp(all[first].pattern, all[i].pattern) != 0;)
            first++;
        distinct += first == i;
    }
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        const json_t *path = json_object_get(json_object_get(root, "paths"), own[i]);

        assert_non_null(json_object_get(json_object_get(path, "get"), "summary"));
    }
    assert_int_equal(json_object_size(json_object_get(root, "paths")), distinct + ARRAY_LEN(own));
    json_decref(root);
}

/* The content of a good answer, with its type; NULL: it has none. */
static const json_t *
answer_of(const json_t *about, const char **type)
{
    const json_t *content = NULL;
    const char   *status;
    json_t       *response;

    json_object_foreach((json_t *)json_object_get(about, "responses"), status, response)
    {
        if (strcmp(status, "default") != 0) content = json_object_get(response, "content");
    }
    if (!content) return NULL;
    assert_int_equal(json_object_size(content), 1);
    *type = json_object_iter_key(json_object_iter((json_t *)content));
    return json_object_get(json_object_get(content, *type), "schema");
}

static const char *
text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* What a client is generated from: names that are not given twice, and what comes back. */
static void
each_operation_has_a_name_of_its_own_and_an_answer(void **state)
{
    BUF_AUTO struct buf text = {0};
    json_t             *names = json_object(), *path, *about;
    const char         *pattern, *method;

    (void)state;
    openapi_text(&text);
    json_t *root = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, NULL);
    json_object_foreach(json_object_get(root, "paths"), pattern, path)
    {
        json_object_foreach(path, method, about)
        {
            const char   *type = "", *id = text_at(about, "operationId");
            const json_t *schema = answer_of(about, &type);

            if (!*id || strchr(id, '.') || json_object_get(names, id)) fail_msg("\"%s\"", id);
            assert_int_equal(json_object_set_new(names, id, json_string(type)), 0);
            if (strcmp(id, "session_ws") != 0) assert_non_null(schema);
            if (strcmp(id, "job_submit") == 0)
                assert_string_equal(text_at(schema, "type"), "object");
            if (strcmp(id, "job_list") == 0)
                assert_string_equal(text_at(schema, "$ref"), "#/components/schemas/page");
        }
    }
    assert_string_equal(text_at(names, "job_submit"), "application/json");
    assert_string_equal(text_at(names, "feed"), "text/event-stream");
    assert_string_equal(text_at(names, "metrics"), "text/plain");
    assert_non_null(json_object_get(names, "schedule_stats_by_name"));
    json_decref(names);
    json_decref(root);
}

static const json_t *
at(const json_t *object, const char *const *keys)
{
    for (; *keys; keys++)
        object = json_object_get(object, *keys);
    return object;
}

static void
what_is_required_is_said_of_bodies_and_errors(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    openapi_text(&text);
    json_t *root = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_true(at(root, (const char *const[]){"paths", "/v1/schedules", "post",
                                                            "requestBody", "required", NULL})));
    assert_true(
        json_is_false(at(root, (const char *const[]){"paths", "/v1/jobs/{id}/cancel", "post",
                                                     "requestBody", "required", NULL})));
    assert_int_equal(json_array_size(at(root, (const char *const[]){"components", "schemas",
                                                                    "error", "required", NULL})),
                     1);
    assert_int_equal(
        json_array_size(at(root, (const char *const[]){"components", "schemas", "error",
                                                       "properties", "error", "required", NULL})),
        4);
    json_decref(root);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_leads_to_its_operation),
        cmocka_unit_test(a_name_may_have_its_company_and_a_key_may_have_slashes),
        cmocka_unit_test(a_slash_that_is_written_as_an_escape_is_of_the_value),
        cmocka_unit_test(what_is_no_route_leads_nowhere),
        cmocka_unit_test(another_method_is_told_which_there_are),
        cmocka_unit_test(every_operation_up_to_operator_has_a_route),
        cmocka_unit_test(no_route_is_of_an_operation_that_no_token_may_ask),
        cmocka_unit_test(path_query_and_body_become_one_message),
        cmocka_unit_test(a_company_stands_before_a_name_as_the_message_has_it),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_field_in_path_and_body_is_refused_by_the_message),
        cmocka_unit_test(the_description_has_every_route),
        cmocka_unit_test(each_operation_has_a_name_of_its_own_and_an_answer),
        cmocka_unit_test(what_is_required_is_said_of_bodies_and_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
