#include "tools/gateway/page.h"

#include "common/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
type_of(const char *name)
{
    static const struct {
        const char *end;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"      },
        {".css",  "text/css; charset=utf-8"       },
        {".js",   "text/javascript; charset=utf-8"},
        {".svg",  "image/svg+xml"                 },
        {".png",  "image/png"                     },
        {".ico",  "image/x-icon"                  },
    };
    const char *dot = strrchr(name, '.');

    if (name[0] == '.') return NULL;
    for (size_t i = 0; dot && i < ARRAY_LEN(types); i++) {
        if (strcmp(dot, types[i].end) == 0) return types[i].type;
    }
    return NULL;
}

static enum errc
read_all(int fd, const char *name, struct buf *out, struct err *e)
{
    char    part[16384];
    ssize_t size;

    while ((size = read(fd, part, sizeof(part))) > 0) {
        buf_add(out, part, (size_t)size);
        if (out->size > PAGE_FILE_MAX) {
            return err_set(e, E_TOO_LARGE, "%s: a file of a page has at most %d bytes", name,
                           PAGE_FILE_MAX);
        }
    }
    return size < 0 ? err_errno(e, "%s", name) : E_OK;
}

static enum errc
take_file(struct page *p, int folder, const char *name, const char *type, struct err *e)
{
    struct buf  text = {0};
    struct stat st;
    int         fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0 && errno != ELOOP && errno != ENOENT) { /* neither a link nor removed just now */
        err_errno(e, "it cannot be read");
        log_warn("a file of the page is not served", "file=%s error=%s", log_quote(name),
                 log_quote(e->msg));
    }
    if (fd < 0) return E_OK;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if (p->count == PAGE_FILES_MAX) {
            err_set(e, E_TOO_LARGE, "a page has at most %d files", PAGE_FILES_MAX);
            (void)close(fd);
            return e->code;
        }
        struct page_file *f = &p->files[p->count++];
        *f = (struct page_file){.name = xstrdup(name), .type = type};
        if (read_all(fd, name, &text, e)) {
            buf_done(&text);
            (void)close(fd);
            return e->code;
        }
        f->text = text;
    }
    (void)close(fd);
    return E_OK;
}

enum errc
page_read(struct page *p, const char *folder, struct err *e)
{
    const struct dirent *entry;
    enum errc            failed = E_OK;
    DIR                 *dir;

    *p = (struct page){0};
    if (!*folder) return E_OK;
    if (!(dir = opendir(folder))) return err_errno(e, "the page's folder %s", folder);
    while (!failed && (entry = readdir(dir))) {
        const char *type = type_of(entry->d_name);

        if (type) failed = take_file(p, dirfd(dir), entry->d_name, type, e);
    }
    (void)closedir(dir);
    if (failed) page_done(p);
    return failed;
}

void
page_done(struct page *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->files[i].name);
        buf_done(&p->files[i].text);
    }
    p->count = 0;
}

const struct page_file *
page_find(const struct page *p, struct view path)
{
    struct view name = view_str("index.html");

    if (path.size == 0 || path.data[0] != '/') return NULL;
    if (path.size > 1) name = view_of(path.data + 1, path.size - 1);
    for (size_t i = 0; i < p->count; i++) {
        if (view_is(name, p->files[i].name)) return &p->files[i];
    }
    return NULL;
}
