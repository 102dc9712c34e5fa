#include "supervisor/config/yaml.h"

#include "common/mp.h"
#include <assert.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The scanner keeps a token per indicator of a flow line in memory before we see the first event,
 * so they are counted first: generously, since prose in quotes has commas too. */
#define INDICATORS_MAX ((size_t)4 * MP_NODES_MAX)

struct builder {
    struct arena *arena;
    struct yaml  *root; /* above the document, which is its only child */
    struct yaml  *open; /* the list or map being filled */
    unsigned      depth;
    size_t        nodes;
    bool          has_key; /* a map's key was read, its value comes next */
    struct view   key;
    uint32_t      line, column; /* of that key, later of the last value */
};

/* ---- the text, before it is parsed ----------------------------------------- */

static size_t
character_size(unsigned char lead)
{
    return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static const char *
character_fault(struct view text, size_t at, size_t size)
{
    unsigned char c = (unsigned char)text.data[at];

    if (at + size > text.size || !utf8_is_valid(view_of(text.data + at, size))) {
        return "not UTF-8";
    }
    if (c == '\r' && at + 1 < text.size && text.data[at + 1] == '\n') return NULL;
    if (c == '\t' || c == '\n') return NULL;
    return c < 0x20 || c == 0x7f ? "a control character" : NULL;
}

static enum errc
check_text(struct view text, struct yaml *root, struct err *e)
{
    size_t indicators = 0;
    size_t size = 0;

    if (text.size > YAML_BYTES_MAX) {
        return yaml_refuse(root, e, "the file is over %d bytes", YAML_BYTES_MAX);
    }
    for (size_t at = 0; at < text.size; at += size) {
        char c = text.data[at];

        size = character_size((unsigned char)c);
        const char *fault = character_fault(text, at, size);
        if (c == '[' || c == '{' || c == ',') indicators++;
        if (indicators > INDICATORS_MAX) fault = "too many values";
        if (fault) return yaml_refuse(root, e, "%s", fault);
        root->column++;
        if (c != '\n') continue;
        root->line++;
        root->column = 1;
    }
    root->line = root->column = 1;
    return E_OK;
}

/* ---- events to tree -------------------------------------------------------- */

/* Takes the event's place, which the library counts from behind a quote or a '*'; an empty value
 * has none, and the last one stays. */
static void
take_place(struct builder *b, struct fy_event *ev)
{
    const struct fy_mark *mark = fy_event_start_mark(ev);
    bool                  is_behind = ev->type == FYET_ALIAS;

    if (!mark) return;
    if (ev->type == FYET_SCALAR) {
        enum fy_scalar_style style = fy_token_scalar_style(ev->scalar.value);
        is_behind = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    }
    b->line = (uint32_t)mark->line + 1;
    b->column = (uint32_t)mark->column + (is_behind ? 0 : 1);
}

static struct yaml *
add_node(struct builder *b, enum yaml_type type, struct fy_event *ev)
{
    struct yaml *n = arena_alloc(b->arena, sizeof(*n));

    *n = (struct yaml){.type = type, .parent = b->open, .index = b->open->count};
    if (b->has_key) {
        n->key = b->key;
        n->key_line = b->line;
        n->key_column = b->column;
    }
    take_place(b, ev);
    n->line = b->line;
    n->column = b->column;
    b->has_key = false;
    b->open->count++;
    if (b->open->last) {
        b->open->last->next = n;
    } else {
        b->open->first = n;
    }
    b->open->last = n;
    return n;
}

/* Refuses at the event, under the path of what is being filled. */
static enum errc
refuse_event(struct builder *b, struct fy_event *ev, struct err *e, const char *what)
{
    struct yaml here = *b->open;

    take_place(b, ev);
    here.line = b->line;
    here.column = b->column;
    return yaml_refuse(&here, e, "%s", what);
}

static const char *
event_fault(const struct builder *b, struct fy_event *ev)
{
    bool is_container = ev->type == FYET_MAPPING_START || ev->type == FYET_SEQUENCE_START;

    if (ev->type == FYET_ALIAS || fy_event_get_anchor_token(ev)) {
        return "anchors and aliases are not supported: write the value out";
    }
    if (fy_event_get_tag_token(ev)) return "tags are not supported: put a string in quotes";
    if (is_container && b->depth == MP_DEPTH_MAX) return "nested too deep";
    if (b->nodes == MP_NODES_MAX) return "too many values";
    if (is_container && b->open->type == YAML_MAP && !b->has_key) {
        return "a key must be a word, not a list or a map";
    }
    return NULL;
}

/* libfyaml 0.7 reads a run of apostrophes in single quotes, and some folded blocks, wrongly: a
 * character too many or too few, cut or padded to the length that its scanner has counted.  So the
 * pieces are gathered here and must be as long as that; fy_token_get_text would cut, and leak. */
static enum errc
take_text(struct builder *b, struct fy_event *ev, struct view *out, struct err *e)
{
    BUF_AUTO struct buf         text = {0};
    struct fy_token            *token = ev->scalar.value;
    const struct fy_iter_chunk *piece = NULL;
    int                         fault = 0;

    *out = view_of(NULL, 0);
    if (!token) return E_OK;
    struct fy_token_iter *it = fy_token_iter_create(token);
    if (!it) return err_set(e, E_INTERNAL, "cannot set up the YAML parser");
    while ((piece = fy_token_iter_chunk_next(it, piece, &fault)))
        buf_add(&text, piece->str, piece->len);
    fy_token_iter_destroy(it);
    if (fault || text.size != fy_token_get_text_length(token)) {
        return refuse_event(b, ev, e,
                            "this text cannot be read reliably: write it in double quotes");
    }
    *out = arena_copy(b->arena, buf_view(&text));
    return E_OK;
}

static enum errc
add_scalar(struct builder *b, struct fy_event *ev, struct err *e)
{
    struct fy_token *token = ev->scalar.value;
    bool             is_plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    struct view      text;

    if (take_text(b, ev, &text, e)) return e->code;
    if (b->open->type == YAML_MAP && !b->has_key) {
        b->has_key = true;
        b->key = text;
        take_place(b, ev);
        return E_OK;
    }
    add_node(b, is_plain ? yaml_plain_type(text) : YAML_STRING, ev)->text = text;
    return E_OK;
}

static int
compare_keys(const void *a, const void *b)
{
    const struct yaml *left = *(const struct yaml *const *)a;
    const struct yaml *right = *(const struct yaml *const *)b;
    size_t             min = left->key.size < right->key.size ? left->key.size : right->key.size;
    int                order = min > 0 ? memcmp(left->key.data, right->key.data, min) : 0;

    if (order == 0) order = (left->key.size > right->key.size) - (left->key.size < right->key.size);
    if (order == 0) order = (left->index > right->index) - (left->index < right->index);
    return order;
}

/* The first member, in the order of the text, whose key stands before it too (then at *first). */
static const struct yaml *
find_repeated(const struct yaml *map, const struct yaml **first)
{
    const struct yaml  *found = NULL;
    const struct yaml **all = xcalloc(map->count + 1, sizeof(struct yaml *));
    size_t              count = 0;

    for (const struct yaml *n = map->first; n; n = n->next)
        all[count++] = n;
    qsort(all, count, sizeof(struct yaml *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (!view_eq(all[i]->key, all[i - 1]->key)) continue;
        if (found && found->index < all[i]->index) continue;
        found = all[i];
        *first = all[i - 1];
    }
    free(all);
    return found;
}

static enum errc
close_container(struct builder *b, struct err *e)
{
    const struct yaml *first = NULL;

    assert(b->open->parent); /* events come in pairs */
    const struct yaml *again = b->open->type == YAML_MAP ? find_repeated(b->open, &first) : NULL;

    if (again) {
        return yaml_refuse_key(again, e, "given twice, first in line %u", first->key_line);
    }
    b->open = b->open->parent;
    b->depth--;
    return E_OK;
}

static enum errc
take_event(struct builder *b, struct fy_event *ev, struct err *e)
{
    const char *fault = NULL;

    assert(b->open);
    switch (ev->type) {
    case FYET_ALIAS:
    case FYET_SCALAR:
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        if ((fault = event_fault(b, ev))) return refuse_event(b, ev, e, fault);
        b->nodes++;
        if (ev->type == FYET_SCALAR) return add_scalar(b, ev, e);
        b->open = add_node(b, ev->type == FYET_MAPPING_START ? YAML_MAP : YAML_LIST, ev);
        b->depth++;
        return E_OK;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END: return close_container(b, e);
    case FYET_DOCUMENT_START:
        if (!b->root->first) return E_OK;
        return refuse_event(b, ev, e, "a second document in the file");
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END: break;
    }
    return E_OK;
}

/* ---- libfyaml -------------------------------------------------------------- */

static void
swallow(struct fy_diag *diag, void *user, const char *text, size_t size)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)size;
}

/* Errors are collected, never printed. */
static struct fy_diag *
diag_new(void)
{
    struct fy_diag_cfg cfg;

    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL;
    cfg.output_fn = swallow;
    struct fy_diag *diag = fy_diag_create(&cfg);
    if (diag) fy_diag_set_collect_errors(diag, true);
    return diag;
}

static enum errc
refuse_syntax(struct fy_diag *diag, struct yaml *root, struct err *e)
{
    void                       *at = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &at);

    if (!first) return yaml_refuse(root, e, "not YAML");
    root->line = first->line > 0 ? (uint32_t)first->line : 1;
    root->column = first->column > 0 ? (uint32_t)first->column : 1;
    return yaml_refuse(root, e, "not YAML: %s", first->msg);
}

static enum errc
take_events(struct builder *b, struct fy_parser *parser, struct fy_diag *diag, struct err *e)
{
    struct fy_event *ev;
    bool             is_complete = false;
    enum errc        rc = E_OK;

    while (rc == E_OK && (ev = fy_parser_parse(parser))) {
        is_complete = ev->type == FYET_STREAM_END;
        rc = take_event(b, ev, e);
        fy_parser_event_free(parser, ev);
    }
    if (rc == E_OK && (!is_complete || fy_parser_get_stream_error(parser))) {
        return refuse_syntax(diag, b->root, e);
    }
    return rc;
}

static enum errc
build(struct builder *b, struct view text, struct err *e)
{
    struct fy_diag     *diag = diag_new();
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE |
                                        FYPCF_DEFAULT_VERSION_1_2,
                               .diag = diag};
    struct fy_parser   *parser = diag ? fy_parser_create(&cfg) : NULL;
    enum errc           rc;

    if (!parser || fy_parser_set_string(parser, text.size ? text.data : "", text.size)) {
        rc = err_set(e, E_INTERNAL, "cannot set up the YAML parser");
    } else {
        rc = take_events(b, parser, diag, e);
    }
    if (parser) fy_parser_destroy(parser);
    if (diag) fy_diag_destroy(diag);
    return rc;
}

enum errc
yaml_parse(struct view text, const char *file, struct arena *a, const struct yaml **root,
           struct err *e)
{
    struct yaml *top = arena_alloc(a, sizeof(*top));

    *top = (struct yaml){.type = YAML_NULL, .line = 1, .column = 1, .file = file};
    struct builder b = {.arena = a, .root = top, .open = top, .line = 1, .column = 1};
    if (check_text(text, top, e)) return e->code;
    if (build(&b, text, e)) return e->code;

    *root = top->first ? top->first : top;
    if ((*root)->type == YAML_MAP || (*root)->type == YAML_NULL) return E_OK;
    return yaml_refuse_found(*root, e, "allowed: a map of sections");
}

const struct yaml *
yaml_get(const struct yaml *map, const char *key)
{
    assert(map->type == YAML_MAP || map->type == YAML_NULL);
    for (const struct yaml *n = map->first; n; n = n->next) {
        if (view_is(n->key, key)) return n;
    }
    return NULL;
}

bool
yaml_is_repeated(const struct yaml *item)
{
    for (const struct yaml *n = item->parent->first; n != item; n = n->next) {
        if (view_eq(n->text, item->text)) return true;
    }
    return false;
}
