"""Jobs that are never lost and never in each other's way, with an engine that fails on request."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE

from tempose_server.turns import SHORTS_IN_A_ROW, Waiting, schedule

SLOW = 1900  # ends only by being canceled
BRIEF = 1015


@pytest.fixture
def busy(strict_server):
    """A server in the middle of a long job; (server, id of that job)."""
    job_id = strict_server.new_job(seed=SLOW)
    strict_server.wait(job_id, "running")
    yield strict_server, job_id
    strict_server.cancel(job_id)
    strict_server.wait(job_id)


# --- cancel -----------------------------------------------------------------------------------------------


def test_a_waiting_job_is_canceled_at_once_and_no_other(busy):
    server, running = busy
    waiting = [server.new_job(seed=BRIEF + i) for i in range(3)]
    assert [server.job(job_id)["position"] for job_id in waiting] == [0, 1, 2]
    answer = server.cancel(waiting[1])
    assert (answer.status_code, answer.json()["state"], answer.json()["position"]) == (200, "canceled", None)
    assert server.cancel(waiting[1]).json() == answer.json()
    assert [server.job(job_id)["position"] for job_id in waiting] == [0, None, 1]
    assert server.job(running)["state"] == "running"
    server.cancel(running)
    assert server.wait(running)["state"] == "canceled"
    assert [server.wait(job_id)["state"] for job_id in waiting] == ["succeeded", "canceled", "succeeded"]


@pytest.mark.with_ray
def test_a_running_job_is_canceled_within_one_step(busy):
    server, running = busy
    server.events(running, stop=lambda event: event[1] == "progress")
    assert server.cancel(running).status_code == 200
    events = server.events(running)
    assert [data["state"] for _, name, data in events if name == "state"] == ["queued", "running", "canceled"]
    before = server.job(running)
    steps = [data["done"] for _, name, data in events if name == "progress"]
    assert steps[-1] < 900
    assert (
        len([name for _, name, _ in events if name == "segment"]) == 1
    )  # the second comes after the last step
    assert server.cancel(running).json() == before
    result = server.client.get(f"/v1/jobs/{running}/result")
    assert (result.status_code, result.json()["code"]) == (409, "job_canceled")


@pytest.mark.with_ray
def test_a_job_canceled_while_it_finishes_ends_canceled(strict_server):
    job_id = strict_server.new_job(seed=6000)
    strict_server.events(job_id, stop=lambda event: event[1] == "progress")
    strict_server.cancel(job_id)
    assert strict_server.wait(job_id)["state"] == "canceled"
    assert not (strict_server.folder / "data" / "results" / f"{job_id}.npz").exists()


def test_canceling_a_finished_job_changes_nothing(strict_server):
    job_id = strict_server.new_job(seed=1)
    before = strict_server.wait(job_id, "succeeded")
    for _ in range(2):
        assert strict_server.cancel(job_id).json() == before
    assert strict_server.client.get(f"/v1/jobs/{job_id}/result").status_code == 200


def test_an_unknown_job_cannot_be_canceled(strict_server):
    assert strict_server.cancel(uuid.uuid4()).status_code == 404


# --- the queue --------------------------------------------------------------------------------------------


def test_twenty_equal_puts_at_once_make_one_job(strict_server):
    body, job_id = strict_server.body(seed=BRIEF), str(uuid.uuid4())
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: strict_server.put_job(job_id, body), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert {answer.json()["created"] for answer in answers} == {answers[0].json()["created"]}
    events = strict_server.events(job_id)
    assert [data["state"] for _, name, data in events if name == "state"] == [
        "queued",
        "running",
        "succeeded",
    ]


def test_two_requests_under_one_id_at_once_make_one_job(strict_server):
    job_id = str(uuid.uuid4())
    bodies = [strict_server.body(seed=seed) for seed in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda body: strict_server.put_job(job_id, body), bodies))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9
    winner = next(answer for answer in answers if answer.status_code == 202).json()["seed"]
    assert strict_server.wait(job_id)["seed"] == winner


def test_one_client_cannot_fill_the_queue(busy, tools):
    server, _ = busy
    share = tools.short_deadlines["queue"] * 3 // 4
    greedy = {"X-Tempose-Client": "greedy"}
    waiting = [server.put_job(seed=1000, headers=greedy).json()["id"] for _ in range(share)]
    answer = server.put_job(seed=1000, headers=greedy)
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0
    waiting.append(server.put_job(seed=1000, headers={"X-Tempose-Client": "modest"}).json()["id"])
    assert server.job(waiting[-1])["position"] < share  # and it need not wait for all of them
    server.cancel(waiting[0])
    again = server.put_job(seed=1000, headers=greedy)
    assert again.status_code == 202
    for job_id in [*waiting, again.json()["id"]]:
        server.cancel(job_id)


def test_a_full_queue_says_when_to_come_back(busy, tools):
    server, _ = busy
    waiting = []
    for number in range(tools.short_deadlines["queue"]):
        answer = server.put_job(seed=1000, headers={"X-Tempose-Client": f"client-{number % 2}"})
        waiting.append(answer.json()["id"])
    answer = server.put_job()
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert int(answer.headers["retry-after"]) > 0
    assert server.put_job(waiting[0], server.body(seed=1000)).status_code == 200
    server.cancel(waiting[0])
    again = server.put_job(seed=1000)
    assert again.status_code == 202
    for job_id in [*waiting, again.json()["id"]]:
        server.cancel(job_id)


def test_clients_take_turns_and_short_jobs_go_first(busy):
    server, running = busy
    names = {}
    for name, client, seconds in [
        ("a long", "a", 30.0),
        ("a1", "a", 2.0),
        ("a2", "a", 2.0),
        ("a3", "a", 2.0),
        ("b1", "b", 2.0),
        ("b2", "b", 2.0),
    ]:
        answer = server.put_job(headers={"X-Tempose-Client": client}, seconds=seconds, seed=1000)
        names[answer.json()["id"]] = name
    order = sorted(names, key=lambda job_id: server.job(job_id)["position"])
    assert [names[job_id] for job_id in order] == ["a1", "b1", "a2", "a long", "b2", "a3"]
    server.cancel(running)
    done = [server.wait(job_id)["updated"] for job_id in order]
    assert done == sorted(done)


def test_a_long_dance_of_which_little_is_new_goes_first(busy):
    server, _ = busy
    frames = 30 * 30
    known = {
        "keypoints": np.zeros((frames, 18, 2)).tolist(),
        "scores": np.ones((frames, 18)).tolist(),
        "mask": [[0, frames - 60]],
    }
    whole = server.new_job(seconds=30.0, seed=1000)
    part = server.new_job(seconds=30.0, seed=1000, known=known)
    assert [server.job(job_id)["position"] for job_id in (part, whole)] == [0, 1]
    for job_id in (whole, part):
        server.cancel(job_id)


jobs_strategy = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=25).map(
    lambda items: [Waiting(str(i), client, i, short) for i, (client, short) in enumerate(items)]
)


@settings(deadline=None)
@given(jobs_strategy, st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)), st.integers(0, 5))
def test_the_order_starts_each_job_once_and_is_fair(waiting, last_turn, shorts):
    order = schedule(waiting, last_turn, shorts)
    assert sorted(job.number for job in order) == [job.number for job in waiting]
    for kind in (True, False):
        for client in "abc":
            own = [job.number for job in order if (job.client, job.short) == (client, kind)]
            assert own == sorted(own)
    run = shorts
    for i, job in enumerate(order):
        passed = job.short and any(not later.short for later in order[i:])
        assert not passed or run < SHORTS_IN_A_ROW
        run = run + 1 if passed else 0


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=25))
def test_a_client_never_waits_for_two_jobs_of_another_one(clients):
    order = schedule([Waiting(str(i), client, i, True) for i, client in enumerate(clients)])
    for i, job in enumerate(order[:-1]):
        if order[i + 1].client == job.client:
            assert all(later.client == job.client for later in order[i + 1 :])


# --- failures ---------------------------------------------------------------------------------------------


@pytest.mark.with_ray
@pytest.mark.parametrize(
    ("seed", "code"), [(2000, "out_of_memory"), (4000, "engine_failed"), (5000, "disk_full")]
)
def test_a_failing_job_fails_alone_and_with_a_reason(strict_server, seed, code):
    failing, small = strict_server.new_job(seed=seed), strict_server.new_job(seed=1)
    failed = strict_server.wait(failing)
    assert (failed["state"], failed["error"]["code"]) == ("failed", code)
    assert failed["error"]["message"].endswith(".")
    assert "a detail" not in str(failed)
    assert strict_server.wait(small)["state"] == "succeeded"
    result = strict_server.client.get(f"/v1/jobs/{failing}/result")
    assert (result.status_code, result.json()["code"]) == (409, "job_failed")
    assert result.json()["details"]["code"] == code


def test_a_result_is_not_there_before_the_end(busy):
    server, running = busy
    answer = server.client.get(f"/v1/jobs/{running}/result")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_not_finished")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.with_ray
def test_health_tells_of_work_while_a_job_runs(busy):
    server, _ = busy
    assert server.client.get("/v1/health").json()["status"] == "BUSY"


def test_health_answers_while_the_model_loads(launch, tmp_path):
    gate = tmp_path / "gate"
    server = launch(double=True, environment={"DOUBLE_LOAD_GATE": str(gate)})
    health = server.client.get("/v1/health").json()
    assert (health["status"], health["device"], health["model_revision"]) == ("STARTING", None, None)
    job_id = server.new_job()
    assert server.job(job_id)["state"] == "queued"
    gate.touch()
    assert server.wait(job_id)["state"] == "succeeded"
    assert server.client.get("/v1/health").json()["status"] == "READY"


@pytest.mark.with_ray
def test_a_server_without_weights_says_so_and_still_has_the_null_model(launch, tmp_path):
    server = launch(model=str(tmp_path / "nothing"))
    deadline = time.monotonic() + PATIENCE
    while (health := server.client.get("/v1/health").json())["status"] == "STARTING":
        assert time.monotonic() < deadline
    assert health["status"] == "SETUP_FAILED"
    assert "weights" in health["message"]
    answer = server.put_job()
    assert (answer.status_code, answer.json()["code"]) == (503, "setup_failed")
    assert server.wait(server.new_job(model="null"))["state"] == "succeeded"


# --- events -----------------------------------------------------------------------------------------------


@pytest.mark.with_ray
def test_the_first_segment_comes_while_the_job_still_runs(busy, tools):
    server, running = busy
    segment = server.events(running, stop=lambda event: event[1] == "segment")[-1][2]
    assert server.job(running)["state"] == "running"
    assert tools.floats(segment["keypoints"], segment["frames"], 18, 2).shape == (1, 18, 2)


def test_a_silent_stream_has_a_heartbeat(busy):
    server, _ = busy
    waiting = server.new_job(seed=BRIEF)
    events = server.events(waiting, stop=lambda event: event[1] == "comment")
    assert [name for _, name, _ in events] == ["state", "comment"]
    assert events[-1][2] == "still here"  # at our own interval, not FastAPI's
    server.cancel(waiting)


def test_a_client_that_goes_and_comes_back_misses_nothing(strict_server):
    job_id = strict_server.new_job(seed=1040)
    seen = strict_server.events(job_id, stop=lambda event: event[1] == "progress")
    rest = strict_server.events(job_id, after=seen[-1][0])
    assert rest[-1][2]["state"] == "succeeded"
    ids = [event[0] for event in seen + rest if event[0] is not None]
    assert ids == sorted(set(ids))
    segments = [data["start"] for _, name, data in seen + rest if name == "segment"]
    assert segments == [0, 0]  # the double's own, and the null model's


def test_a_listener_that_hangs_up_leaves_no_traceback(strict_server):
    job_id = strict_server.new_job(seed=1900)
    for _ in range(10):
        with strict_server.client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
            next(answer.iter_lines())
    strict_server.cancel(job_id)
    strict_server.wait(job_id)
    assert "BrokenResource" not in strict_server.log


def test_two_hundred_requests_and_a_hundred_listeners_at_once(busy):
    server, running = busy
    limits = httpx.Limits(max_connections=400)
    headers = {"Authorization": f"Bearer {server.token}"}
    ready, finished = threading.Barrier(101), []

    with httpx.Client(
        base_url=server.url, headers=headers, limits=limits, timeout=PATIENCE, trust_env=False
    ) as client:

        def listen(_):
            with client.stream("GET", f"/v1/jobs/{running}/events") as answer:
                lines = answer.iter_lines()
                next(lines)
                ready.wait(PATIENCE)
                finished.append("canceled" in "".join(lines))

        with ThreadPoolExecutor(100) as listeners, ThreadPoolExecutor(200) as askers:
            watching = [listeners.submit(listen, i) for i in range(100)]
            ready.wait(PATIENCE)
            body = server.body(seed=1000)

            def ask(i):
                if i % 2:
                    return client.get("/v1/health").status_code
                return client.put(f"/v1/jobs/{uuid.UUID(int=i % 8)}", json=body).status_code

            codes = list(askers.map(ask, range(200)))
            server.cancel(running)
            for one in watching:
                one.result(PATIENCE)
    assert codes.count(200) + codes.count(202) == 200
    assert codes.count(202) == 4
    assert finished == [True] * 100


def test_a_server_dances_several_jobs_at_a_time_with_one_model(launch, tmp_path):
    loads = tmp_path / "loads"
    server = launch("--replicas", "2", double=True, environment={"DOUBLE_LOADS": str(loads)})
    endless = [server.new_job(seed=1900) for _ in range(2)]
    for job in endless:
        server.wait(job, "running")
    waiting = server.new_job(seed=1)
    assert server.job(waiting)["state"] == "queued"
    server.cancel(endless[0])
    assert server.wait(waiting)["state"] == "succeeded"
    assert server.job(endless[1])["state"] == "running"
    assert len(loads.read_text().split()) == 1
    server.cancel(endless[1])
    assert server.wait(endless[1])["state"] == "canceled"
