# SPDX-License-Identifier: MIT
"""Our API puts jobs in; workers of BullMQ run them, beside ours or instead of ours."""
import json
import signal

from harness import wait_until


def post(api, code):
    """Submits without waiting: the id."""
    return api.submit("python", code)


def open_with_languages(distributed):
    """An API that takes python although no worker of ours lives: one has just left its description."""
    info = json.dumps({"id": "cc-none", "slots": 1, "version": "0", "languages": {"python": ""}})
    distributed.redis.ask("ZADD", distributed.key("cc:workers"), 4102444800000, "cc-none")
    distributed.redis.ask("HSET", distributed.key("cc:workers:info"), "cc-none", info)
    api = distributed.api()
    wait_until(lambda: api.get("/readyz").status_code == 200, 20, "the API to be ready")
    return api


def test_our_jobs_are_what_bullmq_expects(distributed):
    api = open_with_languages(distributed)
    job = api.submit("python", "print(1)", stdin="some", args=["a"])
    seen, counts = distributed.node(
        "run.js",
        "const j = await queue.getJob(args[0]); return [{ ...j.asJSON(), state: await j.getState() },"
        "await queue.getJobCounts('waiting', 'active', 'completed')];",
        job,
    )
    data = json.loads(seen["data"])
    assert data["code"] == "print(1)" and data["language"] == "python"
    assert data["stdin"] == "some" and data["args"] == ["a"]
    assert seen["name"] == "run" and seen["id"] == job and seen["state"] == "waiting" and counts["waiting"] == 1
    assert json.loads(distributed.redis.ask("HGET", distributed.key(job), "opts"))["attempts"] == 3
    assert distributed.redis.ask("GET", distributed.key("id")) == "1"
    assert distributed.redis.ask("ZRANGE", distributed.key("marker"), 0, -1, "WITHSCORES") == "0\n0"
    assert not job.isdigit() and ":" not in job
    assert api.get(f"/api/v1/jobs/{job}").json()["position"] == 0


def test_an_idle_node_worker_is_woken_and_its_answers_are_served(distributed):
    api = open_with_languages(distributed)
    distributed.node_start("worker.js", '{"drainDelay":60}')
    string = api.post({"language": "python", "code": "string"}, "?wait=20").json()
    assert string["verdict"] == "ok" and string["stdout"] == "node ran python" and string["worker"] == "foreign"
    assert string["status"] == "completed" and string["attempts"] == 1
    thing = api.post({"language": "python", "code": "object"}, "?wait=20").json()
    assert thing["verdict"] == "runtime_error" and thing["stderr"] == "err" and thing["exitCode"] == 3
    assert thing["wallMs"] == 1.5
    other = api.post({"language": "python", "code": "number"}, "?wait=20").json()
    assert json.loads(other["stdout"]) == {"answer": 42}
    thrown = api.post({"language": "python", "code": "throw"}, "?wait=20").json()
    assert thrown["verdict"] == "internal_error" and "no such luck" in thrown["response"]


def test_a_job_on_a_node_worker_cannot_be_cancelled(distributed):
    api = open_with_languages(distributed)
    distributed.node_start("worker.js")
    job = post(api, "hang")
    wait_until(lambda: api.state(job) == "running", 20, "the job to run")
    answer = api.request("DELETE", f"/api/v1/jobs/{job}")
    assert answer.status_code == 409 and "CodeCrusher" in answer.json()["error"]


def test_a_dead_node_workers_job_is_taken_over(distributed):
    api = open_with_languages(distributed)
    node = distributed.node_start("worker.js", '{"lockDuration":1000}')
    job = post(api, "hang")
    wait_until(lambda: api.state(job) == "running", 20, "the job to run")
    node.kill()
    node.wait()
    wait_until(lambda: distributed.redis.ask("EXISTS", distributed.key(f"{job}:lock")) == "0", 20, "the lock to expire")
    # Each worker looks for the stalled at its start: the first marks, the second takes.
    for _ in range(2):
        distributed.redis.ask("DEL", distributed.key("stalled-check"))
        distributed.worker()
    result = api.result(job)
    assert result["verdict"] == "runtime_error" and "hang" in result["stderr"]  # it is no Python
    assert result["attempts"] == 2
    assert distributed.redis.ask("HGET", distributed.key(job), "stc") == "1"


def test_our_dead_workers_job_is_taken_over_by_node(distributed):
    api, worker = distributed.both()
    job = post(api, "import time; time.sleep(60)")
    api.wait_state(job, "running")
    worker.signal(signal.SIGKILL)
    worker.process.wait()
    worker.kill()
    distributed.started.remove(worker)
    distributed.redis.ask("DEL", distributed.key(f"{job}:lock"), distributed.key("stalled-check"))
    distributed.node_start("worker.js", '{"stalledInterval":300}')
    result = api.result(job)
    assert result["verdict"] == "ok" and result["stdout"] == "node ran python" and result["attempts"] == 2


def test_a_lost_lock_stops_the_job_and_drops_its_result(distributed):
    api, worker = distributed.both()
    job = post(api, "import time; time.sleep(60)")
    api.wait_state(job, "running")
    distributed.redis.ask("SET", distributed.key(f"{job}:lock"), "somebody-else", "PX", 60000)
    worker.log.wait_for("its lease was lost", 30)
    wait_until(lambda: api.get(f"/api/v1/result?jobId={job}").json()["status"] == "Pending", 5)
    assert distributed.redis.ask("GET", distributed.key(f"{job}:lock")) == "somebody-else"
    assert distributed.redis.ask("LRANGE", distributed.key("active"), 0, -1) == job


def test_a_stopping_worker_gives_back_and_another_goes_on(distributed):
    api = open_with_languages(distributed)
    worker = distributed.worker(CODECRUSHER_SHUTDOWN_TIMEOUT=0)
    job = post(api, "import time; time.sleep(0.5); print('done')")
    api.wait_state(job, "running")
    worker.stop()
    distributed.started.remove(worker)
    state, made = distributed.node(
        "run.js", "const j = await queue.getJob(args[0]); return [await j.getState(), j.attemptsMade];", job
    )
    assert [state, made] == ["waiting", 0]
    distributed.worker()
    result = api.result(job)
    assert result["stdout"] == "done\n" and result["attempts"] == 1


def test_pause_and_resume_by_either_major_lose_nothing(distributed, bullmq):
    api, _ = distributed.both()
    others = [d for d in sorted(bullmq.parent.iterdir()) if (d / "node_modules").is_dir()]
    for pauser in others:
        for resumer in others:
            distributed.bullmq = pauser
            distributed.node("run.js", "await queue.pause(); return 0;")
            ours = post(api, "print('ours')")
            assert api.state(ours) == "queued"
            assert distributed.redis.ask("LLEN", distributed.key("active")) == "0"
            distributed.bullmq = resumer
            distributed.node("run.js", "await queue.resume(); return 0;")
            assert api.result(ours)["stdout"] == "ours\n"


def test_a_cancelled_waiting_job_never_runs(distributed):
    api = open_with_languages(distributed)
    job = post(api, "string")
    assert api.request("DELETE", f"/api/v1/jobs/{job}").json()["status"] == "Cancelled"
    distributed.node_start("worker.js")
    assert api.result(job)["verdict"] == "cancelled"
    told = distributed.node(
        "run.js",
        "return await (await queue.getJob(args[0])).waitUntilFinished(events, 9000).catch((e) => e.message);",
        job,
    )
    assert "cancelled" in told
    assert api.request("DELETE", f"/api/v1/jobs/{job}").status_code == 204
    assert api.get(f"/api/v1/result?jobId={job}").status_code == 404


BOARD = """
const { BullMQAdapter } = process.mainModule.require('@bull-board/api/bullMQAdapter');
const board = new BullMQAdapter(queue);
"""


def test_bull_board_shows_everything(distributed):
    distributed.worker(CODECRUSHER_CONCURRENCY=1)
    api = distributed.api()
    api.wait_ready()
    done = api.run("python", "print(1)")
    bad = json.dumps({"code": "", "language": "cobol"})
    distributed.node(
        "run.js",
        "const j = await queue.add('x', JSON.parse(args[0]), { jobId: 'bad' });"
        "return j.waitUntilFinished(events, 30000).catch((e) => e.message);",
        bad,
    )
    running = post(api, "import time; time.sleep(60)")
    api.wait_state(running, "running")
    waiting = post(api, "print(2)")
    distributed.node("run.js", "await queue.add('x', {}, { jobId: 'late', delay: 600000 }); return 0;")
    counts, shown, paused = distributed.node(
        "run.js",
        BOARD
        + """
        const shown = {};
        for (const state of ['completed', 'failed', 'active', 'waiting', 'delayed'])
            shown[state] = (await board.getJobs([state], 0, 9)).map((j) => ({ ...j.toJSON(), opts: j.opts }));
        return [await board.getJobCounts(), shown, await board.isPaused()];
        """,
    )
    assert paused is False
    assert {state: counts[state] for state in shown} == dict.fromkeys(shown, 1)
    assert {state: jobs[0]["id"] for state, jobs in shown.items()} == {
        "completed": done["jobId"],
        "failed": "bad",
        "active": running,
        "waiting": waiting,
        "delayed": "late",
    }
    completed, failed, active = (shown[state][0] for state in ("completed", "failed", "active"))
    assert completed["name"] == "run" and completed["data"]["code"] == "print(1)" and completed["opts"]["attempts"] == 3
    assert completed["returnvalue"]["verdict"] == "ok" and completed["returnvalue"]["stdout"] == "1\n"
    assert 0 < completed["timestamp"] <= completed["processedOn"] <= completed["finishedOn"]
    assert completed["attemptsMade"] == 1 and completed["processedBy"].startswith("cc-")
    assert "cobol" in failed["failedReason"] and isinstance(failed["stacktrace"], list)
    assert active["processedOn"] > 0 and "finishedOn" not in active


def test_bull_board_can_retry_clean_and_remove(distributed):
    api, _ = distributed.both()
    distributed.node("run.js", "await queue.add('x', {}, { jobId: 'bad' }); return 0;")
    assert api.result("bad")["verdict"] == "internal_error"
    first = distributed.redis.ask("HGET", distributed.key("bad"), "finishedOn")
    distributed.node("run.js", BOARD + "await (await board.getJob('bad')).retry(); return 0;")
    wait_until(
        lambda: distributed.redis.ask("HGET", distributed.key("bad"), "finishedOn") not in ("", first), 20, "the retry"
    )
    ours = api.run("python", "print(1)")["jobId"]
    distributed.node(
        "run.js", BOARD + "await board.clean('completed', 0); await (await board.getJob('bad')).remove(); return 0;"
    )
    assert distributed.redis.ask("EXISTS", distributed.key(ours), distributed.key("bad")) == "0"
    assert api.result(ours)["stdout"] == "1\n"  # the store has it until its time is over
