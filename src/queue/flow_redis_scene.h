/* SPDX-License-Identifier: MIT */
/* What the tests of the distributed flow share: a real Redis, rows in memory, and the flows of several
 * processes on one event loop. */
#ifndef QUEUE_FLOW_REDIS_SCENE_H
#define QUEUE_FLOW_REDIS_SCENE_H

#include "job/submission.h"
#include "queue/fake_store.h"
#include "queue/flow_testing.h"
#include "queue/redis_rig.h"

extern struct redis_rig rig;
extern struct fake_rows rows; /* of every flow's store */
/* An API, a worker, and one more that a test may open; the loop is api.base. */
extern struct bench api, worker, other;
/* Set when the API has heard of a worker that can run Python; NULL again when there is none. */
extern const char *seen_version;

/* For cmocka; each test has a Redis of its own, no rows, and `api` and `worker` open and ready. */
int scene_setup(void **state);
/* Closes what is open of the three flows, ends the Redis, and frees the rows and the loop. */
int scene_teardown(void **state);

/* Opens b->flow at rig.url, with a store over `rows` and with short times. `serves` and `takes` as in struct
 * flow_redis_options. scene_teardown closes it. */
void open_flow(struct bench *b, bool serves, bool takes);
/* Closes b->flow; one that is not open stays so. */
void close_flow(struct bench *b);
/* Whether it would take a submit now. */
bool is_ready(struct bench *b);

/* A flow_watch callback; `arg` is a struct result **, whose result is then the caller's to unref. */
void on_watched(struct result *r, void *arg);

/* redis_rig_ask at this scene's Redis, and what its answer has to be. */
#define ask(...)		 redis_rig_ask(&rig, __VA_ARGS__)
#define assert_answer(want, ...) assert_string_equal(ask(__VA_ARGS__), want)

#define R(name)			 cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

#endif
