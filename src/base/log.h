/* SPDX-License-Identifier: MIT */
/*
 * Logging to standard error, one line an event: text for people or one JSON object. Programs log, libraries
 * return errors. Never log what a user sent: no code, no input, no output; the job id is how a reader finds
 * them. A line is written by one write(2), so lines of several processes do not mix. Thread-safe after
 * log_setup.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* `process` ("engine", "monitor") is shown in each line and must outlive the process. */
void log_setup(enum log_level least, bool json, const char *process);

/* `job` is a job id or NULL. */
void log_write(enum log_level level, const char *job, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(job, ...) log_write(LOG_DEBUG, job, __VA_ARGS__)
#define log_info(job, ...)  log_write(LOG_INFO, job, __VA_ARGS__)
#define log_warn(job, ...)  log_write(LOG_WARN, job, __VA_ARGS__)
#define log_error(job, ...) log_write(LOG_ERROR, job, __VA_ARGS__)

#endif
