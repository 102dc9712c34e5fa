/* feed - watchers of agentd's feed, as Server-Sent Events.
 *
 * The doorbell says that there is something new; then each watcher whose last page was taken reads
 * the next one by its own cursor and rights.  So a slow watcher holds one page and costs nobody
 * anything, and one that was away too long is told of the gap.  Watchers that stand at the same
 * place with the same token share what is read. */
#ifndef TOOLS_GATEWAY_FEED_H
#define TOOLS_GATEWAY_FEED_H

#include "tools/gateway/client.h"
#include "tools/gateway/counters.h"

#define WATCHERS_MAX 1000

struct feed;
struct watcher;

/* Connects to the run folder's feed.sock, whether somebody listens or not. */
enum errc feed_new(struct feed **out, struct client *client, struct counters *counters, void *zmq,
                   const char *run_dir, struct err *e) MUST_CHECK;
void      feed_destroy(struct feed **p); /* after its watchers */
/* Readable when feed_pump has something to do. */
void feed_fds(const struct feed *f, int fds[CONNECTION_FDS]);
void feed_pump(struct feed *f);
/* All watchers look: agentd is there again. */
void   feed_wake(struct feed *f);
size_t feed_watchers(const struct feed *f);

/* Answers a request for the feed, whose headers are still there; reads its query. */
struct watcher *watcher_new(struct feed *f, struct lws *wsi, const char *token_hash);
void            watcher_destroy(struct watcher **p);
/* False: the connection is to be closed. */
bool watcher_on_writable(struct watcher *w);
/* A sign of life, so that a peer that is gone is found.  False as above. */
bool watcher_on_timer(struct watcher *w);

#endif
