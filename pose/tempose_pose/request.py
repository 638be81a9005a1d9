"""The request: one frozen object with everything that decides a dance, apart from the song itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from tempose_pose.curves import Curve, check_curve
from tempose_pose.errors import TemposeError
from tempose_pose.form import Section, check_sections
from tempose_pose.grid import BeatGrid
from tempose_pose.limits import FPS, MAX_SECONDS
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import Skeleton
from tempose_pose.tempo import TempoMap

NORMAL_SPEED = 0.45  # body heights per second: the meaning of energy 1 ...
NORMAL_TEMPO = 110.0  # ... at so many beats per minute; at others see `normal_speed`
USUAL_ENERGY = 0.7  # of the energy curve: for 0.9 body heights a second, the dancer moves at 0.6
FASTER = 0.6  # power of the tempo that goes into it; dances then go with its power of 0.82, clips of 0.77
REPEAT = 0.6  # recognisable, and not the same
STEPS = 5  # of the solver
GUIDANCE = 4.0  # at equal speed, beat lock and limbs improve with it; above 4, dances become alike
STYLES = (
    "break", "house", "ballet_jazz", "street_jazz", "krump", "la_hip_hop", "lock", "middle_hip_hop", "pop", "waack",
)  # fmt: skip


def normal_speed(bpm: float) -> float:
    """Mean joint speed of energy 1 at a tempo, body heights per second.

    Real dancers move faster to faster music: in the AIST++ clips the speed goes with the tempo's power of 0.77
    within a style (standard error 0.27), 1.04 over all (0.29).
    """
    return NORMAL_SPEED * (bpm / NORMAL_TEMPO) ** 0.77


def usual_energy(bpm: ArrayLike, energy: float = 1.0) -> np.ndarray:
    """Energy curve for a song at its usual loudness, at tempi (N,), with the energy of the request."""
    return USUAL_ENERGY + np.log(energy) + FASTER * np.log(trained_tempo(bpm) / NORMAL_TEMPO)


def trained_tempo(bpm: ArrayLike) -> np.ndarray:
    """Beats per minute, limited to the range of training."""
    return np.clip(bpm, 60, 180)


@dataclass(frozen=True, eq=False)
class Known:
    """Poses to keep: the mask of the method, for any frames and joints.

    Parameters
    ----------
    poses : PoseSequence
        T frames at `FPS`, aligned with the dance's frame 0.
    mask : (T, K) bool
        True where the pose is given; everything else is danced.
    """

    poses: PoseSequence
    mask: np.ndarray

    def __post_init__(self):
        if self.mask.shape != self.poses.scores.shape:
            raise TemposeError("known_mask", "The mask must have a value for each frame and joint.")

    def on(self, bones: Skeleton) -> Known:
        """The same on another skeleton: joints that it lacks are left out, further ones are danced."""
        if self.poses.skeleton == bones:
            return self
        at, nothing = self.poses.skeleton.at, np.zeros(len(self.mask), bool)
        columns = [self.mask[:, at[joint]] if joint in at else nothing for joint in bones.joints]
        return Known(convert(self.poses, bones), np.stack(columns, 1))

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left to dance."""
        return bool(self.mask.all())

    @property
    def seconds(self) -> float:
        """Seconds of the dance with anything to dance."""
        return float((~self.mask).any(1).sum() / FPS)

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Timeline seconds [start, stop) with anything to dance."""
        return [(a / FPS, b / FPS) for a, b in runs((~self.mask).any(1))]


def runs(flags: ArrayLike) -> list[tuple[int, int]]:
    """Ranges [start, stop) of true flags."""
    held = np.concatenate([[False], np.asarray(flags, bool), [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(held))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def frames_of(seconds: float) -> int:
    """Frames of a dance of that many seconds."""
    return max(1, round(seconds * FPS))


@dataclass(frozen=True, eq=False)
class DanceRequest:
    """What to dance.

    Parameters
    ----------
    reference : PoseSequence
        One frame: fixes proportions, on-screen size and place, and the first pose's neighbourhood.
    seconds : float
        Length on the timeline.
    tempo_map : TempoMap
        Timeline seconds → song seconds; also says where in the song the dance starts.
    grid : BeatGrid or None
        Beats in *song* seconds. None: the song's detected grid.
    style : str or None
        One of `STYLES`; None lets the model choose.
    energy : float
        Liveliness: roughly the mean joint speed relative to `normal_speed` at the music's tempo; 1 is normal.
    seed : int
    steps : int
        Sampler steps.
    guidance : float
        Classifier-free guidance scale on music, style and energy; 1 turns it off.
    known : Known or None
    curves : name → Curve
        Directions for the dancer from moment to moment (see `tempose_pose.curves`), over timeline seconds.
    listen : float
        How strongly the sound drives energy and hits where no curve does; 0 is not at all, 1 as for real dancers.
    repeat : float
        How alike a returning section is danced: 0 anew, 1 nearly the same again.
    sections : tuple of Section or None
        The form of the song, in song seconds. None: detected.
    """

    reference: PoseSequence
    seconds: float
    tempo_map: TempoMap = field(default_factory=TempoMap)
    grid: BeatGrid | None = None
    style: str | None = None
    energy: float = 1.0
    seed: int = 0
    steps: int = STEPS
    guidance: float = GUIDANCE
    known: Known | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    listen: float = 1.0
    repeat: float = REPEAT
    sections: tuple[Section, ...] | None = None

    def __post_init__(self):
        def check(good: bool, code: str, message: str):
            if not good:
                raise TemposeError(code, message)

        check(len(self.reference) == 1, "reference_frames", "The reference must be a single pose.")
        check(
            math.isfinite(self.seconds) and 0.5 <= self.seconds <= MAX_SECONDS,
            "seconds_range",
            f"A dance lasts between half a second and {MAX_SECONDS / 60:.0f} minutes.",
        )
        check(
            self.style is None or self.style in STYLES, "style_unknown", f"Known styles: {', '.join(STYLES)}."
        )
        check(
            0.1 <= self.energy <= 4,
            "energy_range",
            "Energy must lie between 0.1 and 4.",
        )
        check(0 <= self.seed < 2**63, "seed_range", "The seed must be a whole number from 0 up to 2^63.")
        check(1 <= self.steps <= 200, "steps_range", "Steps must lie between 1 and 200.")
        check(0 <= self.guidance <= 20, "guidance_range", "Guidance must lie between 0 and 20.")
        check(0 <= self.listen <= 3, "listen_range", "Listening must lie between 0 and 3.")
        check(0 <= self.repeat <= 1, "repeat_range", "Repeat must lie between 0 and 1.")
        for name, curve in self.curves.items():
            check_curve(name, curve)
        check_sections(self.sections or ())
        for section in self.sections or ():
            known = section.style is None or section.style in STYLES
            check(known, "style_unknown", f"Known styles: {', '.join(STYLES)}.")

    @property
    def frames(self) -> int:
        """Frames of the dance at `FPS`."""
        return frames_of(self.seconds)

    @property
    def unknown_frames(self) -> int:
        """Number of frames with anything to dance: the amount of work."""
        return self.frames if self.known is None else int((~self.known.mask).any(1).sum())

    @property
    def frame_times(self) -> np.ndarray:
        """(T,) timeline seconds of the frames."""
        return np.arange(self.frames) / FPS
