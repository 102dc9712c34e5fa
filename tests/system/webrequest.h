/* webrequest - a request as the servers of the tests read it. */
#ifndef TESTS_SYSTEM_WEBREQUEST_H
#define TESTS_SYSTEM_WEBREQUEST_H

#include <stddef.h>

#define WEBREQUEST_MAX 65536

/* A whole request into head, which has WEBREQUEST_MAX bytes; its body, where the head ends; NULL
 * when none came. */
const char *webrequest_read(int fd, char *head);
/* The value of a header into out, "-" when there is none. */
void webrequest_header(const char *head, const char *name, char *out, size_t size);

#endif
