"""Replicas on a Ray cluster: what only they do. What they share with the server's own worker is tested with both."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from patience import PATIENCE

import tempose_server.farm

psutil = pytest.importorskip("psutil")


@pytest.fixture(scope="module")
def farm_servers(tmp_path_factory, farm, tools):
    """Start a server with the engine double on the cluster: it, and where its replicas write their ids on loading."""
    running = []

    def start(*options):
        folder = tmp_path_factory.mktemp("farm-server")
        named = {"settings": {"header_seconds": 30}, "environment": {"DOUBLE_LOADS": str(folder / "loads")}}
        running.append(tools.Server(folder / "own", *options, farm=farm, double=True, **named))
        return running[-1], folder / "loads"

    yield start
    for one in running:
        one.kill()


@pytest.fixture(scope="module")
def shared(farm_servers):
    """One such server with one replica, for all tests that do without another one: it takes long to start."""
    return farm_servers()


def written(loads, number):
    """The process ids of the first replicas that loaded their weights."""
    deadline = time.monotonic() + PATIENCE
    while not loads.exists() or len(found := loads.read_text().split()) < number:
        assert time.monotonic() < deadline, "too few replicas"
        time.sleep(0.05)
    return [int(pid) for pid in found]


def test_a_killed_replica_is_replaced_and_its_job_completes(shared):
    server, loads = shared
    job_id, waiting = server.new_job(seed=1060), server.new_job(seed=1)
    server.events(job_id, stop=lambda event: event[1] == "progress")
    before = written(loads, 1)
    os.kill(before[-1], signal.SIGKILL)
    events = server.events(job_id)
    states = [data["state"] for _, name, data in events if name == "state"]
    assert states == ["queued", "running", "queued", "running", "succeeded"]
    ids = [number for number, _, _ in events if number is not None]
    assert ids == sorted(set(ids))
    assert server.wait(waiting)["state"] == "succeeded"
    *first, second = written(loads, len(before) + 1)
    assert first == before and second not in before
    result = server.client.get(f"/v1/jobs/{job_id}/result").json()
    assert (result["seed"], result["frames"]) == (1060, 60)
    assert server.process.poll() is None


def test_a_job_that_kills_two_replicas_fails_with_a_reason(shared):
    server, loads = shared
    before = written(loads, 1)
    deadly, innocent = server.new_job(seed=3000), server.new_job(seed=1)
    failed = server.wait(deadly)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "job_crashed")
    assert server.wait(innocent)["state"] == "succeeded"
    assert len(written(loads, len(before) + 2)) == len(before) + 2


def test_a_cancel_after_a_replica_died_holds(shared):
    server, loads = shared
    job_id = server.new_job(seed=6000)  # never asks whether it was canceled
    server.events(job_id, stop=lambda event: event[1] == "progress")
    server.cancel(job_id)
    os.kill(written(loads, 1)[-1], signal.SIGKILL)
    assert server.wait(job_id)["state"] == "canceled"
    assert server.wait(server.new_job(seed=1))["state"] == "succeeded"


def test_replicas_dance_at_the_same_time_for_several_clients_and_load_their_weights_once(farm_servers):
    server, loads = farm_servers("--replicas", "2")
    pids = written(loads, 2)
    deadline = time.monotonic() + PATIENCE
    jobs = [server.put_job(seed=1900, headers={"X-Tempose-Client": name}).json()["id"] for name in "ab"]
    while {server.job(job_id)["state"] for job_id in jobs} != {"running"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for job_id in jobs:
        server.cancel(job_id)
        assert server.wait(job_id)["state"] == "canceled"
    short = [
        server.put_job(seed=1002, headers={"X-Tempose-Client": name}).json()["id"] for name in "abcabcabc"
    ]
    assert [server.wait(job_id)["state"] for job_id in short] == ["succeeded"] * 9
    assert written(loads, 2) == pids
    assert len(set(pids)) == 2


def test_a_replicas_shortage_of_memory_costs_one_job(shared):
    server, loads = shared
    before = written(loads, 1)
    failing, small = server.new_job(seed=2000), server.new_job(seed=1)
    assert server.wait(failing)["error"]["code"] == "out_of_memory"
    assert server.wait(small)["state"] == "succeeded"
    assert written(loads, 1) == before


def test_what_went_wrong_in_a_replica_is_in_the_servers_log_and_not_in_the_answer(shared):
    server, _ = shared
    failed = server.wait(server.new_job(seed=4000))
    assert failed["error"]["code"] == "engine_failed"
    assert "a detail" not in str(failed)
    assert "a detail" in server.log


def test_a_stopped_server_takes_its_replicas_along(shared):
    server, loads = shared
    running = server.new_job(seed=1900)
    server.events(running, stop=lambda event: event[1] == "progress")
    pid = written(loads, 1)[-1]
    assert server.terminate() == 0
    deadline = time.monotonic() + PATIENCE
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.start()
    assert server.wait(running, "running")["id"] == running  # parked, and begun anew
    server.cancel(running)


def test_a_cluster_that_is_not_there_is_named(launch, farm):
    server = launch(
        "--engine", "ray", "--ray-address", "127.0.0.1:9", environment={**farm.environment, **SOON}
    )
    deadline = time.monotonic() + PATIENCE
    while (health := server.client.get("/v1/health").json())["status"] == "STARTING":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert health["status"] == "SETUP_FAILED"
    assert "127.0.0.1:9" in health["message"]
    answer = server.put_job(model="null")
    assert (answer.status_code, answer.json()["code"]) == (503, "setup_failed")


WITHOUT = """
import sys
sys.modules["ray"] = None  # as where it is not installed
from tempose_server.farm import Farm
from tempose_server.settings import ServerSettings
try:
    Farm(ServerSettings(engine="ray")).wait()
except Exception as error:
    print(error.code, error)
"""


def test_without_ray_the_way_to_get_it_is_named(server):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.startswith("ray_missing"), done.stderr
    assert "pip install 'tempose[ray]'" in done.stdout


@pytest.mark.parametrize(("slow", "tries", "starts"), [(2, 3, 3), (3, 3, 3), (1, 1, 1)])
def test_a_cluster_that_starts_too_slowly_is_started_again(slow, tries, starts):
    class Ray:
        started = stopped = 0

        def init(self, **options):
            self.started += 1
            if self.started <= slow:
                raise RuntimeError("The current node timed out during startup.")

        def shutdown(self):
            self.stopped += 1

    ray = Ray()
    with pytest.raises(RuntimeError) if slow >= tries else contextlib.nullcontext():
        tempose_server.farm._start(ray, {}, tries)
    assert (ray.started, ray.stopped) == (starts, starts - 1)


SOON = {"RAY_gcs_rpc_server_reconnect_timeout_s": "1", "RAY_gcs_server_request_timeout_seconds": "2"}
ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # or Ray would look for it at the network's address
STRANGER = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)
print("in", ray.get(ray.remote(lambda: 42).remote(), timeout=60))
"""


def test_a_cluster_of_the_servers_own_has_no_dashboard_and_takes_no_stranger(launch):
    server = launch("--engine", "ray")
    assert server.wait(server.new_job(model="null"))["state"] == "succeeded"
    family = psutil.Process(server.process.pid).children(recursive=True)
    gcs = next(one for one in family if one.name() == "gcs_server")
    port = next(c.laddr.port for c in gcs.net_connections("tcp") if c.status == psutil.CONN_LISTEN)
    stranger = subprocess.Popen(
        [sys.executable, "-c", STRANGER, f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **ON_LOOPBACK, "RAY_AUTH_MODE": "disabled", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"},
    )  # fmt: skip
    processes = [psutil.Process(server.process.pid), *family]
    places = {
        c.laddr
        for one in processes
        for c in one.net_connections()
        if c.status != psutil.CONN_NONE and not c.raddr
    }
    assert {place.ip for place in places} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    listening = {place.port for place in places}
    assert 8265 not in listening  # where Ray's dashboard is
    with ThreadPoolExecutor(len(listening)) as pool:  # those that speak no HTTP say nothing for long
        assert not any(pool.map(dashboard, listening))
    with stranger:  # it would ask again and again for a minute
        said = next(line for line in stranger.stdout if line.startswith("in ") or "InvalidAuthToken" in line)
        stranger.kill()
    assert "Unauthenticated" in said
    server.kill()  # hard: what it started must not stay behind
    _, left = psutil.wait_procs(family, timeout=PATIENCE)  # Ray's agents look for their parent now and then
    assert not left


def dashboard(port):
    """Whether a page is shown to a browser there."""
    import httpx

    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=3)
    except (httpx.HTTPError, ValueError):
        return False
    return answer.status_code == 200 and "<html" in answer.text.lower()
