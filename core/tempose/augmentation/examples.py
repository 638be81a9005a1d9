"""Training examples: windows of dance in new bodies, before new cameras, with music, curves and hidden joints."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from tempose.augmentation import curves as reading
from tempose.augmentation.bodies import BodyTables, draw_proportions, mirrored, reproportioned
from tempose.augmentation.cameras import Cameras
from tempose.augmentation.canvas import (
    CanvasPlacement,
    body_height,
    brought_back,
    draw_placement,
    on_canvas,
    within_room,
)
from tempose.augmentation.draws import Draws
from tempose.augmentation.hiding import BEHIND, behind, draw_gaps, draw_half_figures
from tempose.augmentation.masks import draw_known
from tempose.augmentation.music import MusicBank
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.recombine import Window
from tempose_pose.limits import FPS
from tempose_pose.request import NORMAL_SPEED

GRAIN = (
    8192  # steps to a body height in which windows are kept: a tenth of a millimetre of a person, ±4 heights
)


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of dance (see `datasets.recombine.Window`) as tensors; motion in whole steps of 1 / `GRAIN`.

    motion (B, T, K, 3) int16, seen (B, T, K) bool, beats and bpm (B, T) float32, style (B,) int64, has_music and flat
    (B,) bool, absent (B, K) bool, memory (B, M, K, 3) int16, memory_seen (B, M, K) bool, ago (B, M) float32,
    song (B,) int64, song_frames (B, T) float32.
    """

    motion: Tensor
    seen: Tensor
    beats: Tensor
    bpm: Tensor
    style: Tensor
    has_music: Tensor
    flat: Tensor
    absent: Tensor
    memory: Tensor
    memory_seen: Tensor
    ago: Tensor
    song: Tensor
    song_frames: Tensor

    @classmethod
    def of(cls, windows: list[Window]) -> Windows:
        """Stacked."""
        kinds = {"motion": np.int16, "memory": np.int16, "style": np.int64, "song": np.int64} | dict.fromkeys(
            ("beats", "bpm", "ago", "song_frames"), np.float32
        )

        def stacked(name: str) -> Tensor:
            values = [np.asarray(getattr(w, name)) for w in windows]
            if kinds.get(name) is np.int16:
                values = [np.clip(np.round(v * GRAIN), -32768, 32767) for v in values]
            return torch.from_numpy(np.stack(values).astype(kinds.get(name, bool)))

        return cls(**{f.name: stacked(f.name) for f in fields(cls)})

    def __len__(self) -> int:
        return len(self.motion)

    def to(self, device: torch.device | str) -> Windows:
        """On a device."""
        return Windows(**{f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)})


@dataclass(frozen=True, eq=False)
class Examples:
    """A batch to train on, in canonical coordinates.

    Attributes
    ----------
    keypoints, scores : (B, T, K, 2), (B, T, K)
    reference, reference_scores : (B, K, 2), (B, K)
    known : (B, T, K) bool
    music : (B, T, F)
    style : (B,) int64
        Index into `STYLES`; the number of styles means any.
    energy : (B,)
        Mean joint speed over the normal one; NaN means any.
    no_music : (B,) bool
    curves : (B, T, curves)
        In the order of `curves.CURVES`; NaN is not given.
    time : (B,)
        Of the flow.
    encoded : (B, T, E)
        Features of the music encoder; NaN is not given.
    song : (B, 70)
        The song as a whole, see `music.features.describe_song`; NaN is not given.
    memory, ago : (B, M, K, 3) and (B, M)
        x, y and confidence of poses danced before, and how many seconds ago; NaN is not given.
    """

    keypoints: Tensor
    scores: Tensor
    reference: Tensor
    reference_scores: Tensor
    known: Tensor
    music: Tensor
    style: Tensor
    energy: Tensor
    no_music: Tensor
    curves: Tensor
    time: Tensor
    encoded: Tensor
    song: Tensor
    memory: Tensor
    ago: Tensor

    def __len__(self) -> int:
        return len(self.keypoints)

    def rows(self, chosen: slice) -> Examples:
        """Some of them."""
        return Examples(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


class Augmentation:
    """Makes windows into examples.

    Parameters
    ----------
    settings : Settings
    body : Body
    bank : MusicBank
    upright : (N, K, 3) float32
        Tall poses for references from outside the dance; see `Recombiner.upright`.
    """

    def __init__(self, settings: AugmentationSettings, body: BodyTables, bank: MusicBank, upright: Tensor):
        self.settings, self.body, self.bank = settings, body, bank
        self.upright = upright.to(body.device)

    @torch.no_grad()
    def __call__(self, windows: Windows, draws: Draws) -> Examples:
        """Examples of windows; everything random comes from `draws`."""
        body, settings = self.body, self.settings
        remembered = windows.memory.shape[1]
        motion = torch.cat([windows.memory, windows.motion], 1).float() / GRAIN  # (B, M + T, K, 3)
        seen = torch.cat([windows.memory_seen, windows.seen], 1)
        motion, seen, absent = mirrored(body, motion, seen, windows.absent, draws.chance(0.5))
        proportions = draw_proportions(draws)
        motion = reproportioned(body, motion, proportions)
        (before, motion), (before_seen, seen) = (
            (part[:, :remembered], part[:, remembered:]) for part in (motion, seen)
        )
        cameras = Cameras.draw(draws, settings)
        flat = cameras.project(motion, windows.flat)  # (B, T, K, 2) body heights, y up
        height = body_height(body, flat)

        hidden = draw_half_figures(body, draws, settings, absent)  # (B, K) in reference and dance
        pose, reference = self._reference(draws, cameras, motion, flat, windows.flat, proportions)
        placement = draw_placement(body, draws, reference, ~hidden, height)
        keypoints = brought_back(body, placement.apply(flat))
        reference = placement.apply(reference)

        no_depth = windows.flat | ~draws.chance(settings.occlusion)
        scores = self._scores(cameras, motion, no_depth, keypoints)
        reference_scores = self._scores(cameras, pose, no_depth, reference[:, None])[:, 0]
        reference_scores = reference_scores.masked_fill(hidden, 0)
        gaps = draw_gaps(body, draws, settings, motion.shape[1])
        scores = scores.masked_fill(~seen | gaps | hidden[:, None], 0)  # half figures stay half

        speed = reading.joint_speed(body, keypoints)  # (B, T)
        steps = flat[:, :, body.measured].diff(dim=1).norm(dim=-1).mean((1, 2))
        energy = FPS * steps / height / NORMAL_SPEED
        no_style = (windows.style < 0) | draws.chance(settings.drop_style)
        styles = len(self.bank.suits) - 1
        curves = {
            "energy": reading.energy(speed),
            "hits": reading.hits(speed, windows.beats),
            "facing": reading.facing(body, motion, cameras),
            "path": reading.path(body, keypoints),
            "level": reading.level(body, keypoints),
            "zoom": reading.zoom(body, motion, cameras, placement.scale),
        }
        known = draw_known(body, draws, settings.mask)
        music = self.bank.pair(
            draws,
            settings,
            speed,
            windows.style,
            windows.beats,
            windows.bpm,
            windows.song,
            windows.song_frames,
        )
        energy = energy.masked_fill(draws.chance(settings.drop_energy), torch.nan)
        no_music = ~windows.has_music | draws.chance(settings.drop_music)
        curves = reading.drop(draws, settings, curves, windows.flat, windows.has_music)
        time = (settings.time_mean + settings.time_std * draws.normal()).sigmoid()
        memory = self._memory(cameras, placement, before, before_seen & ~hidden[:, None], windows.flat)
        forgotten = windows.ago.isnan() | draws.chance(settings.drop_memory, 1)  # (B, M)
        return Examples(
            keypoints=keypoints.clamp(0, 1),
            scores=scores,
            reference=reference.clamp(0, 1),
            reference_scores=reference_scores,
            known=known,
            music=music.features,
            style=torch.where(no_style, styles, windows.style),
            energy=energy,
            no_music=no_music,
            curves=curves,
            time=time,
            encoded=music.encoded.masked_fill(draws.chance(settings.drop_encoded, 1, 1), torch.nan),
            song=music.song.masked_fill((no_music | draws.chance(settings.drop_song))[:, None], torch.nan),
            memory=memory.masked_fill(forgotten[..., None, None], torch.nan),
            ago=windows.ago.nan_to_num(0.0),
        )

    def _memory(
        self, cameras: Cameras, placement: CanvasPlacement, motion: Tensor, seen: Tensor, flat: Tensor
    ) -> Tensor:
        """(B, M, K, 3) earlier poses as the window shows its own; motion is in body heights, seen (B, M, K)."""
        points = within_room(self.body, placement.apply(cameras.project(motion, flat, still=True)))
        return torch.cat([points.clamp(0, 1), (seen & on_canvas(points))[..., None]], -1)

    def _reference(
        self, draws: Draws, cameras: Cameras, motion: Tensor, seen: Tensor, flat: Tensor, proportions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """A moment of this dance or a tall pose of another, in the same body and from the same camera.

        From the dance in space (B, T, K, 3) and as seen (B, T, K, 2): the pose likewise, (B, 1, K, 3) and (B, K, 2).
        """
        row = torch.arange(len(motion), device=motion.device)
        frame = draws.integers(0, motion.shape[1])
        own, own_seen = motion[row, frame], seen[row, frame]
        if not len(self.upright):
            return own[:, None], own_seen
        tall = self.upright[draws.integers(0, len(self.upright))]
        tall = reproportioned(self.body, tall[:, None], proportions)  # (B, 1, K, 3)
        tall_seen = cameras.project(tall, torch.zeros_like(flat))[:, 0]
        chosen = (draws.chance(self.settings.own_reference) | flat)[:, None, None]
        return torch.where(chosen, own, tall[:, 0])[:, None], torch.where(chosen, own_seen, tall_seen)

    def _scores(self, cameras: Cameras, motion: Tensor, flat: Tensor, keypoints: Tensor) -> Tensor:
        """(B, T, K) confidence: 1, `BEHIND` the body, or 0 out of the picture."""
        hidden = behind(self.body, cameras.view(motion), flat)
        return torch.where(hidden, BEHIND, 1.0) * on_canvas(keypoints)
