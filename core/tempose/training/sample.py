"""A dance drawn while training: one segment of a held-out example, by the pipeline's own sampler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from tempose.augmentation.examples import Examples
from tempose.dit import DanceDiT
from tempose.music.features import MUSIC
from tempose.plausible import reach
from tempose.sampler import Conditions, SegmentSampler, Shown
from tempose.solver import FlowSolver
from tempose_pose.dance import Dance
from tempose_pose.limits import FPS
from tempose_pose.request import STEPS
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import Skeleton


def draw_segment(dit: DanceDiT, vae: Any, example: Examples, skeleton: Skeleton, seed: int = 0) -> Dance:
    """Draw one example (a batch of one) from its reference pose alone, without guidance."""

    def array(values: torch.Tensor) -> np.ndarray:
        return values.detach().cpu().numpy()

    scores = np.broadcast_to(array(example.reference_scores)[:, None], example.scores.shape)  # (1, T, K)
    poses = np.broadcast_to(array(example.reference)[:, None], (*scores.shape, 2))
    limit = reach(poses[0, 0], scores[0, 0], skeleton)
    shown = Shown(poses, scores, np.zeros(scores.shape, bool), limit, skeleton)
    conditions = Conditions(
        array(example.music), array(example.style), array(example.energy), array(example.curves),
        array(example.encoded), array(example.song), array(example.memory), array(example.ago),
    )  # fmt: skip
    sampler = SegmentSampler(vae, dit, FlowSolver())
    points, confidence = sampler(shown, conditions, [seed], STEPS, guidance=1.0)
    music = conditions.music[0]
    phase = np.arctan2(music[:, MUSIC["beat_sine"]], music[:, MUSIC["beat_cosine"]])[:, 0]
    beats = (np.flatnonzero((phase[:-1] < 0) & (phase[1:] >= 0) & (np.diff(phase) < np.pi)) + 1) / FPS
    return Dance(
        PoseSequence(points[0], confidence[0], FPS, skeleton), beats, np.zeros(0), np.zeros(0, np.int32), seed,
        "in training",
    )  # fmt: skip


def draw_sheet(dit: DanceDiT, vae: Any, example: Examples, path: Path, skeleton: Skeleton) -> None:
    """Write a contact sheet of a dance for an example, completely or not at all."""
    from PIL import Image

    from tempose.render.contact_sheet import contact_sheet

    dance = draw_segment(dit, vae, example, skeleton)
    part = path.with_name(path.name + ".part")
    Image.fromarray(contact_sheet(dance, title="held out", count=16)).save(part, "PNG")
    part.replace(path)
