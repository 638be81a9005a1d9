"""Training in processes of their own: killed and resumed, and two together."""

import csv
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tempose.training.state import latest

PROGRAM = Path(__file__).with_name("training_process.py")
ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # a busy machine takes minutes to import torch


def begin(out, batch, *more, **environment):
    log = (out.parent / f"{out.name}-{environment.get('RANK', '')}.log").open("wb")
    with log:
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), str(out), str(batch), *map(str, more)],
            stdout=log, stderr=log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / p) for p in ("core", "pose")),
                 "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", **environment},
        )  # fmt: skip


def ended(process, out, code=0):
    try:
        found = process.wait(700)
    finally:
        process.kill()
        process.wait()
    assert found == code, "".join(path.read_text()[-3000:] for path in out.parent.glob(f"{out.name}-*.log"))


def curve(out, column="loss"):
    with (out / "log.csv").open(newline="") as file:
        return np.array([float(row[column]) for row in csv.DictReader(file)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of one process that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    ended(begin(out, 4), out)
    return out


def test_a_run_killed_while_it_saves_goes_on_from_the_save_before_and_ends_the_same(whole, tmp_path):
    out = tmp_path / "run"
    ended(begin(out, 4, 3), out, -signal.SIGKILL)
    assert latest(out).name == "3"
    ended(begin(out, 4), out)
    assert latest(whole).name == latest(out).name == "6"
    for file in ("model.safetensors", "averages.safetensors"):
        unbroken, resumed = (load_file(latest(folder) / file) for folder in (whole, out))
        assert set(unbroken) == set(resumed)
        for name in unbroken:
            assert torch.equal(unbroken[name], resumed[name]), name
    assert np.array_equal(curve(whole), curve(out))


def test_two_processes_have_the_loss_curve_of_one_with_their_whole_batch(whole, tmp_path):
    out = tmp_path / "run"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "GLOO_SOCKET_IFNAME": "lo",
    }
    processes = [begin(out, 2, RANK=rank, LOCAL_RANK=rank, **together) for rank in ("0", "1")]
    for process in processes:
        ended(process, out)
    assert len(curve(out)) == len(curve(whole)) == 6
    for column in ("loss", "flow", "velocity", "error"):
        np.testing.assert_allclose(
            curve(out, column), curve(whole, column), rtol=0.02
        )  # bfloat16; other examples differ by far more
    one, two = (load_file(latest(folder) / "averages.safetensors") for folder in (whole, out))
    assert set(one) == set(two)
