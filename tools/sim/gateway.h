/* gateway - the gateway's process in a simulated run, and those who read sessions through it (D5).
 *
 * It says hello, attaches readers to sessions and detaches them, is handed messages and
 * acknowledges them after a while, some never.  It dies and comes again; nobody acknowledges what
 * he has acknowledged before, and nothing of that is handed out again. */
#ifndef SIM_GATEWAY_H
#define SIM_GATEWAY_H

#include "supervisor/engine/engine.h"
#include "tools/sim/list.h"

#define GATEWAY_NAME_SIZE 24 /* names and keys of a simulation are short */

struct sim;

struct attached {
    char     key[GATEWAY_NAME_SIZE], company[GATEWAY_NAME_SIZE];
    uint64_t attach; /* the request, until it is answered; 0: it is */
};

struct handed {
    uint64_t effect;
    char     key[GATEWAY_NAME_SIZE], company[GATEWAY_NAME_SIZE];
    int64_t  at;  /* boot: it is acknowledged */
    uint64_t ack; /* the request, 0: not yet */
};

struct gateway {
    bool     is_up, is_known; /* agentd has answered its hello */
    int64_t  acts_at;         /* boot: it is started, or asks once more */
    uint64_t hello;           /* the request */
    uint64_t reader_numbers;
    LIST_OF(struct attached) readers;
    LIST_OF(struct handed) handed;
    LIST_OF(bool) read; /* effect N was acknowledged */
};

void gateway_done(struct gateway *g);
/* What it does by itself, and when it next does something (boot). */
void    gateway_step(struct sim *s);
int64_t gateway_next(const struct sim *s);
/* What the engine has released. */
void gateway_output(struct sim *s, const struct output *o);
/* It dies; agentd, if it is there, is told, or hears of it by the next hello. */
void gateway_die(struct sim *s, bool is_told);
/* A reader comes or goes. */
void gateway_request(struct sim *s);
/* Each session has a reader from now on. */
void gateway_read_all(struct sim *s);
/* An operator wants it sent again. */
void gateway_send_again(struct sim *s, uint64_t effect);

#endif
