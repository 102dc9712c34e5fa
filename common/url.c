#include "common/url.h"

#include <string.h>
#include <strings.h>

const char *
url_problem(struct view url)
{
    static const char *const schemes[] = {"http://", "https://"};
    size_t                   at = 0;

    for (size_t i = 0; i < url.size; i++) {
        if (url.data[i] <= ' ' || url.data[i] > '~')
            return "holds a blank, or a character that a URL gives as %XX";
    }
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t size = strlen(schemes[i]);

        if (url.size >= size && strncasecmp(url.data, schemes[i], size) == 0) at = size;
    }
    if (at == 0) return "is not an http:// or https:// URL";
    if (at == url.size || strchr("/?#:@", url.data[at])) return "names no host";
    return NULL;
}
