"""The dance pipeline: a song and a request in, a dance out. A diffusers pipeline of VAE, DiT and solver."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tempose.diffusers_parts import DiffusionPipeline
from tempose.dit import DanceDiT
from tempose.memory import recall
from tempose.music.audio import Song
from tempose.music.encoders import encoder_of
from tempose.music.features import MUSIC
from tempose.plausible import reach
from tempose.pose_codecs import load_vae
from tempose.progress import OnSegment, OnStep
from tempose.sampler import SegmentSampler, Shown
from tempose.score import Score
from tempose.segments import SEGMENT, Segment, meet, plan
from tempose.solver import FlowSolver
from tempose.vae import PoseVAE
from tempose.weights_check import check_weights
from tempose_pose.completion import complete, never_shown
from tempose_pose.curves import RANGES
from tempose_pose.dance import Dance
from tempose_pose.errors import Canceled, TemposeError
from tempose_pose.framing import CENTRE, GROUND, HEIGHT, Framing, stood_up
from tempose_pose.limits import FPS
from tempose_pose.request import DanceRequest, Known
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import Skeleton, skeleton

ROOM = 0.6  # body heights that a dancer takes to each side


class DancePipeline(DiffusionPipeline):
    """Draws a dance segment by segment; each takes over the last 16 frames of the one before it.

    Components are saved and loaded by diffusers: ``vae``, ``dit``, ``scheduler``, all safetensors.
    """

    def __init__(self, vae: PoseVAE, dit: DanceDiT, scheduler: FlowSolver):
        super().__init__()
        self.register_modules(vae=vae, dit=dit, scheduler=scheduler)
        self.revision = "unsaved"
        named = dit.config["encoder"]
        self.encoder = encoder_of(named) if named else None

    def register_modules(self, **parts: Any) -> None:
        """As diffusers' own, which asks whether they are compiled and so imports torch's compiler."""
        for name, part in parts.items():
            self.register_to_config(**{name: (type(part).__module__, type(part).__name__)})
            setattr(self, name, part)

    @property
    def skeleton(self) -> Skeleton:
        """What the model dances on."""
        return skeleton(self.dit.config["skeleton"])

    @classmethod
    def load(cls, folder: str | os.PathLike, device: str = "auto") -> DancePipeline:
        """Load weights from a folder written by `save_pretrained`; nothing but safetensors is read.

        On a CPU one thread is used, or as many as the environment variable TEMPOSE_THREADS says: the products
        are small, and beside another busy program two threads that wait for each other were measured fifty
        times slower than one.

        Raises
        ------
        TemposeError
            The device is not there, or the weights are missing, damaged or not those of their manifest.
        """
        folder = Path(folder)
        target = _device(device)
        check_weights(folder)
        try:
            scheduler = FlowSolver.from_pretrained(folder / "scheduler")
            pipeline = cls(
                load_vae(folder / "vae"),
                DanceDiT.from_pretrained(folder / "dit", use_safetensors=True, low_cpu_mem_usage=False),
                scheduler,  # pyright: ignore[reportArgumentType] -- no tuple without asking for one
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise TemposeError(
                "weights_damaged", f"The weights in {folder} cannot be read: {error}"
            ) from error
        if pipeline.dit.music != MUSIC:
            raise TemposeError(
                "weights_features",
                f"The weights in {folder} were trained on other music features ({pipeline.dit.music}) than "
                f"this version of Tempose makes ({MUSIC}): use the version they were trained with.",
            )
        # Arithmetic in float32: sub-bin positions need it, and it is the same everywhere.
        pipeline.vae.float().to(target).eval()
        pipeline.dit.float().to(target).eval()
        if target.type == "cpu":
            torch.set_num_threads(int(os.environ.get("TEMPOSE_THREADS", "1")))
        pipeline.revision = weights_revision(folder)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    @torch.no_grad()
    def __call__(
        self,
        song: Song,
        request: DanceRequest,
        *,
        on_segment: OnSegment | None = None,
        on_step: OnStep | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> Dance:
        """Dance to a song.

        Raises
        ------
        TemposeError
            The reference cannot be used.
        Canceled
            Within one sampler step of `should_cancel` answering true.
        """
        dancer = _Dancer.of(request.reference, self.skeleton)
        known = request.known.on(self.skeleton) if request.known is not None else None
        grid = request.grid or song.grid
        canvas = _Canvas.of(request.frames, known, dancer)
        segments = plan(request.frames, np.logical_not(canvas.kept.all(1)))
        total = len(segments) * request.steps
        sampler = SegmentSampler(self.vae, self.dit, copy(self.scheduler))  # which counts its steps
        names = tuple(self.dit.config["curves"])
        score = Score.of(song, request, grid, names, self.encoder, path=dancer.path)
        for number, segment in enumerate(segments):
            drawn, confidence = sampler(
                canvas.shown(segment, dancer),
                score.conditions(segment, *canvas.memory(segment, self.dit.config["memory"])),
                [_noise_seed(request.seed, segment)],
                request.steps,
                request.guidance,
                earlier=score.earlier(segment, canvas.keypoints, self.skeleton),
                on_step=lambda step, n=number: _tick(on_step, should_cancel, n * request.steps + step, total),
            )
            canvas.draw(segment, drawn[0], np.where(dancer.missing, 0, confidence[0]))
            if on_segment:
                part = slice(segment.fresh, segment.stop)
                on_segment(segment.fresh, dancer.place(canvas.keypoints[part]), canvas.scores[part])

        final = dancer.place(canvas.keypoints)
        if known is not None:  # bit for bit, not by way of the framing
            n = min(len(final), len(known.mask))
            mask = known.mask[:n]
            final[:n][mask] = known.poses.keypoints[:n][mask]
        heard = grid.warped(request.tempo_map).within(request.seconds)
        return Dance(
            PoseSequence(final, canvas.scores, FPS, self.skeleton, dancer.reference.canvas),
            heard.beats,
            heard.downbeats,
            np.asarray([s.fresh for s in segments if s.start], np.int32),
            request.seed,
            self.revision,
            score.style_name,
        )


@dataclass(frozen=True, eq=False)
class _Dancer:
    """Who dances: the reference, where it stands, and how far its limbs reach. Canonical coordinates."""

    reference: PoseSequence
    framing: Framing
    static: np.ndarray  # (K, 2)
    scores: np.ndarray  # (K,)
    reach: np.ndarray  # (K,)
    missing: np.ndarray  # (K,) bool: what it does not have, as a figure without legs

    @classmethod
    def of(cls, pose: PoseSequence, bones: Skeleton) -> _Dancer:
        body = complete(pose)[0]  # framing and size are read off the body alone
        points = body.pixels[0].astype(float)
        framing = Framing.of(points, body.scores[0])
        stood = stood_up(framing.apply(points), body.scores[0])
        reference = _with_body(pose, body, bones)
        static = framing.apply(reference.pixels[0].astype(float))
        shift, unseen, missing = np.zeros_like(static), never_shown(pose), np.zeros(len(bones), bool)
        for joint in bones.outwards:  # hands and feet go where their limbs go
            own, parent = body.skeleton.at.get(bones.joints[joint]), bones.parents[joint]
            if own is not None:
                shift[joint], missing[joint] = stood[own] - static[joint], unseen[own]
            elif parent >= 0:
                shift[joint], missing[joint] = shift[parent], missing[parent]
        static += shift
        scores = reference.scores[0] * _on_canvas(static)
        return cls(reference, framing, static, scores, reach(static, scores, bones), missing)

    @property
    def path(self) -> float | None:
        """Where it dances, to stay in its picture: body heights to the right of where it stands, None for there."""
        hips = self.framing.undo(np.asarray([CENTRE, GROUND]))[0]
        left, right = np.asarray([hips, self.reference.canvas[0] - hips]) * self.framing.scale / HEIGHT
        lacking = min(ROOM - min(left, right), abs(right - left) / 2)
        return None if lacking <= 0 else float(np.copysign(min(lacking, RANGES["path"][1]), right - left))

    def place(self, canonical: np.ndarray) -> np.ndarray:
        """Canonical keypoints on the reference's own canvas, in [0, 1]; what lies beyond its edge stops there."""
        points = self.framing.undo(canonical) / np.asarray(self.reference.canvas)
        return np.clip(points, 0, 1).astype(np.float32)


@dataclass(eq=False)
class _Canvas:
    """What is drawn so far: canonical keypoints (T, K, 2), scores and what is kept (T, K)."""

    keypoints: np.ndarray
    scores: np.ndarray
    kept: np.ndarray  # what each segment may lean on: the known, then also what was drawn

    @classmethod
    def of(cls, frames: int, known: Known | None, dancer: _Dancer) -> _Canvas:
        joints = len(dancer.static)
        canvas = cls(
            np.zeros((frames, joints, 2)),
            np.zeros((frames, joints), np.float32),
            np.zeros((frames, joints), bool),
        )
        if known is not None:
            poses = known.poses
            n = min(frames, len(poses))
            given = canvas.kept[:n] = known.mask[:n]
            canvas.keypoints[:n] = np.where(given[..., None], dancer.framing.apply(poses.pixels[:n]), 0)
            canvas.scores[:n] = np.where(given, poses.scores[:n], 0)
        return canvas

    def shown(self, segment: Segment, dancer: _Dancer) -> Shown:
        """What the network sees of it, a batch of one."""
        window, n = segment.window, segment.stop - segment.start
        known = np.zeros((SEGMENT, len(dancer.static)), bool)
        known[:n] = self.kept[window]
        poses = np.broadcast_to(dancer.static, (SEGMENT, *dancer.static.shape)).copy()
        poses[:n] = np.where(known[:n, :, None], self.keypoints[window], poses[:n])
        scores = np.broadcast_to(dancer.scores, known.shape).copy()
        scores[:n] = np.where(known[:n], self.scores[window], scores[:n])
        scores *= _on_canvas(poses)
        return Shown(poses[None], scores[None], known[None], dancer.reach, dancer.reference.skeleton)

    def memory(self, segment: Segment, count: int) -> tuple[np.ndarray, np.ndarray]:
        """What was danced before the segment."""
        danced = np.asarray(self.kept.all(1))
        return recall(self.keypoints, self.scores, danced, segment.start, count)

    def draw(self, segment: Segment, keypoints: np.ndarray, scores: np.ndarray) -> None:
        """Take over a segment, led to what was there."""
        window, n = segment.window, segment.stop - segment.start
        kept = self.kept[window]
        self.keypoints[window] = meet(keypoints[:n], self.keypoints[window], kept)
        self.scores[window] = np.where(kept, self.scores[window], scores[:n])
        self.kept[window] = True


def _with_body(pose: PoseSequence, body: PoseSequence, bones: Skeleton) -> PoseSequence:
    """A completed body on a skeleton, with what else the pose shows; the rest has score 0: the model draws it."""
    whole, given = convert(body, bones), convert(pose, bones)
    seen = (given.scores > 0) & (whole.scores == 0)
    keypoints = np.where(seen[..., None], given.keypoints, whole.keypoints)
    return replace(whole, keypoints=keypoints, scores=np.where(seen, given.scores, whole.scores))


def _noise_seed(seed: int, segment: Segment) -> int:
    """Noise belongs to the segment's place, not to how many came before it: a range danced again alone gets the
    noise it had."""
    return int(np.random.SeedSequence((seed, segment.start)).generate_state(1)[0])


def weights_revision(folder: Path) -> str:
    """First 12 hex digits of the SHA-256 over the weight files, in name order."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _on_canvas(points: np.ndarray) -> np.ndarray:
    """1 where canonical points lie on the canvas (with a hair's breadth around it), else 0."""
    return np.all((points > -0.01) & (points < 1.01), axis=-1).astype(np.float32)


def _tick(on_step: OnStep | None, should_cancel: Callable[[], bool] | None, done: int, total: int) -> None:
    if on_step:
        on_step(done, total)
    if should_cancel and should_cancel():
        raise Canceled


def _device(name: str) -> torch.device:
    available = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if name == "auto":
        name = next(n for n, there in available.items() if there())
    if name not in available or not available[name]():
        raise TemposeError("device_missing", f"There is no device {name!r} here; use auto or cpu.")
    return torch.device(name)
