"""The front door: load a song, load a model, make a dance. `import tempose` has these by name; see `docs/api.md`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import tempose_pose.dance
from tempose.generator import Generator, load_generator
from tempose.music.audio import Song
from tempose.progress import OnStep
from tempose_pose.curves import Curve
from tempose_pose.errors import TemposeError
from tempose_pose.form import Section
from tempose_pose.formats import load_reference
from tempose_pose.grid import BeatGrid
from tempose_pose.request import GUIDANCE, REPEAT, STEPS, DanceRequest
from tempose_pose.sequence import PoseSequence
from tempose_pose.standing import standing_pose
from tempose_pose.tempo import TempoMap


class Dance(tempose_pose.dance.Dance):
    """A dance that can draw itself; its parts are those of `tempose_pose.dance.Dance`.

    Examples
    --------
    >>> dance = generate("examples/demo_song.ogg", seconds=1, model="null")
    >>> dance.render("sheet.png")
    >>> dance.save("dance.npz")
    >>> len(Dance.load("dance.npz").poses)
    30
    """

    def render(self, output: str | os.PathLike[str], **options: Any) -> None:
        """Draw a video with sound, a contact sheet, a still or a pose file, as the name of `output` says.

        `options` are those of `tempose.render.output.render`: ``audio``, ``size``, ``fps``, ``trail`` and more.
        """
        from tempose.render.output import render

        render(self, output, **options)


def load_song(path: str | os.PathLike[str]) -> Song:
    """Load a song.

    Parameters
    ----------
    path : path
        A wav, flac, ogg or mp3 file.

    Returns
    -------
    Song
        Mono samples at 22,050 Hz, with ``seconds`` and, found when first asked for, ``grid`` (its beats).

    Raises
    ------
    TemposeError
        The file is missing, is no audio, is silent, or is shorter than half a second or longer than an hour.

    Examples
    --------
    >>> song = load_song("examples/demo_song.ogg")
    >>> round(song.seconds)
    31
    """
    return Song.load(path)


def load_model(name: str | os.PathLike[str] = "default", device: str = "auto") -> Generator:
    """Load a model, to make more than one dance with it.

    Parameters
    ----------
    name : str or path
        ``"default"``: the weights that ship. ``"null"``: a figure that sways on the beat, without torch, for
        tests. Or a folder of weights.
    device : {"auto", "cpu", "cuda", "mps"}

    Raises
    ------
    TemposeError
        There are no weights in the folder, or they are damaged.

    Examples
    --------
    >>> model = load_model("null")
    >>> model.revision
    'null-1'
    """
    return load_generator(name if isinstance(name, str) else Path(name), device)


def generate(
    song: Song | str | os.PathLike[str],
    *,
    style: str | None = None,
    seed: int = 0,
    energy: float = 1.0,
    start: float = 0.0,
    seconds: float | None = None,
    tempo_map: TempoMap | None = None,
    grid: BeatGrid | None = None,
    reference: PoseSequence | str | os.PathLike[str] | None = None,
    model: Generator | str | os.PathLike[str] = "default",
    device: str = "auto",
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    listen: float = 1.0,
    repeat: float = REPEAT,
    sections: Sequence[Section] | None = None,
    curves: Mapping[str, Curve] | None = None,
    on_step: OnStep | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> Dance:
    """Make a dance to a song. Equal arguments and equal weights give an equal dance.

    Parameters
    ----------
    song : Song or path
    style : str, optional
        One of `tempose_pose.request.STYLES`, such as ``"house"``; without one the model chooses.
    seed : int
    energy : float
        How lively: 1 is normal, 0.5 calm, 1.5 lively.
    start : float
        The song's second at which the dance begins; not with a `tempo_map`, which says it.
    seconds : float, optional
        Length of the dance; without it, to the song's end.
    tempo_map : TempoMap, optional
        Timeline seconds → song seconds, for a song that is played at another or a changing speed.
    grid : BeatGrid, optional
        Beats in song seconds, in place of those that are found.
    reference : PoseSequence (one frame) or path, optional
        The figure whose proportions, size and place the dancer gets: OpenPose, COCO or Tempose JSON. A standing
        figure without one.
    model : Generator, str or path
        What `load_model` returned, or what it takes.
    device : {"auto", "cpu", "cuda", "mps"}
        For a model that is loaded here.
    steps : int
        Sampler steps, 1 to 200.
    guidance : float
        How closely the dance follows music, style and energy, 0 to 20; 1 turns guidance off.
    listen : float
        How strongly the sound itself asks for energy and hits: quiet is small, silence stands still. 0 hears nothing
        but the beat.
    repeat : float
        How alike a section of the song that returns is danced: 0 anew, 1 nearly the same again.
    sections : sequence of Section, optional
        The form of the song, in song seconds, in place of the one that is found.
    curves : mapping of name to Curve, optional
        What is asked of the dancer from moment to moment, by the names and in the units of `tempose_pose.curves`.
    on_step : callable (done, total), optional
        Called after each sampler step.
    should_cancel : callable, optional
        Asked before each sampler step; `tempose_pose.errors.Canceled` is raised when it answers true.

    Raises
    ------
    TemposeError
        A file is missing or unreadable, or a number is out of bounds; the message says which and what to do.

    Examples
    --------
    >>> dance = generate("examples/demo_song.ogg", seconds=4, seed=7, model="null")
    >>> dance.poses.keypoints.shape
    (120, 18, 2)
    """
    heard = song if isinstance(song, Song) else load_song(song)
    if tempo_map is not None and start:
        raise TemposeError("start_range", "Give a start or a tempo map: the map says where the dance begins.")
    if not 0 <= start < heard.seconds:
        raise TemposeError(
            "start_range", f"The song is {heard.seconds:.1f} s long; start must lie inside it."
        )
    tempo = tempo_map or TempoMap.constant(start=start)
    request = DanceRequest(
        reference=as_reference(reference),
        seconds=float(tempo.to_timeline(heard.seconds)) if seconds is None else seconds,
        tempo_map=tempo,
        grid=grid,
        style=style,
        energy=energy,
        seed=seed,
        steps=steps,
        guidance=guidance,
        listen=listen,
        repeat=repeat,
        sections=None if sections is None else tuple(sections),
        curves=curves or {},
    )
    dancer = load_model(model, device) if isinstance(model, str | os.PathLike) else model
    made = dancer(heard, request, on_step=on_step, should_cancel=should_cancel)
    return Dance(**{field.name: getattr(made, field.name) for field in fields(made)})


def as_reference(
    reference: PoseSequence | str | os.PathLike[str] | None, canvas: tuple[int, int] | None = None
) -> PoseSequence:
    """The pose that a file holds, a pose itself, or the standing figure where there is none.

    `canvas` is width and height of the picture of a file that does not say them.
    """
    if isinstance(reference, PoseSequence):
        return reference
    return standing_pose() if reference is None else load_reference(reference, canvas=canvas)
