#include "supervisor/engine/page.h"

#include "supervisor/engine/objects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DEFAULT 100

void
page_open(struct reading *r, struct page *p, bool has_limit, uint64_t limit)
{
    *p = (struct page){.limit = has_limit ? (uint32_t)limit : PAGE_DEFAULT};
    p->map = mp_open(r->reply);
    mp_key(r->reply, &p->map, "items");
    p->header = mp_array_open(r->reply);
}

void
page_scan(struct reading *r, struct page *p, enum index_id index, const void *from, unsigned prefix,
          unsigned start)
{
    scan_open(&p->scan, r->txn, index, from, prefix, start);
}

bool
page_next(struct page *p, void *row)
{
    if (page_is_over(p) || !scan_next(&p->scan, row)) return false;
    p->examined++;
    return true;
}

/* As it is given out; read back, another text is no cursor: a sign, a zero in front, a number
 * beyond its type. */
static struct view
cursor_text(const struct cursor_number *n, size_t count, char text[CURSOR_MAX])
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, CURSOR_MAX - size, i ? ".%" PRId64 : "%" PRId64,
                                 n[i].value);
    return view_of(text, size);
}

void
page_at(struct page *p, uint64_t id)
{
    page_at_key(p, &(struct cursor_number){.value = (int64_t)id}, 1);
}

bool
page_is_over(const struct page *p)
{
    return p->count >= p->limit || p->examined >= READ_ROWS_MAX;
}

void
page_close(struct reading *r, struct page *p)
{
    scan_close(&p->scan);
    if (!page_is_over(p)) p->next[0] = '\0';
    mp_array_close(r->reply, p->header, p->count);
    mp_put_str_or_nil(r->reply, &p->map, "next", view_str(p->next));
    mp_close(r->reply, &p->map);
}

enum errc
page_no_cursor(struct reading *r)
{
    err_field(r->e, "after", "no cursor of this list");
    return err_hint(r->e, "leave it out for the first page, whose \"next\" is the next one's");
}

void
page_at_key(struct page *p, const struct cursor_number *n, size_t count)
{
    (void)cursor_text(n, count, p->next);
}

enum errc
cursor_key(struct reading *r, struct view after, struct cursor_number *n, size_t count)
{
    char  text[CURSOR_MAX], again[CURSOR_MAX];
    char *at = text;

    if (after.size >= sizeof(text)) return page_no_cursor(r);
    memcpy(text, after.data, after.size);
    text[after.size] = '\0';
    for (size_t i = 0; i < count; i++) {
        n[i].value = strtoll(at, &at, 10);
        if (n[i].value < n[i].least || n[i].value > n[i].most) return page_no_cursor(r);
        if (*at) at++;
    }
    return view_eq(cursor_text(n, count, again), after) ? E_OK : page_no_cursor(r);
}

enum errc
cursor_id(struct reading *r, struct view after, uint64_t end, uint64_t *id)
{
    struct cursor_number n = {.least = 1, .most = (int64_t)end - 1};

    *id = 0;
    if (after.size == 0) return E_OK;
    if (cursor_key(r, after, &n, 1)) return r->e->code;
    *id = (uint64_t)n.value;
    return E_OK;
}

enum errc
read_company(struct reading *r, struct view name, uint32_t *company)
{
    *company = 0;
    if (name.size == 0 && r->actor->company.size == 0) return E_OK;
    return object_company(r->txn, r->actor, name, company, r->e);
}
