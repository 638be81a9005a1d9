"""The child that stays: forks do its jobs, one after another, and whatever becomes of one costs that one alone."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tempose_server import sandbox
from tempose_server.errors import ApiError
from tempose_server.settings import ServerSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no child stays")

LONG = 200  # seconds that a job may take

CHILD = """
import json, os, resource, signal, sys, time
job = json.loads(sys.stdin.readline())
sys.path[:0] = job["packages"]
from tempose_server import child, decode, forks

def analyse(folder, act):
    if act == "crash":
        os.abort()
    if act == "sleep":
        time.sleep(600)
    if act == "wait":  # for the other one
        (folder / str(os.getpid())).touch()
        while len(list(folder.glob("[0-9]*"))) < 2:
            time.sleep(0.01)
    if act == "end the parent" and job["task"] == "stay":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
    print("no answer")
    return {"parent": os.getppid(), "seconds": resource.getrlimit(resource.RLIMIT_CPU)[0]}

decode.TASKS["analyse"] = analyse
forks.warm_up = lambda: None
sys.exit(forks.serve(child.tie) if job["task"] == "stay" else decode.main(job))
"""


@pytest.fixture
def box(tmp_path, monkeypatch):
    for name in ("COMMAND", "STAYING"):
        monkeypatch.setattr(sandbox, name, [sys.executable, "-c", CHILD])
    made = sandbox.Sandbox(ServerSettings(data_dir=tmp_path / "data", child_seconds=LONG))
    yield made
    made.end()


def test_jobs_are_forks_of_one_child_and_what_becomes_of_one_costs_that_one_alone(box, tmp_path, monkeypatch):
    def parent_of(act="answer"):
        return box.run("analyse", tmp_path, trusted=True, act=act)["parent"]

    first = parent_of()
    assert first != os.getpid() and parent_of() == first
    with pytest.raises(ApiError, match="gave up"):
        parent_of("crash")
    assert parent_of() == first
    with monkeypatch.context() as hurry, pytest.raises(ApiError, match="too long"):
        hurry.setattr(box, "_settings", box._settings.model_copy(update={"child_seconds": 1}))
        parent_of("sleep")
    second = parent_of()
    assert second not in (first, os.getpid())
    assert parent_of("end the parent") == os.getpid()  # a child of its own does it
    assert parent_of() not in (first, second, os.getpid())


def test_a_job_that_comes_meanwhile_gets_a_child_of_its_own_and_all_limit_themselves(box, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: box.run("analyse", tmp_path, trusted=True, act="wait"), range(2)))
    assert sorted(answer["parent"] == os.getpid() for answer in answers) == [False, True]
    assert {answer["seconds"] for answer in answers} == {LONG}
    box.end()
    assert box.run("analyse", tmp_path, trusted=True, act="answer")["parent"] != os.getpid()  # there again
