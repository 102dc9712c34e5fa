/* link - what agentd and its gateway are to each other: it says hello and that it lives, agentd
 * hands over what is for readers of sessions. */
#ifndef TOOLS_GATEWAY_LINK_H
#define TOOLS_GATEWAY_LINK_H

#include "tools/gateway/readers.h"

struct link;

enum errc link_new(struct link **out, struct lws_context *loop, struct client *client,
                   struct readers *readers, void *zmq, const char *run_dir,
                   struct err *e) MUST_CHECK;
void      link_destroy(struct link **p);
/* Called when agentd asks for the files of the page to be read again. */
void link_on_page(struct link *l, void (*on_page)(void *arg), void *arg);
/* Readable when link_pump has something to do. */
void link_fds(const struct link *l, int fds[CONNECTION_FDS]);
void link_pump(struct link *l);
/* agentd is there, again: hello, once it can also speak to us.  What it has to say before that it
 * keeps, and that is not much. */
void link_greet(struct link *l);

#endif
