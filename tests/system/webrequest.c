#include "tests/system/webrequest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const char *
webrequest_read(int fd, char *head)
{
    size_t      size = 0, wanted = SIZE_MAX;
    const char *body = NULL;
    char        length[24];

    while (size < wanted && size < WEBREQUEST_MAX - 1) {
        ssize_t n = read(fd, head + size, WEBREQUEST_MAX - 1 - size);

        if (n <= 0) return NULL;
        size += (size_t)n;
        head[size] = '\0';
        if (!body && (body = strstr(head, "\r\n\r\n")) != NULL) {
            webrequest_header(head, "content-length", length, sizeof(length));
            wanted = (size_t)(body + 4 - head) + strtoul(length, NULL, 10);
        }
    }
    return body ? body + 4 : NULL;
}

void
webrequest_header(const char *head, const char *name, char *out, size_t size)
{
    const char *line = head;

    (void)snprintf(out, size, "-"); /* fits */
    while ((line = strstr(line, "\r\n")) != NULL) {
        line += 2;
        if (strncasecmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':') continue;
        line += strlen(name) + 1;
        line += strspn(line, " ");
        (void)snprintf(out, size, "%.*s", (int)strcspn(line, "\r"), line); /* long ones are cut */
        return;
    }
}
