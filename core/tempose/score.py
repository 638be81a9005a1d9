"""The score a dance is danced from: for every segment the music, the style and the curves, asked for or heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tempose.choreography import Choreography
from tempose.listening import STILL, sound_energy, sound_hits
from tempose.music.audio import Song
from tempose.music.encoders import MusicEncoder
from tempose.music.features import describe_song, mean_tempo, music_features, read_at
from tempose.music.form import find_sections
from tempose.music.suiting import style_chances
from tempose.sampler import Conditions, Earlier
from tempose.segments import SEGMENT, Segment
from tempose_pose.curves import RANGES, curve_columns
from tempose_pose.grid import BeatGrid
from tempose_pose.limits import FPS
from tempose_pose.request import (
    FASTER,
    NORMAL_TEMPO,
    STYLES,
    USUAL_ENERGY,
    DanceRequest,
    trained_tempo,
    usual_energy,
)
from tempose_pose.skeletons import Skeleton

ENERGY = 0.95  # what the network is asked for as energy 1
DECIDED = 2  # power of the chances that styles have by the sound: the likelier, the more so


@dataclass(frozen=True, eq=False)
class Score:
    """All that conditions a dance.

    Parameters
    ----------
    song, request, grid
    curves : (T, curves) float32
        At the dance's frames, in the model's order; NaN where not given.
    energy : (T,)
        The energy curve among them.
    choreography : Choreography or None
        What returns, if anything shall.
    style : int
        Of `STYLES`; their number means any. Sections may have another.
    encoder : MusicEncoder or None
        The model's.
    """

    song: Song
    request: DanceRequest
    grid: BeatGrid
    curves: np.ndarray
    energy: np.ndarray
    choreography: Choreography | None
    style: int
    encoder: MusicEncoder | None = None

    @classmethod
    def of(
        cls,
        song: Song,
        request: DanceRequest,
        grid: BeatGrid,
        names: tuple[str, ...],
        encoder: MusicEncoder | None = None,
        path: float | None = None,
    ) -> Score:
        """The score for a model that knows the curves `names` and hears with an `encoder`; the dancer keeps to `path`
        where none is asked for."""
        times = np.arange(request.frames + SEGMENT) / FPS
        asks = request.listen or any(section.energy != 1 for section in request.sections or ())
        heard = _heard_curves(song, request, grid, times) if asks and names else {}
        if path is not None:
            heard = {**heard, "path": np.full(len(times), path)}
        asked = curve_columns(request.curves, times, names)  # (T, curves)
        curves = [np.where(np.isnan(a), heard.get(n, np.nan), a) for n, a in zip(names, asked.T, strict=True)]
        columns = np.stack(curves, -1).astype(np.float32) if names else asked
        energy = columns[:, names.index("energy")] if "energy" in names else np.full(len(times), np.nan)
        return cls(
            song, request, grid, columns, energy, _choreography(song, request, grid), _style(song, request),
            encoder,
        )  # fmt: skip

    @property
    def style_name(self) -> str:
        """Of the style that is danced; empty where it is any."""
        return STYLES[self.style] if self.style < len(STYLES) else ""

    def conditions(self, segment: Segment, memory: np.ndarray, ago: np.ndarray) -> Conditions:
        """What one segment is danced to and what was danced before it (see `memory.recall`), a batch of one."""
        times = (segment.start + np.arange(SEGMENT)) / FPS
        music = music_features(self.song.features, self.grid, self.request.tempo_map, times)
        encoded = None
        if self.encoder is not None:
            heard = read_at(self.song.encoded(self.encoder), self.request.tempo_map.to_song(times))
            encoded = heard[None].astype(np.float32)
        return Conditions(
            music[None],
            np.asarray([self._style_of(segment)], np.int64),
            np.asarray([self._mean_energy(segment, music)], np.float32),
            self.curves[None, segment.start : segment.start + SEGMENT],
            encoded,
            describe_song(self.song.features)[None].astype(np.float32),
            memory[None],
            ago[None],
        )

    def _style_of(self, segment: Segment) -> int:
        """The style of a whole segment: that of the section which most of its own part lies in."""
        song = self.request.tempo_map.to_song(np.arange(segment.fresh, segment.stop) / FPS)
        frames: dict[str | None, int] = dict.fromkeys((None, *STYLES), 0)
        for section in self.request.sections or ():
            frames[section.style] += int(((song >= section.start) & (song < section.stop)).sum())
        frames[None] += len(song) - sum(frames.values())
        most = max(frames, key=frames.__getitem__)
        return self.style if most is None else STYLES.index(most)

    def _mean_energy(self, segment: Segment, music: np.ndarray) -> float:
        """The energy of a whole segment: that of its curve, or else of the request at the music's tempo."""
        energy = self.energy[segment.start : segment.start + SEGMENT]
        if np.isnan(energy).all():
            return _asked_energy(self.request, music)
        return ENERGY * float(np.nanmean(np.exp(energy - USUAL_ENERGY)))

    def earlier(self, segment: Segment, keypoints: np.ndarray, bones: Skeleton) -> Earlier | None:
        """What the segment shall resemble of the canonical keypoints (T, K, 2) drawn before it."""
        if self.choreography is None:
            return None
        return self.choreography.earlier(segment, keypoints, bones)


def _heard_curves(
    song: Song, request: DanceRequest, grid: BeatGrid, times: np.ndarray
) -> Mapping[str, np.ndarray]:
    """Curves that the sound asks for at timeline seconds (T,), as strongly as the request wants."""
    seconds = request.tempo_map.to_song(times)
    frames = np.arange(len(song.features))
    bpm = 60 * FPS * np.gradient(grid.beat_position(seconds))
    base = usual_energy(bpm, request.energy) + _section_energy(request, seconds)  # (T,)
    energy = np.interp(seconds * FPS, frames, sound_energy(song.features, grid), left=0, right=STILL)
    curves = {"energy": np.clip(base + request.listen * energy, *RANGES["energy"])}
    if request.listen:
        nearest = np.clip(np.round(seconds * FPS), 0, len(frames) - 1).astype(int)
        curves["hits"] = sound_hits(song.features, grid)[nearest]
    return curves


def _section_energy(request: DanceRequest, seconds: np.ndarray) -> np.ndarray:
    """(T,) what the sections add to the energy curve at song seconds (T,)."""
    added = np.zeros(len(seconds))
    for section in request.sections or ():
        added[(seconds >= section.start) & (seconds < section.stop)] = np.log(section.energy)
    return added


def _style(song: Song, request: DanceRequest) -> int:
    """The style asked for, or one that suits the sound: another seed may dance another that does."""
    if request.style:
        return STYLES.index(request.style)
    if not request.listen:
        return len(STYLES)
    chances = style_chances(song.features, STYLES) ** DECIDED
    share = np.random.default_rng((request.seed, len(STYLES))).random()
    return int(np.searchsorted(np.cumsum(chances / chances.sum()), share))


def _choreography(song: Song, request: DanceRequest, grid: BeatGrid) -> Choreography | None:
    if not request.repeat and not any(section.repeat for section in request.sections or ()):
        return None
    sections = find_sections(song.features, grid) if request.sections is None else request.sections
    return Choreography.of(sections, grid, request.tempo_map, request.frame_times, request.repeat)


def _asked_energy(request: DanceRequest, music: np.ndarray) -> float:
    """What the network is asked for: faster music is danced faster, as by real dancers.

    Asked for one speed at all tempi, it danced fast songs at a third or a quarter of their tempo: of all real
    dances with just that speed, those to fast music are the calm ones.
    """
    tempo = float(trained_tempo(mean_tempo(music)))
    return ENERGY * request.energy * float((tempo / NORMAL_TEMPO) ** FASTER)
