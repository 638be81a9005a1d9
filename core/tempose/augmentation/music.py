"""Music for dances: songs of the bank read on a dance's own beats, loud with lively, genres with styles they suit."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tempose.augmentation.draws import Draws
from tempose.augmentation.settings import AugmentationSettings
from tempose.augmentation.smoothing import moving_mean
from tempose.datasets.bank import BankSong
from tempose.datasets.genres import GENRES_FOR_STYLE
from tempose.music.features import LISTENED, describe_song
from tempose_pose.limits import FPS
from tempose_pose.request import STYLES

PLACES = 16  # in the bank that are looked at for each dance
SMOOTH = 15  # frames over which loud and lively are compared
UNSUITED = 1.5  # how much worse, in squared deviations, a genre is that does not suit the style


class MusicBatch(NamedTuple):
    """What dances are danced to.

    features (B, T, F) as `music.features.MUSIC` names them, encoded (B, T, E) the music encoder's (E may be 0), song
    (B, 70) what the song is like as a whole.
    """

    features: Tensor
    encoded: Tensor
    song: Tensor


class MusicBank:
    """Songs on the training's device.

    Parameters
    ----------
    songs : list of BankSong
    liveliness : (float, float)
        Mean and deviation of the logarithm of joint speed in the dances, see `Recombiner.liveliness`.
    """

    def __init__(
        self, songs: list[BankSong], liveliness: tuple[float, float], device: torch.device | str = "cpu"
    ):
        frames, beats = max(len(s.features) for s in songs), max(len(s.beats) for s in songs)
        features = torch.zeros(len(songs), frames, LISTENED.width, dtype=torch.float16)
        encoded = torch.zeros(len(songs), frames, songs[0].encoded.shape[1], dtype=torch.float16)
        times = torch.zeros(len(songs), beats)
        for i, song in enumerate(songs):
            features[i, : len(song.features)] = torch.from_numpy(np.asarray(song.features, np.float16))
            encoded[i, : len(song.encoded)] = torch.from_numpy(np.asarray(song.encoded, np.float16))
            times[i] = float(song.beats[-1])
            times[i, : len(song.beats)] = torch.from_numpy(song.beats).float()
        self.features, self.times = features.to(device), times.to(device)  # (S, F, 35), (S, beats)
        self.encoded = encoded.to(device)  # (S, F, E)
        whole = np.stack([describe_song(np.asarray(s.features, np.float32)) for s in songs])
        self.songs = torch.from_numpy(whole).float().to(device)  # (S, 70)
        self.frames = torch.tensor([len(s.features) for s in songs], device=device)
        self.beats = torch.tensor([len(s.beats) for s in songs], device=device)
        self.suits = _suits([s.genre for s in songs]).to(device)
        self.liveliness = liveliness
        there = torch.arange(frames, device=device) < self.frames[:, None]
        self.intensity = _standardised(
            sum(_standardised(self._smooth(name), there) for name in ("loudness", "onset")), there
        )  # (S, F)

    def _smooth(self, name: str) -> Tensor:
        return moving_mean(self.features[..., LISTENED[name]][..., 0].float(), SMOOTH)

    def pair(
        self, draws: Draws, settings: AugmentationSettings, speed: Tensor, style: Tensor, beats: Tensor, bpm: Tensor,
        own: Tensor | None = None, own_frames: Tensor | None = None,
    ) -> MusicBatch:  # fmt: skip
        """What dances are danced to.

        Parameters
        ----------
        speed : (B, T)
            Body heights per second.
        style : (B,)
            Index into `STYLES` or -1.
        beats, bpm : (B, T)
        own, own_frames : (B,), (B, T), optional
            The song that a window was danced to, -1 where any will do, and the frame of it that was heard.
        """
        song, frame = self._places(draws, beats)  # (B, P), (B, P, T)
        lively = (moving_mean(speed, SMOOTH).clamp_min(0.03).log() - self.liveliness[0]) / self.liveliness[1]
        misfit = (self.intensity[song[..., None], frame] - lively[:, None]).square().mean(-1)  # (B, P)
        misfit = misfit + UNSUITED * ~self.suits[style[:, None], song]
        best = torch.where(draws.chance(settings.suited), misfit.argmin(1), 0)
        row = torch.arange(len(best), device=best.device)
        song, frame = song[row, best], frame[row, best]  # (B,), (B, T)
        if own is not None and own_frames is not None:
            song = torch.where(own < 0, song, own)
            heard = own_frames.round().long().clamp_min(0).minimum((self.frames[song] - 1)[:, None])
            frame = torch.where((own < 0)[:, None], frame, heard)
        listened = self.features[song[:, None], frame].float()  # (B, T, 35)
        features = torch.cat([remixed(draws, listened), beat_features(beats, bpm)], -1)
        return MusicBatch(features, self.encoded[song[:, None], frame].float(), self.songs[song])

    def _places(self, draws: Draws, beats: Tensor) -> tuple[Tensor, Tensor]:
        """Random songs (B, P) and their frames (B, P, T) at these beats, from a bar of the song on."""
        song = draws.integers(0, len(self.features), PLACES)
        needed = (beats[:, -1] - beats[:, 0]).floor().long() + 8
        room = ((self.beats[song] - needed[:, None]) // 4).clamp_min(0)
        first = 4 * (draws.uniform(PLACES) * (room + 1)).floor()  # (B, P)
        within = beats - 4 * (beats[:, :1] / 4).floor()  # (B, T)
        last = (self.beats[song] - 1)[..., None]
        place = torch.minimum(within[:, None] + first[..., None], last.float())  # (B, P, T)
        low = place.floor().long()
        times = self.times[song]  # (B, P, beats)
        seconds = torch.lerp(times.gather(2, low), times.gather(2, torch.minimum(low + 1, last)), place - low)
        return song, torch.minimum((seconds * FPS).round().long(), (self.frames[song] - 1)[..., None])


def _suits(genres: list[str]) -> Tensor:
    """(styles + 1, S) bool: whether a song suits a style; any song suits the last one, which is no style."""
    table = [[genre in GENRES_FOR_STYLE[style] for genre in genres] for style in STYLES]
    return torch.tensor([*table, [True] * len(genres)])


def _standardised(values: Tensor | int, there: Tensor) -> Tensor:
    assert isinstance(values, Tensor)
    known = values[there]
    return (values - known.mean()) / known.std().clamp_min(1e-6)


def remixed(draws: Draws, listened: Tensor) -> Tensor:
    """Listened features (B, T, 35) as if from another mix, another equaliser, another key."""
    columns = listened.shape[-1]
    listened = listened * (0.08 * draws.normal(1, columns)).exp() + 0.1 * draws.normal(1, columns)
    noise = 0.05 * draws.normal(listened.shape[1], columns) * draws.chance(0.5, 1, 1)
    chroma = LISTENED["chroma"]
    key = (torch.arange(12, device=listened.device) - draws.integers(0, 12, 1)) % 12  # (B, 12)
    listened = listened + noise
    transposed = listened[..., chroma].gather(2, key[:, None].expand(-1, listened.shape[1], -1))
    return torch.cat([listened[..., : chroma.start], transposed, listened[..., chroma.stop :]], -1)


def beat_features(beats: Tensor, bpm: Tensor) -> Tensor:
    """(B, T, 8): `music.features.beat_features` of positions in beats and tempi (B, T)."""
    turns = torch.stack([beats, 2 * beats, beats / 4], -1) * (2 * math.pi)
    on_beat = (1 - 4 * (beats - beats.round()).abs()).clamp_min(0)
    tempo = (bpm.clamp(20, 480) / 120).log2()
    return torch.cat([turns.sin(), turns.cos(), on_beat[..., None], tempo[..., None]], -1)
