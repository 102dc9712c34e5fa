/* url - whether a text can be the URL of a web request. */
#ifndef COMMON_URL_H
#define COMMON_URL_H

#include "common/buf.h"

/* NULL for http:// or https:// with a host, and a port of 1 to 65535 if one is named, of visible
 * ASCII characters; else what is wrong, a clause to stand behind the field's name. */
const char *url_problem(struct view url);

#endif
