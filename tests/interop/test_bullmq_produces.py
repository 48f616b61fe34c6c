# SPDX-License-Identifier: MIT
"""BullMQ's own clients put jobs in and wait for them; our worker runs them."""
import json

from harness import wait_until

RUN = "const job = await queue.add('x', JSON.parse(args[0]), JSON.parse(args[1] || '{}'));"
WAIT = RUN + "return await job.waitUntilFinished(events, 30000);"
WAIT_FAILED = RUN + "return await job.waitUntilFinished(events, 30000).then(() => null, (e) => e.message);"


def program(code, language="python"):
    return json.dumps({"code": code, "language": language})


def test_code_and_language_are_enough_for_the_whole_result(distributed):
    api, _ = distributed.both()
    found = distributed.node(
        "run.js",
        RUN + "const r = await job.waitUntilFinished(events, 30000); return [job.id, r];",
        program("print(6*7)"),
    )
    job, result = found
    assert result["status"] == "completed" and result["verdict"] == "ok" and result["stdout"] == "42\n"
    assert result["jobId"] == job and result["language"] == "python" and result["attempts"] == 1
    assert "response" not in result  # it is stdout, which is there
    served = api.get(f"/api/v1/result?jobId={job}").json()
    assert served["response"] == "42\n" and served["verdict"] == "ok"
    assert api.get("/api/v1/result?jobId=1000").status_code == 404


def test_every_verdict_of_the_program_is_a_completed_job(distributed):
    distributed.both()
    for code, verdict in (("import sys; sys.exit(3)", "runtime_error"), ("while 1: pass", "cpu_time_limit")):
        data = json.dumps({"code": code, "language": "python", "limits": {"cpuMs": 300}})
        result = distributed.node("run.js", WAIT, data, '{"attempts":3}')
        assert result["verdict"] == verdict and result["status"] == "failed" and result["attempts"] == 1


def test_what_is_no_submission_fails_with_the_reason(distributed):
    api, _ = distributed.both()
    opts = '{"attempts":3,"jobId":"no-language"}'
    assert "cobol" in distributed.node("run.js", WAIT_FAILED, program("", "cobol"), opts)
    assert "colour" in distributed.node("run.js", WAIT_FAILED, '{"code":"","language":"python","colour":1}')
    served = api.result("no-language")
    assert served["verdict"] == "internal_error" and "cobol" in served["response"]


def test_long_outputs_are_cut_in_the_queue_and_whole_in_the_store(distributed):
    distributed.worker(CODECRUSHER_QUEUE_INLINE=1000)
    api = distributed.api()
    api.wait_ready()
    job, result = distributed.node(
        "run.js", RUN + "return [job.id, await job.waitUntilFinished(events, 30000)];", program("print('x' * 5000)")
    )
    assert result["inlineCut"] is True and len(result["stdout"]) == 1000
    assert len(api.result(job)["stdout"]) == 5001


def test_events_tell_the_whole_story(distributed):
    distributed.both()
    job = distributed.node(
        "run.js", RUN + "await job.waitUntilFinished(events, 30000); return job.id;", program("print(1)")
    )
    told = distributed.events()
    of_job = [e["event"] for e in told if e.get("jobId") == job]
    assert of_job == ["added", "waiting", "active", "completed"]
    done = next(e for e in told if e["event"] == "completed")
    assert done["prev"] == "active" and json.loads(done["returnvalue"])["verdict"] == "ok"
    assert told[-1]["event"] == "drained"


def test_remove_on_complete_is_honoured(distributed):
    distributed.both()
    first = distributed.node("run.js", WAIT, program("print(1)"), '{"removeOnComplete":true,"jobId":"gone"}')
    assert first["verdict"] == "ok"
    for _ in range(4):
        distributed.node("run.js", WAIT, program("print(1)"), '{"removeOnComplete":2}')
    kept = distributed.node(
        "run.js", "return [await queue.getCompletedCount(), (await queue.getJob('gone')) === undefined];"
    )
    assert kept == [2, True]
    distributed.node("run.js", WAIT_FAILED, program("", "cobol"), '{"removeOnFail":true}')
    assert distributed.node("run.js", "return queue.getFailedCount();") == 0


def test_order_delay_priority_and_pause(distributed):
    distributed.worker(CODECRUSHER_CONCURRENCY=1)
    order = distributed.node(
        "run.js",
        """
        await queue.pause();
        const add = (jobId, opts) => queue.add('x', { code: '1', language: 'python' }, { jobId, ...opts });
        const jobs = [await add('low', { priority: 9 }), await add('high', { priority: 2 }), await add('first'),
            await add('second'), await add('late', { delay: 1500 })];
        const early = await queue.getCompletedCount();
        await queue.resume();
        for (const job of jobs) await job.waitUntilFinished(events, 30000);
        const done = await Promise.all(jobs.map((j) => queue.getJob(j.id)));
        done.sort((a, b) => a.processedOn - b.processedOn);
        const late = done.find((j) => j.id === 'late');
        return [early, done.map((j) => j.id), late.processedOn - late.timestamp];
        """,
    )
    early, ids, waited = order
    assert early == 0
    assert ids == ["first", "second", "high", "low", "late"]
    assert waited >= 1500


def test_global_concurrency_and_rate_limit(distributed):
    distributed.worker(CODECRUSHER_CONCURRENCY=2)
    overlap = distributed.node(
        "run.js",
        """
        await queue.setGlobalConcurrency(1);
        const code = 'import time; time.sleep(0.3)';
        const jobs = await queue.addBulk([1, 2, 3].map(() => ({ name: 'x', data: { code, language: 'python' } })));
        await Promise.all(jobs.map((j) => j.waitUntilFinished(events, 30000)));
        const done = await Promise.all(jobs.map((j) => queue.getJob(j.id)));
        done.sort((a, b) => a.processedOn - b.processedOn);
        return done.some((j, i) => i > 0 && j.processedOn < done[i - 1].finishedOn);
        """,
    )
    assert overlap is False
    span = distributed.node(
        "run.js",
        """
        await queue.removeGlobalConcurrency();
        await queue.setGlobalRateLimit(2, 1000);
        const data = { code: '1', language: 'python' };
        const jobs = await queue.addBulk([1, 2, 3, 4].map(() => ({ name: 'x', data })));
        await Promise.all(jobs.map((j) => j.waitUntilFinished(events, 30000)));
        const times = (await Promise.all(jobs.map((j) => queue.getJob(j.id)))).map((j) => j.processedOn);
        return Math.max(...times) - Math.min(...times);
        """,
    )
    assert span >= 700


def test_while_it_runs_bullmq_sees_lock_worker_and_state(distributed):
    api, _ = distributed.both()
    job = distributed.node(
        "run.js", RUN + "return job.id;", program("import time; time.sleep(20)"), '{"jobId":"sleeper"}'
    )
    wait_until(lambda: api.state(job) == "running", 20, "the job to run")
    state, workers, fields = distributed.node(
        "run.js",
        "const j = await queue.getJob('sleeper'); return [await j.getState(), await queue.getWorkers(),"
        "[j.processedBy, j.attemptsStarted, j.attemptsMade, j.processedOn]];",
    )
    assert state == "active"
    assert fields[0].startswith("cc-") and fields[1:3] == [1, 0] and fields[3] > 0
    assert len(workers) == 1 and workers[0]["rawname"].endswith(f":w:{fields[0]}")
    assert 0 < int(distributed.redis.ask("PTTL", distributed.key("sleeper:lock"))) <= 30000
    assert api.request("DELETE", "/api/v1/jobs/sleeper").status_code == 200
    assert api.result("sleeper")["verdict"] == "cancelled"
    reason = distributed.node("run.js", "return (await queue.getJob('sleeper')).failedReason;")
    assert reason == "The job was cancelled."


def test_a_deferred_failure_is_failed_without_running(distributed):
    distributed.node("run.js", RUN + "return 0;", program("1"), '{"jobId":"d"}')
    distributed.redis.ask("HSET", distributed.key("d"), "defa", "too often")
    api, _ = distributed.both()
    assert api.result("d")["verdict"] == "internal_error"
    seen = distributed.node("run.js", "const j = await queue.getJob('d'); return [await j.getState(), j.failedReason];")
    assert seen == ["failed", "too often"]


def test_obliterate_leaves_a_working_queue(distributed):
    api, _ = distributed.both()
    assert api.run("python", "print(1)")["verdict"] == "ok"
    distributed.node("run.js", "await queue.obliterate({ force: true }); return 0;")
    assert api.run("python", "print(2)")["stdout"] == "2\n"
