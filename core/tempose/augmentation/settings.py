"""What decides how training examples are drawn; a training's YAML file may name any of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class AugmentationSettings:
    """Shares are of the examples, 0 to 1.

    The camera is narrower than real ones: with 25 degrees for 14 the dancer was turned beyond 60 degrees in half of
    its frames, where real dances are in a sixth.
    """

    larger: float = 1.3  # strength of exaggerated movement, see `datasets.exaggerate`; 0: as recorded ...
    larger_share: float = 0.75  # ... in so many of the windows

    yaw: float = 14.0  # standard deviation, degrees
    pitch: float = 4.0  # mean and standard deviation, degrees from above
    distance: tuple[float, float] = (3.0, 10.0)  # body heights
    moving: float = 0.4  # share of cameras that zoom and pan over the window
    zoom: float = 0.2  # standard deviation of the change of size, bounded at 2.5 of it
    pan: float = 0.1  # standard deviation, body heights

    own_reference: float = (
        0.7  # reference poses out of the dance itself; the rest are tall poses of any dance
    )
    legless: float = 0.08  # half figures: no knees and ankles, in reference and dance
    faceless: float = 0.08  # one side of the face or all of it, in reference and dance
    gaps: float = 0.08  # a joint out of sight for a while
    occlusion: float = 1.0  # windows in which what lies behind the body counts as hidden

    suited: float = 0.75  # pairs in which the music goes with the dance: loud with lively, genre with style
    mask: str = "any"  # which frames and joints are known: any, or prefix (first frames alone)

    drop_music: float = 0.15
    drop_style: float = 0.35
    drop_energy: float = 0.35
    # Curves that are not given, in the order of `curves.CURVES`; and all of them at once.
    drop_curves: tuple[float, ...] = (0.25, 0.4, 0.55, 0.55, 0.6, 0.4)
    drop_all_curves: float = 0.1
    drop_encoded: float = 0.15
    drop_song: float = 0.15
    drop_memory: float = 0.2

    time_mean: float = 0.0  # of the logit-normal draw of flow times; 0 is clean, 1 is noise
    time_std: float = 1.2
