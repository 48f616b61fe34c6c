/* SPDX-License-Identifier: MIT */
/* GET /api/v1/result?jobId=… */
#include "api/wait.h"

void result_get(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct api *a = arg;
	struct query query;
	struct wait *w;
	struct err e;

	if (query_read(a, q, QUERY_JOB_ID | QUERY_WAIT | QUERY_ENCODING, &query, &e) < 0) {
		http_answer_err(x, &e);
		return;
	}
	if (!query.job_id) {
		err_field(&e, ERR_INVALID, "jobId", "name the job: /api/v1/result?jobId=…");
		http_answer_err(x, &e);
		return;
	}
	/* No other id was ever given out, or not to this client, so nothing has to be asked. */
	w = wait_new(a, x, WAIT_RESULT, api_shows(a, q, query.job_id) ? query.job_id : "", &query);
	if (!w)
		return;
	if (w->id[0])
		wait_look_up(w);
	else
		wait_answer_not_found(w);
}
