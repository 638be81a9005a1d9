"""The dance pipeline: a song and a request in, a dance out. A diffusers pipeline of VAE, DiT and scheduler."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from tempose.codecs import load_vae
from tempose.dit import DanceDiT
from tempose.generator import OnSegment, OnStep
from tempose.music.audio import Song
from tempose.music.features import MUSIC, mean_tempo, music_features
from tempose.plausible import on_planted_feet, reach, within_reach
from tempose.request import FPS, NORMAL_TEMPO, STYLES, DanceRequest
from tempose.segments import SEGMENT, Segment, meet, plan
from tempose.vae import TIME_STRIDE, PoseVAE, decode_mixtures
from tempose.weights_check import check_weights
from tempose_pose.dance import Dance
from tempose_pose.errors import Canceled, TemposeError
from tempose_pose.framing import Framing, stood_up
from tempose_pose.reference import complete
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18

ENERGY = 1.1  # what the network is asked for as energy 1; measured to give 0.45 body heights per second
FASTER = 0.6  # power of the tempo that goes into that; dances then go with its power of 0.82, clips of 0.77
PLAUSIBLE = 0.9  # time of the flow from which on the estimate is held to what a body can do
VISIBLE = (
    0.5  # confidence below which a joint counts as hidden; chosen on training windows, docs/representation.md
)


class DancePipeline(DiffusionPipeline):
    """Draws a dance segment by segment; each takes over the last 16 frames of the one before it.

    Components are saved and loaded by diffusers: ``vae``, ``dit``, ``scheduler``, all safetensors.
    """

    def __init__(self, vae: PoseVAE, dit: DanceDiT, scheduler: FlowMatchEulerDiscreteScheduler):
        super().__init__()
        self.register_modules(vae=vae, dit=dit, scheduler=scheduler)
        self.revision = "unsaved"

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
            scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
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
        reference, _ = complete(request.reference)
        reference = to_openpose18(reference)
        framing = Framing.of(reference.pixels[0].astype(float), reference.scores[0])
        static = stood_up(framing.apply(reference.pixels[0]), reference.scores[0])  # (K, 2), canonical
        static_scores = reference.scores[0] * _on_canvas(static)

        frames = request.frames
        grid = request.grid or song.grid
        keypoints = np.zeros((frames, len(OPENPOSE_18), 2))
        scores = np.zeros((frames, len(OPENPOSE_18)), np.float32)
        given = np.zeros((frames, len(OPENPOSE_18)), bool)
        if request.known is not None:
            poses = to_openpose18(request.known.poses)
            n = min(frames, len(poses))
            given[:n] = request.known.mask[:n]
            keypoints[:n] = np.where(given[:n, :, None], framing.apply(poses.pixels[:n]), 0)
            scores[:n] = np.where(given[:n], poses.scores[:n], 0)

        segments = plan(frames, np.logical_not(given.all(1)))
        total = len(segments) * request.steps
        kept = given.copy()  # what each segment may lean on: the known, then also what was drawn
        for number, segment in enumerate(segments):
            times = (segment.start + np.arange(SEGMENT)) / FPS
            music = music_features(song.features, grid, request.tempo_map, times)
            # Noise belongs to the segment's place, not to how many came before it: a range danced again alone
            # gets the noise it had.
            noise_seed = int(np.random.SeedSequence((request.seed, segment.start)).generate_state(1)[0])
            drawn, confidence = self._segment(
                keypoints, scores, kept, static, static_scores, segment, music, noise_seed, request,
                lambda step, n=number: _tick(on_step, should_cancel, n * request.steps + step, total),
            )  # fmt: skip
            window = slice(segment.start, segment.stop)
            keypoints[window] = meet(drawn, keypoints[window], kept[window])
            scores[window] = np.where(kept[window], scores[window], confidence)
            kept[window] = True
            if on_segment:
                part = slice(segment.fresh, segment.stop)
                on_segment(segment.fresh, _on_reference(framing, keypoints[part], reference), scores[part])

        final = _on_reference(framing, keypoints, reference)
        if request.known is not None:  # bit for bit, not by way of the framing
            n = min(frames, len(request.known.poses))
            final[:n][given[:n]] = to_openpose18(request.known.poses).keypoints[:n][given[:n]]
        heard = grid.warped(request.tempo_map).within(request.seconds)
        return Dance(
            PoseSequence(final, scores, FPS, OPENPOSE_18, reference.canvas),
            heard.beats,
            heard.downbeats,
            np.asarray([s.fresh for s in segments if s.start], np.int32),
            request.seed,
            self.revision,
        )

    def _segment(
        self,
        keypoints: np.ndarray,
        scores: np.ndarray,
        kept: np.ndarray,
        static: np.ndarray,
        static_scores: np.ndarray,
        segment: Segment,
        music: np.ndarray,
        noise_seed: int,
        request: DanceRequest,
        tick: Callable[[int], None],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw one segment: canonical keypoints (n, K, 2) and confidence (n, K) for its frames."""
        window = slice(segment.start, segment.stop)
        n = segment.stop - segment.start
        known = np.zeros((SEGMENT, len(static)), bool)
        known[:n] = kept[window]
        shown = np.broadcast_to(static, (SEGMENT, *static.shape)).copy()
        shown[:n] = np.where(known[:n, :, None], keypoints[window], shown[:n])
        shown_scores = np.broadcast_to(static_scores, known.shape).copy()
        shown_scores[:n] = np.where(known[:n], scores[window], shown_scores[:n])
        shown_scores *= _on_canvas(shown)

        device = self.dit.device
        reference = self._encode(torch.tensor(shown, dtype=torch.float32), torch.tensor(shown_scores).float())
        mask = mask_channels(torch.from_numpy(known)[None]).to(device)
        generator = torch.Generator().manual_seed(noise_seed)  # on the CPU: the same noise on every device
        latent = torch.randn(reference.shape, generator=generator).to(device)
        style = STYLES.index(request.style) if request.style else len(STYLES)
        condition: dict[str, Any] = {
            "music": torch.from_numpy(music)[None].to(device),
            "style": torch.tensor([style], device=device),
            "energy": torch.tensor([_energy(request, music)], device=device),
            "no_music": torch.zeros(1, dtype=torch.bool, device=device),
        }
        guided = request.guidance != 1
        if guided:  # the second sample of the batch hears nothing and has no style or energy
            condition = {key: torch.cat([value, value]) for key, value in condition.items()}
            condition["no_music"][1] = True
            condition["style"][1] = len(STYLES)
            condition["energy"][1] = float("nan")
            reference, mask = torch.cat([reference] * 2), torch.cat([mask] * 2)

        limit = reach(static, static_scores)
        self.scheduler.set_timesteps(sigmas=np.linspace(1, 0, request.steps, endpoint=False), device=device)
        for i, timestep in enumerate(self.scheduler.timesteps):
            sigma = self.scheduler.sigmas[i].to(device)
            batch = torch.cat([latent] * 2) if guided else latent
            time = sigma.expand(len(batch))
            clean = self.dit(batch, reference, mask, time, **condition)  # (1 or 2, K, C, 1, T')
            if guided:
                heard, deaf = clean.chunk(2)
                clean = deaf + request.guidance * (heard - deaf)
            if sigma < PLAUSIBLE and getattr(self.vae, "linear", True):
                clean = self._plausible(clean, known, limit)
            velocity = (latent - clean) / sigma
            latent = self.scheduler.step(velocity, timestep, latent, return_dict=False)[0]
            tick(i + 1)
        drawn, confidence = self._decode(latent)
        return drawn[:n], confidence[:n]

    def _plausible(self, clean: Tensor, known: np.ndarray, limit: np.ndarray) -> Tensor:
        """The estimate (1, K, C, 1, T') as a body could dance it; known joints and frames stay."""
        points = self.vae.linear_positions(self.vae.denormalised(clean[0]))  # (K, T, 2)
        drawn = points.transpose(0, 1).double().cpu().numpy()
        better = within_reach(on_planted_feet(drawn), limit)
        change = np.where(known[..., None], 0, better - drawn)
        change = torch.from_numpy(change).to(clean).transpose(0, 1)
        return clean + self.vae.normalised_change(self.vae.linear_change(change))

    def _encode(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """(T, K, 2), (T, K) canonical → normalised latent (1, K, C, 1, T')."""
        device = self.vae.device
        latent = self.vae.encode_linear(  # as in training: the corrections beside it would be news to the DiT
            keypoints.clamp(0, 1).transpose(0, 1).to(device), scores.transpose(0, 1).to(device)
        )
        return self.vae.normalised(latent)[None]

    def _decode(self, latent: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Normalised latent (1, K, C, 1, T') → canonical keypoints (T, K, 2) and confidence (T, K)."""
        mixtures, confidence = self.vae.decode(self.vae.denormalised(latent[0]))
        points = decode_mixtures(mixtures)  # (K, 2, T)
        seen = torch.sigmoid(confidence)
        seen = torch.where(seen < VISIBLE, 0, seen)
        return points.permute(2, 0, 1).double().cpu().numpy(), seen.T.float().cpu().numpy()


def mask_channels(known: Tensor) -> Tensor:
    """Known (B, T, K) → the 8-phase mask (B, K, 8, 1, T'): [k, p, ·, c] says whether frame 8c + p is known."""
    return known.transpose(1, 2).unflatten(-1, (-1, TIME_STRIDE)).transpose(-1, -2).unsqueeze(-2).float()


def weights_revision(folder: Path) -> str:
    """First 12 hex digits of the SHA-256 over the weight files, in name order."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _energy(request: DanceRequest, music: np.ndarray) -> float:
    """What the network is asked for: faster music is danced faster, as by real dancers.

    Asked for one speed at all tempi, it danced fast songs at a third or a quarter of their tempo: of all real
    dances with just that speed, those to fast music are the calm ones.
    """
    tempo = np.clip(mean_tempo(music), 60, 180)  # as far as training went
    return ENERGY * request.energy * float((tempo / NORMAL_TEMPO) ** FASTER)


def _on_canvas(points: np.ndarray) -> np.ndarray:
    """1 where canonical points lie on the canvas (with a hair's breadth around it), else 0."""
    return np.all((points > -0.01) & (points < 1.01), axis=-1).astype(np.float32)


def _on_reference(framing: Framing, canonical: np.ndarray, reference: PoseSequence) -> np.ndarray:
    """Canonical keypoints → the reference's own canvas, in [0, 1]; what lies beyond its edge stops there."""
    return np.clip(framing.undo(canonical) / np.asarray(reference.canvas), 0, 1).astype(np.float32)


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
