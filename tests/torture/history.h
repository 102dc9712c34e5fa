/* history - what one client asked and was answered, a line each, in a file that the judge reads.
 *
 *   S NUMBER KIND COUNT       it is about to ask for COUNT jobs of this kind
 *   A NUMBER ID…              they were acknowledged with these ids
 *   K NUMBER TICKET           … and they are to serve this ticket
 *   J NUMBER ID               it was given a job that was there already
 *   U NUMBER                  their outcome is unknown: asked, never answered
 *   R NUMBER CODE             they were refused
 *   C JOB WORD                a cancel: yes (it is cancelled), stopping, no, unknown
 *   T JOB WORD                a retry: yes, no, unknown
 *   P JOB WORD                a purge: yes, unknown
 *   O TITLE ID                a goal or ticket was made; ID 0: nobody knows
 *   V JOB STATE ATTEMPT       a read showed the job so
 *   H NUMBER SESSION TYPE LATE  it is about to append an event to a session, or to set a timer
 *   h NUMBER SEQ              it was acknowledged with this number; a timer: 0
 *   Z NUMBER WORD             a cancel of the timer: yes, no, unknown
 *   n NUMBER                  its outcome is unknown
 *   f NUMBER CODE             it was refused
 *   I NUMBER DEED SESSION ID MENDED  (clerk) it is about to do this, to a session's event or to a
 * message i NUMBER WORD …           … no, unknown, or yes with the session's event_seq, appended
 * and job Q N                       … event N is one that no handler chokes on any more B COUNT
 * (operator) thrift's limit was raised so often, and now ends E CODE SEQ HASH           (feed) the
 * reader took this event; CODE is the topic, "all" for all X TEXT                    an answer that
 * must never be
 */
#ifndef TESTS_HISTORY_H
#define TESTS_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct history {
    FILE *file;
};

void history_open(struct history *h, const char *folder, const char *who);
void history_close(struct history *h);
void history_add(struct history *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Calls take for every line, without its newline; false when there is no such file. */
bool history_read(const char *folder, const char *who, void (*take)(char *line, void *arg),
                  void *arg);

#endif
