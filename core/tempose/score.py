"""The score a dance is danced from: for every segment the music, the style and the curves, asked for or heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tempose.choreography import Choreography
from tempose.listening import STILL, sound_energy, sound_hits
from tempose.music.audio import Song
from tempose.music.features import mean_tempo, music_features
from tempose.music.form import find_sections
from tempose.request import FPS, NORMAL_TEMPO, STYLES, DanceRequest
from tempose.sampler import Conditions, Earlier
from tempose.segments import SEGMENT, Segment
from tempose_pose.curves import RANGES, curve_columns
from tempose_pose.grid import BeatGrid
from tempose_pose.skeletons import OPENPOSE_18

ENERGY = 1.1  # what the network is asked for as energy 1; measured to give 0.45 body heights per second
FASTER = 0.6  # power of the tempo that goes into that; dances then go with its power of 0.82, clips of 0.77
BASE = (
    0.7  # energy curve at a song's usual loudness: the network answers softly, asked for 0.9 it moves at 0.5
)


@dataclass(frozen=True, eq=False)
class Score:
    """All that conditions a dance.

    Parameters
    ----------
    song, request, grid
    curves : (T, curves) float32
        At the dance's frames; NaN where not given.
    choreography : Choreography or None
        What returns, if anything shall.
    """

    song: Song
    request: DanceRequest
    grid: BeatGrid
    curves: np.ndarray
    choreography: Choreography | None

    @classmethod
    def of(cls, song: Song, request: DanceRequest, grid: BeatGrid, names: tuple[str, ...]) -> Score:
        """The score for a model that knows the curves `names`."""
        times = np.arange(request.frames + SEGMENT) / FPS
        heard = _heard_curves(song, request, grid, times) if request.listen and names else {}
        asked = curve_columns(request.curves, times, names)  # (T, curves)
        curves = [np.where(np.isnan(a), heard.get(n, np.nan), a) for n, a in zip(names, asked.T, strict=True)]
        columns = np.stack(curves, -1).astype(np.float32) if names else asked
        return cls(song, request, grid, columns, _choreography(song, request, grid))

    def conditions(self, segment: Segment) -> Conditions:
        """What one segment is danced to, a batch of one."""
        times = (segment.start + np.arange(SEGMENT)) / FPS
        music = music_features(self.song.features, self.grid, self.request.tempo_map, times)
        style = STYLES.index(self.request.style) if self.request.style else len(STYLES)
        return Conditions(
            music[None],
            np.asarray([style], np.int64),
            np.asarray([_mean_energy(self.request, music)], np.float32),
            self.curves[None, segment.start : segment.start + SEGMENT],
        )

    def earlier(self, segment: Segment, keypoints: np.ndarray) -> Earlier | None:
        """What the segment shall resemble of the canonical keypoints (T, K, 2) drawn before it."""
        if self.choreography is None:
            return None
        return self.choreography.earlier(segment, keypoints, OPENPOSE_18)


def _heard_curves(
    song: Song, request: DanceRequest, grid: BeatGrid, times: np.ndarray
) -> Mapping[str, np.ndarray]:
    """Curves that the sound asks for at timeline seconds (T,), as strongly as the request wants."""
    seconds = request.tempo_map.to_song(times)
    frames = np.arange(len(song.features))
    bpm = 60 * FPS * np.gradient(grid.beat_position(seconds))
    base = BASE + np.log(request.energy) + FASTER * np.log(_trained_tempo(bpm) / NORMAL_TEMPO)  # (T,)
    energy = np.interp(seconds * FPS, frames, sound_energy(song.features), left=0, right=STILL)
    hits = sound_hits(song.features, grid)
    nearest = np.clip(np.round(seconds * FPS), 0, len(frames) - 1).astype(int)
    return {
        "energy": np.clip(base + request.listen * energy, *RANGES["energy"]),
        "hits": hits[nearest],
    }


def _choreography(song: Song, request: DanceRequest, grid: BeatGrid) -> Choreography | None:
    if not request.repeat:
        return None
    sections = find_sections(song.features, grid) if request.sections is None else request.sections
    return Choreography.of(sections, grid, request.tempo_map, request.frame_times, request.repeat)


def _mean_energy(request: DanceRequest, music: np.ndarray) -> float:
    """What the network is asked for: faster music is danced faster, as by real dancers.

    Asked for one speed at all tempi, it danced fast songs at a third or a quarter of their tempo: of all real
    dances with just that speed, those to fast music are the calm ones.
    """
    tempo = _trained_tempo(mean_tempo(music))
    return ENERGY * request.energy * float((tempo / NORMAL_TEMPO) ** FASTER)


def _trained_tempo(bpm):
    """Beats per minute, as far as training went."""
    return np.clip(bpm, 60, 180)
