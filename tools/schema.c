/* schema PROTOCOL.md schema.lock - prints the message lists into the documents that show them.
 *
 * The text between the markers of PROTOCOL.md is replaced.  schema.lock is written anew when the
 * protocol version has changed; within one version a changed schema is refused. */
#include "proto/codec.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "<!-- schema: printed by `make docs` -->\n```\n"
#define END   "```\n<!-- end of schema -->\n"

static void
die(const char *path, const char *what)
{
    (void)fprintf(stderr, "schema: %s: %s\n", path, what);
    exit(1);
}

/* False when there is no such file. */
static bool
read_file(const char *path, struct buf *out)
{
    FILE  *f = fopen(path, "r");
    char   bytes[8192];
    size_t size;

    if (!f && errno == ENOENT) return false;
    if (!f) die(path, strerror(errno));
    while ((size = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(out, bytes, size);
    if (ferror(f)) die(path, "cannot be read");
    (void)fclose(f); /* only read from */
    return true;
}

static void
write_file(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "w");

    if (!f) die(path, strerror(errno));
    bool is_written = fwrite(text->data, 1, text->size, f) == text->size;
    if (fclose(f) || !is_written) die(path, "cannot be written");
}

static void
write_lock(const char *path, struct buf *schema)
{
    struct buf BUF_AUTO old = {0};
    const char         *text = buf_str(schema);
    size_t              version = (size_t)(strchr(text, '\n') - text) + 1;

    if (read_file(path, &old)) {
        if (view_eq(buf_view(&old), buf_view(schema))) return;
        if (old.size >= version && memcmp(old.data, text, version) == 0) {
            die(path, "the messages changed within one version: raise PROTO_VERSION in "
                      "proto/messages.h, or remove this file if the version was never released");
        }
    }
    write_file(path, schema);
}

static void
write_tables(const char *path, const struct buf *schema)
{
    struct buf BUF_AUTO old = {0};
    struct buf          BUF_AUTO new = {0};

    if (!read_file(path, &old)) die(path, strerror(ENOENT));
    const char *text = buf_str(&old);
    const char *begin = strstr(text, BEGIN);
    const char *end = begin ? strstr(begin, END) : NULL;
    if (!end) die(path, "has no markers around the schema");
    buf_add(&new, text, (size_t)(begin - text) + strlen(BEGIN));
    buf_add_view(&new, buf_view(schema));
    buf_add_str(&new, end);
    write_file(path, &new);
}

int
main(int argc, char **argv)
{
    struct buf BUF_AUTO schema = {0};

    if (argc != 3) die("usage", "schema PROTOCOL.md schema.lock");
    schema_text(&schema);
    write_lock(argv[2], &schema);
    write_tables(argv[1], &schema);
    return 0;
}
