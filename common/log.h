/* log - one line per event on stderr, in logfmt: time level message key=value…
 *
 * Only the edge logs (event handlers and main); everything else returns an error.  Values are
 * escaped: control characters, quotes and newlines never reach the log raw, and a field is cut at
 * 1,000 bytes. Under journald (JOURNAL_STREAM set) the time is left out and the level is a <n>
 * prefix. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* The program's name, shown in each line; level: lines below it are dropped. */
void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
/* The level of "debug", "info", "warn", "error"; -1 for another word. */
int log_level_from(const char *word);

/* log_info("worker started", "worker=%u pid=%d", index, pid): the message is a constant sentence,
 * the rest logfmt pairs.  Text that came from outside goes through log_quote. */
void log_at(enum log_level level, const char *message, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

/* `text` quoted and escaped for a logfmt value, in one of 4 rotating static buffers of 1,024 bytes.
 */
const char *log_quote(const char *text);

#endif
