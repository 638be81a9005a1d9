# SPDX-License-Identifier: GPL-3.0-or-later
"""The beat grid: exact seconds kept apart, markers on whole frames to see and to edit them.

A marker of ours is named ``♪ bar.beat``. Moved, deleted or added by the artist, it is the artist's word.
"""

import json

from .timing import Span, TempoMap

SIGN = "♪"
KEY = "tempose_grid"


def ours(scene) -> list:
    """The beat markers of a scene, in order."""
    return sorted((m for m in scene.timeline_markers if m.name.startswith(SIGN)), key=lambda m: m.frame)


def clear(scene) -> None:
    """Take our markers and the grid away."""
    for marker in ours(scene):
        scene.timeline_markers.remove(marker)
    if KEY in scene:
        del scene[KEY]


def stored(scene) -> dict | None:
    """The grid as it was last written."""
    try:
        grid = json.loads(scene[KEY])
        return grid if isinstance(grid["beats"], list) else None
    except (KeyError, ValueError, TypeError):
        return None


def write(
    scene, sound: str, beats: list, downbeats: list, span: Span, tempo: TempoMap, confidence=1.0, bpm=0.0
):
    """Put the grid down: exact song seconds, and a marker for every beat that is heard.

    Parameters
    ----------
    sound : str
        Fingerprint of the sound; a grid counts for its own sound only.
    beats, downbeats : list of float
        Song seconds.
    """
    clear(scene)
    numbers = beat_names(beats, downbeats)
    shown = []
    for beat, name in zip(beats, numbers, strict=True):
        timeline = float(tempo.to_timeline(beat))
        if -1e-6 <= timeline < span.seconds:
            frame = round(float(span.frame_at(timeline)))
            scene.timeline_markers.new(f"{SIGN} {name}", frame=frame)
            shown.append([frame, beat])
    scene[KEY] = json.dumps(
        {
            "sound": sound,
            "beats": list(beats),
            "downbeats": list(downbeats),
            "markers": shown,
            "left": span.left,
            "rate": span.rate,
            "tempo": tempo.points,
            "confidence": confidence,
            "bpm": bpm,
        }
    )


def beat_names(beats: list, downbeats: list) -> list[str]:
    """``bar.beat`` for every beat; beats before the first downbeat belong to bar 0."""
    names, bar, count = [], 0, 0
    marks = {round(d, 3) for d in downbeats}
    for beat in beats:
        if round(beat, 3) in marks or (not marks and count % 4 == 0):
            bar, count = bar + 1, 0
        count += 1
        names.append(f"{bar}.{count}")
    return names


def read(scene, sound: str) -> dict | None:
    """The grid for this sound with the artist's edits, in song seconds; None where there is none."""
    grid = stored(scene)
    if grid is None or grid["sound"] != sound:
        return None
    markers = ours(scene)
    if not markers:
        return None  # the artist threw them away: the server listens for itself
    exact = {}
    for frame, beat in grid["markers"]:
        exact.setdefault(round(frame), beat)
    tempo = TempoMap(grid["tempo"])
    span = Span(grid["left"], 0.0, grid["rate"])
    beats, downbeats = [], []
    for marker in markers:
        beat = exact.get(marker.frame)
        if beat is None:
            beat = float(tempo.to_song(span.second_at(marker.frame)))
        if beats and beat <= beats[-1] + 1e-3:
            continue
        beats.append(beat)
        if marker.name.rstrip().endswith(".1"):
            downbeats.append(beat)
    # Beats outside of the strip have no markers but still say how the pulse runs.
    before = [b for b in grid["beats"] if b < beats[0] - 1e-3 and _outside(b, grid)]
    after = [b for b in grid["beats"] if b > beats[-1] + 1e-3 and _outside(b, grid)]
    early = [d for d in grid["downbeats"] if d in before]
    late = [d for d in grid["downbeats"] if d in after]
    return {"beats": before + beats + after, "downbeats": early + downbeats + late}


def _outside(beat: float, grid: dict) -> bool:
    return all(abs(beat - shown) > 1e-9 for _, shown in grid["markers"])


def follow(scene, span: Span) -> None:
    """The strip has moved, or the frame rate changed: bring the markers along, edits and all."""
    grid = stored(scene)
    if grid is None or (grid["left"] == span.left and grid["rate"] == span.rate):
        return
    markers = ours(scene)
    shift = span.left - grid["left"]
    frames = {round(frame) for frame, _ in grid["markers"]}
    moved_along = grid["rate"] == span.rate and (
        sum(m.frame - shift in frames for m in markers) > sum(m.frame in frames for m in markers)
    )
    old = Span(grid["left"] + (shift if moved_along else 0.0), 0.0, grid["rate"])
    tempo = TempoMap(grid["tempo"])
    back = shift if moved_along else 0.0
    exact = {round(frame + back): beat for frame, beat in grid["markers"]}
    for marker in markers:
        beat = exact.get(marker.frame)
        timeline = old.second_at(marker.frame) if beat is None else tempo.to_timeline(beat)
        marker.frame = round(float(span.frame_at(timeline)))
    grid["markers"] = [[round(float(span.frame_at(tempo.to_timeline(b)))), b] for _, b in grid["markers"]]
    grid["left"], grid["rate"] = span.left, span.rate
    scene[KEY] = json.dumps(grid)
