"""Videos of a drawn figure that dances to clicks, with known joints and beats.

python scripts/drawn_videos.py --measure          # how well they are read, by style and frame rate
python scripts/drawn_videos.py --write dance.mp4
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drawn_figures import SIDES, STYLES, Build, Joints, Pen, person, posed, shaded, turned
from PIL import Image

from tempose_pose.dance import Dance
from tempose_pose.sequence import to_openpose18
from tempose_pose.skeletons import OPENPOSE_18

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the add-on's own feet

SIZE = (360, 480)
RATE = 22_050
BPM = 110.0


@dataclass(frozen=True, eq=False)
class Film:
    """The truth about a video.

    Parameters
    ----------
    joints : list of dict of str → (2,)
        Of each frame, in pixels; for a moving camera, as seen by a static one.
    beats : (B,)
        Times of the clicks in seconds.
    """

    joints: list[Joints]
    beats: np.ndarray
    fps: float
    moves: bool = False


def dancing(beat: float, build: Build) -> Joints:
    """The figure at a time in beats: it moves from pose to pose and arrives on each beat."""
    step = int(np.floor(beat))
    share = min((beat - step) / 0.8, 1.0)  # arrives early, then holds
    ease = share * share * (3 - 2 * share)
    before, after = _pose(step - 1, build), _pose(step, build)
    return {name: p + ease * (after[name] - p) for name, p in before.items()}


def _pose(number: int, build: Build) -> Joints:
    """One of eight poses: arms alternately up and down, a step to either side."""
    at = posed(np.random.default_rng(40 + number % 8), build)
    sway = np.array([0.06 * (-1) ** number, 0.0, 0.0])
    return {name: p + (0 if name.endswith(("ankle", "toes", "knee")) else sway) for name, p in at.items()}


@dataclass(frozen=True)
class Camera:
    """The view of a dancer: its turn in degrees, its share of the picture's height, and the camera's motion.

    `pan` and `zoom` are the amplitudes: to either side in widths of the picture, and in and out as a share.
    """

    degrees: float = 15.0
    fills: float = 0.72
    pan: float = 0.0
    zoom: float = 0.0

    @property
    def moves(self) -> bool:
        return bool(self.pan or self.zoom)

    def window(self, seconds: float) -> tuple[float, float]:
        """How far it has panned, in widths of the picture, and how far it has zoomed in."""
        return self.pan * np.sin(1.7 * seconds), 1 + self.zoom * np.sin(1.1 * seconds)


def frames(style: str, seconds: float, fps: float, bpm: float = BPM, camera: Camera = Camera()):
    """Pictures and joints, frame by frame."""
    look, build, paper = STYLES[style]
    scale, degrees = camera.fills * SIZE[1], camera.degrees
    size = (2 * SIZE[0], SIZE[1]) if camera.moves else SIZE
    stage = wall(size) if camera.moves else None
    for number in range(round(seconds * fps)):
        solid = turned(dancing(number / fps * bpm / 60, build), degrees)
        at = {n: np.array([size[0] / 2 + p[0] * scale, 0.93 * SIZE[1] - p[1] * scale, p[2] * scale])
              for n, p in solid.items()}  # fmt: skip
        pen = Pen(at, scale, size, paper)
        person(pen, look, build, degrees)
        picture = pen.done()
        if style == "shaded":
            picture = shaded(picture, paper, np.random.default_rng(number))
        if stage is not None:
            picture = filmed(picture, paper, stage, camera, number / fps)
        yield np.asarray(picture), {name: p[:2] for name, p in at.items()}


def wall(size: tuple[int, int]) -> np.ndarray:
    """The background (H, W, 3) for a moving camera: soft light and dark patches."""
    small = np.random.default_rng(5).uniform(90, 225, (size[1] // 24, size[0] // 24)).astype(np.uint8)
    soft = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC), float)
    return np.stack([soft, 0.95 * soft, 0.85 * soft], -1)


def filmed(
    picture: Image.Image, paper: tuple[int, int, int], stage: np.ndarray, camera: Camera, seconds: float
) -> Image.Image:
    """A wide picture of a figure in front of a wall, as its camera sees it."""
    pixels = np.asarray(picture, float)
    figure = np.abs(pixels - paper).sum(-1, keepdims=True) > 12
    wide = Image.fromarray(np.where(figure, pixels, stage).astype(np.uint8))
    pan, zoom = camera.window(seconds)
    left = wide.width / 2 + (pan - 0.5 / zoom) * SIZE[0]
    top = SIZE[1] * (1 - 1 / zoom) / 2
    matrix = (1 / zoom, 0, left, 0, 1 / zoom, top)
    return wide.transform(SIZE, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def clicks(seconds: float, bpm: float) -> np.ndarray:
    """Short noises on the beats, accented in fours."""
    out, burst = np.zeros(round(seconds * RATE)), np.random.default_rng(1).normal(0, 1, 700)
    burst *= np.exp(-np.arange(700) / 140)
    for k, at in enumerate(np.arange(0, seconds - 0.05, 60 / bpm)):
        out[round(at * RATE) :][:700] += ((0.3 if k % 4 else 0.7) * burst)[: len(out) - round(at * RATE)]
    return out.clip(-1, 1)


def write(
    path: Path,
    style: str = "flat",
    seconds: float = 8.0,
    fps: int = 30,
    bpm: float = BPM,
    camera: Camera = Camera(),
) -> Film:
    """Write a video file with sound; return the truth about it."""
    import av

    joints = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.bit_rate = 4_000_000
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        for picture, at in frames(style, seconds, fps, bpm, camera):
            joints.append(at)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        samples = (clicks(seconds, bpm) * 32000).astype(np.int16)
        for start in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(
                samples[None, start : start + 1024], format="s16", layout="mono"
            )
            block.sample_rate, block.pts = RATE, start
            container.mux(sound.encode(block))
        container.mux(sound.encode(None))
    return Film(joints, np.arange(0, seconds - 0.05, 60 / bpm), fps, camera.moves)


TRIED = (
    ("flat", 24, Camera()),
    ("shaded", 60, Camera(-20.0)),
    ("small", 30, Camera(10.0)),
    ("flat", 25, Camera(40.0, 0.5)),
    ("lines", 30, Camera(-15.0, 0.6)),
    ("flat", 30, Camera(10.0, 0.6, 0.2, 0.0)),
    ("flat", 30, Camera(-10.0, 0.6, 0.12, 0.2)),
)
"""Figures, frame rates and cameras that are measured."""
LIMBS = [f"{side}_{j}" for side in SIDES for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")]


def slide(points: np.ndarray, film: Film, trunk: float) -> float:
    """Average speed, in trunk lengths a second, of ankles of `LIMBS` (T, 12, 2) while the true ones stand."""
    speeds = []
    for side in SIDES:
        true = np.stack([at[f"{side}_ankle"] for at in film.joints])[: len(points)]
        still = np.hypot(*np.diff(true, axis=0).T) * film.fps < 0.02 * trunk
        own = np.hypot(*np.diff(points[:, LIMBS.index(f"{side}_ankle")], axis=0).T) * film.fps / trunk
        speeds.append(own[still])
    return float(np.concatenate(speeds).mean())


def planted(dance: Dance) -> np.ndarray:
    """Pixels (T, K, 2) of a dance with its feet planted as on a rig in Blender."""
    from addon.model.character.joints import with_mid_hip
    from addon.model.keys.feet import plant

    body = to_openpose18(dance.poses)
    points, scores = with_mid_hip(body.pixels * (1.0, -1.0), body.scores.astype(float))
    height = float(np.percentile(np.ptp(points[..., 1], axis=1), 75))
    out = dance.poses.pixels.copy()
    held = plant(points, scores, dance.poses.fps, height).points * (1.0, -1.0)
    for k, joint in enumerate(OPENPOSE_18.joints):
        out[:, dance.poses.skeleton.index(joint)] = held[:, k]
    return out


def laid_over(points: np.ndarray, others: np.ndarray) -> tuple[float, np.ndarray]:
    """The scale and the shift that fit points (N, 2) best to others."""
    middle, to = np.median(points, 0), np.median(others, 0)
    scale = float(np.median(np.abs(others - to).sum(-1)) / np.median(np.abs(points - middle).sum(-1)))
    return scale, to - scale * middle


def measured(path: Path, film: Film) -> dict[str, float]:
    """How far the dance read from a video is from the truth."""
    from tempose.metrics.beats import alignment
    from tempose.videos.dance import dance_from_video

    start = time.perf_counter()
    dance = dance_from_video(path)
    spent = time.perf_counter() - start
    columns = dance.poses.skeleton.indices(*LIMBS)
    true = np.stack([[at[j] for j in LIMBS] for at in film.joints])  # (T, 12, 2)
    found = dance.poses.pixels[: len(true), columns]
    seen = dance.poses.scores[: len(true), columns] > 0
    trunk = np.hypot(*np.mean([at["neck"] - at["mid_hip"] for at in film.joints], 0))
    stood = planted(dance)[: len(true), columns]
    if film.moves:  # place and size may be anything, but must be constant
        scale, shift = laid_over(found[seen], true[: len(found)][seen])
        found, stood = found * scale + shift, stood * scale + shift
    off = np.hypot(*np.moveaxis(found - true[: len(found)], -1, 0)) / trunk
    slid = [slide(points, film, trunk) for points in (found, stood)]
    jitter = [np.diff(p, 2, axis=0) / trunk for p in (found, true[: len(found)])]
    near = (
        np.abs(dance.beat_times[:, None] - film.beats).min(1) if len(dance.beat_times) else np.array([np.inf])
    )
    return {
        "PCK@0.2": float((off[seen] < 0.2).mean()),
        "error, trunks": float(np.median(off[seen])),
        "seen": float(seen.mean()),
        "jitter over the truth's": float(np.abs(jitter[0]).mean() / np.abs(jitter[1]).mean()),
        "feet slide, trunks a second": slid[0],
        "and planted": slid[1],
        "beat error, ms": float(1000 * np.median(near)),
        "beats found": float(alignment(film.beats, dance.beat_times)) if len(dance.beat_times) else 0.0,
        "seconds a frame": spent / len(film.joints),
    }


def main() -> None:
    """Write one, or measure all."""
    parser = argparse.ArgumentParser(description="Drawn videos whose dance is known.")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--style", choices=list(STYLES), default="flat")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--moving", action="store_true", help="only those whose camera moves")
    asked = parser.parse_args()
    if asked.write:
        write(asked.write, asked.style, asked.seconds)
    if asked.measure:
        import torch

        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as folder:
            tried = [row for row in TRIED if row[2].moves or not asked.moving]
            for number, (style, fps, camera) in enumerate(tried):
                path = Path(folder) / f"{style}-{fps}-{number}.mp4"
                row = measured(path, write(path, style, asked.seconds, fps, camera=camera))
                if number == 0:
                    print(f"| video | {' | '.join(row)} |\n|{'---|' * (len(row) + 1)}")
                seen = f"{style}, {fps} fps, {camera.degrees:.0f}°, {camera.fills:.0%} high"
                if camera.moves:
                    seen += f", pans {camera.pan:.0%}, zooms {camera.zoom:.0%}"
                print(f"| {seen} | {' | '.join(f'{v:.3g}' for v in row.values())} |", flush=True)


if __name__ == "__main__":
    main()
