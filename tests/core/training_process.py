"""A tiny training as a process of its own: `python training_process.py OUT BATCH [KILL_AFTER]`.

Several of them with torch's environment variables train together. With KILL_AFTER the process is killed (SIGKILL)
in the middle of writing the state of the step after that one.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from made_dancers import made_songs, made_source, tiny_config

from tempose.datasets.clips import Clip
from tempose.training import state
from tempose.training.loop import train_dit
from tempose.vae import PoseVAE

STEPS = 6


def wandering_clip():
    rng = np.random.default_rng(0)
    motion = np.cumsum(rng.normal(0, 0.004, (320, 18, 3)), 0) + rng.normal(0, 0.2, (18, 3))
    return Clip(
        "made-up", motion.astype(np.float32), np.ones((320, 18), np.float32), "house", 100.0, ("HO", "s", "c")
    )


def main(out, batch, kill_after=0):
    torch.set_num_threads(1)
    config = tiny_config(
        out, steps=STEPS, batch=batch, validate_every=1, checks=4, learning_rate=2e-4,
        save_every_minutes=1e-9, precision="bf16",
    )  # fmt: skip
    real, saves = state.save_file, [0]

    def save_and_die(tensors, path, **options):
        saves[0] += 1
        if kill_after and saves[0] > kill_after:
            Path(path).write_bytes(b"half a state")
            os.kill(os.getpid(), signal.SIGKILL)
        real(tensors, path, **options)

    state.save_file = save_and_die
    source = made_source([wandering_clip()], made_songs(1))
    train_dit(config, PoseVAE(), source, source)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *(int(number) for number in sys.argv[3:]))
