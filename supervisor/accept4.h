/* accept4 - libzmq's accept4, replaced: out of descriptors, a connection is shed instead of the
 * daemon aborted.
 *
 * libzmq's ipc listener asserts when accept4 fails with EMFILE, so anybody who may open the socket
 * could end us; its tcp listener spins.  The definition here comes before the C library's for every
 * library in the process.  Out of descriptors or memory it gives up a spare descriptor to accept
 * and close the connection, takes the spare back, and says ECONNABORTED, which libzmq passes over.
 */
#ifndef SUPERVISOR_ACCEPT4_H
#define SUPERVISOR_ACCEPT4_H

#include <stdint.h>

/* Opens the spare descriptor; before the first socket is bound. */
void accept4_prepare(void);
/* Connections shed so far. */
uint64_t accept4_shed(void);

#endif
