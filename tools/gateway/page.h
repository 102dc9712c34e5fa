/* page - the files of the demonstration page, or of another one (gateway.page).
 *
 * The folder's own files are read at the start, and again when agentd reloads: no path that a peer
 * names ever reaches the file system. */
#ifndef TOOLS_GATEWAY_PAGE_H
#define TOOLS_GATEWAY_PAGE_H

#include "common/buf.h"
#include "common/err.h"

#define PAGE_FILES_MAX 64
#define PAGE_FILE_MAX  1048576 /* bytes */

struct page_file {
    char       *name;
    const char *type; /* by the name's end */
    struct buf  text;
};
struct page {
    struct page_file files[PAGE_FILES_MAX];
    size_t           count;
};

/* `folder` "" is a page without files.  Files of other kinds (.html, .css, .js, .svg, .png, .ico
 * are served), hidden ones, links and folders are passed over, and those that we may not read with
 * a warning in the log; too many or too large ones are E_TOO_LARGE. */
enum errc page_read(struct page *p, const char *folder, struct err *e) MUST_CHECK;
void      page_done(struct page *p);
/* "/" is index.html; NULL when there is none. */
const struct page_file *page_find(const struct page *p, struct view path);

#endif
