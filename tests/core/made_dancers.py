"""Made-up dancers, songs and measures for the tests of training."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.bank import BankSong
from tempose.datasets.clips import Clip, widened
from tempose.datasets.recombine import Recombiner
from tempose.datasets.source import Source
from tempose.training.config import DiTConfig
from tempose_pose.framing import chain_height
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose

BPM = 100.0


def standing_figure():
    """(18, 3) a figure of height 1, feet on the ground, facing the viewer."""
    pose = standing_pose().pixels[0].astype(float)
    depth = np.zeros(18)
    depth[OPENPOSE_18.index("nose")] = 0.08
    rest = np.column_stack([pose[:, 0] - pose[:, 0].mean(), -pose[:, 1], depth])
    rest[:, 1] -= rest[:, 1].min()
    return rest / chain_height(rest[None])


def swinging_clip(style="house", late=0.0, frames=320):
    """A figure whose arms swing and stop once per beat, `late` beats after it."""
    beats = np.arange(frames) * BPM / 1800 - late
    motion = np.repeat(standing_figure()[None], frames, 0)
    for joint in ("left_wrist", "right_wrist", "left_elbow", "right_elbow"):
        motion[:, OPENPOSE_18.index(joint), 0] += 0.2 * np.cos(np.pi * beats)
    return Clip(
        "made-up", motion.astype(np.float32), np.ones((frames, 18), np.float32), style, BPM, ("HO", "s", "c")
    )


def lively_clip(seed=0, style="house", bpm=BPM, dimensions=3, frames=480):
    """A figure that sways, turns its limbs and moves about smoothly, by chance."""
    rng = np.random.default_rng(seed)

    def curve(size, smooth, *shape):
        noise = gaussian_filter1d(rng.normal(size=(frames + 200, *shape)), smooth, axis=0)[100:-100]
        return size * noise / noise.std(0)

    motion = standing_figure() + curve(0.03, 6, 18, 3) * np.asarray([1, 0.6, 1])
    path = curve(0.1, 30, 1, 3) * np.asarray([1, 0, 0.5])
    turn = curve(0.3, 30)
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, z = c * motion[..., 0] + s * motion[..., 2], c * motion[..., 2] - s * motion[..., 0]
    motion = np.stack([x, motion[..., 1], z], -1) + path
    return Clip(
        f"lively-{seed}", motion[..., :dimensions].astype(np.float32), np.ones((frames, 18), np.float32), style,
        bpm, ("HO", "s", f"c{seed}"),
    )  # fmt: skip


def lively_clips():
    """Six clips: in space and flat, with music and without, slow and fast."""
    return [
        lively_clip(0), lively_clip(1, bpm=80.0), lively_clip(2, bpm=140.0), lively_clip(3, "krump"),
        lively_clip(4, "pop", dimensions=2), lively_clip(5, None, bpm=None),
    ]  # fmt: skip


def made_songs(count=3, seed=0):
    """Songs whose columns differ."""
    rng = np.random.default_rng(seed)
    spread = np.linspace(0.2, 1.5, 35)
    return [
        BankSong(
            (spread * rng.normal(size=(1500, 35)) + np.linspace(-1, 1, 35)).astype(np.float16),
            np.arange(0, 50, 0.6),
            ("house", "funk", "krump")[i % 3],
        )
        for i in range(count)
    ]


def quantities(keypoints, scores, reference, reference_scores, music, energy):
    """Mean, deviation and three percentiles of what a training example holds, by name."""
    steps = np.linalg.norm(np.diff(keypoints, axis=-3), axis=-1)
    values = {
        "x": keypoints[..., 0], "y": keypoints[..., 1], "step": steps, "score": scores,
        "hidden share": (scores == 0).mean((-1, -2)), "reference x": reference[..., 0],
        "reference y": reference[..., 1], "reference score": reference_scores, "energy": energy,
        **{f"music {c}": music[..., c] for c in (0, 1, 5, 25, 34, 35, 38, 41, 42)},
    }  # fmt: skip
    return {
        name: (float(np.mean(v)), float(np.std(v)), *np.percentile(v, [1, 50, 99]).tolist())
        for name, v in values.items()
    }


AS_RECORDED = {
    "yaw": 25.0, "moving": 0.15, "zoom": 0.06, "pan": 0.05, "suited": 0.0, "occlusion": 0.0,
    "drop_energy": 0.0,
}  # fmt: skip
PLAIN = {"legless": 0.0, "faceless": 0.0, "gaps": 0.0}


def made_source(clips=None, songs=None, larger=0.0, skeleton=OPENPOSE_18):
    """Made-up clips and songs to draw from."""
    clips = [widened(clip, skeleton) for clip in clips or lively_clips()]
    return Source(Recombiner(clips, larger=larger, skeleton=skeleton), songs or made_songs(), skeleton)


def made_examples(count, seed=0, source=None, **settings):
    """A batch of examples of made-up clips."""
    return ExampleMaker(source or made_source(), AugmentationSettings(**settings))(count, seed)


def tiny_config(out, **changes):
    """A run of a few steps of a tiny network."""
    config = DiTConfig(
        out=str(out), steps=4, batch=2, workers=0, warmup=1, cooldown=0.25, validate_every=2, checks=2, keep=4,
        precision="no", model={"width": 32, "depth": 1, "heads": 1, "hidden": 32},
    )  # fmt: skip
    return replace(config, **changes)
