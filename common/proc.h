/* proc - what /proc says of processes, and the end of whole process trees.
 *
 * A process is identified by pid, start time and boot id together: a pid alone is used again. */
#ifndef COMMON_PROC_H
#define COMMON_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat (clock ticks since boot); 0 when there is no such process.  A zombie
 * counts as there. */
uint64_t proc_start_time(pid_t pid);
/* The same, safe between clone and exec (no malloc, no locks): of the calling process. */
uint64_t proc_own_start_time(void);
/* The most memory that the calling process's program had so far, in kB (VmHWM of
 * /proc/self/status); 0 when that cannot be read. */
uint64_t proc_own_peak_kb(void);
/* xxh3 of /proc/sys/kernel/random/boot_id: tells boots apart. */
uint64_t proc_boot_id(void);
/* Ended and not reaped.  One whose first thread alone has ended is no zombie, whatever /proc shows.
 */
bool proc_is_zombie(pid_t pid);
/* 0 when there is no such process, or its parent is in another namespace. */
pid_t proc_parent(pid_t pid);
/* The value of `name` in /proc/PID/environ into out; false when unreadable, not there or
 * too long for out. */
bool proc_environ(pid_t pid, const char *name, char *out, size_t size);
/* The pids whose parent is `parent`, up to max; returns the number found (children of all threads).
 */
size_t proc_children(pid_t parent, pid_t *out, size_t max);
/* Calls visit for every process of this machine that we may signal; stops when it returns false. */
void proc_each(bool (*visit)(pid_t pid, void *arg), void *arg);
/* KILLs every descendant of `root` and the group `pgid` (0: none), not root itself, one pass;
 * returns how many were signalled.  Callers repeat until 0: a fork may race a pass.
 * Zombies are neither signalled nor counted; a group that holds root or the caller is left alone.
 */
size_t proc_kill_tree(pid_t root, pid_t pgid);
/* Every signal's disposition to the default, those that glibc keeps to itself too (32 and 33:
 * inherited as ignored they would stay so in everything that is exec'd).  Async-signal-safe; before
 * threads are made, or in a child. */
void proc_default_signals(void);

#endif
