# SPDX-License-Identifier: GPL-3.0-or-later
"""From a sound strip to the server's sound: the file unchanged, or the audible result mixed down to a WAV.

Blender's playback is the truth: only files that it plays exactly as written are sent unchanged. With the *sound*
come its second 0 and the place of the strip's visible part in it.
"""

import contextlib
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...model.errors import Problem, require
from ...model.music import containers
from ...model.tempo.playback import Playback
from ...model.tempo.timing import Span
from .. import compat
from . import sounds
from .mix import KINDS, Mix, SoundSource, volume_keys

MIN_SECONDS = 0.5
MIX_RATE = 48_000
LONG = 900.0  # seconds; longer sounds are mixed down to one channel, to stay within the server's limit
WHOLE = 0.8  # of the requested seconds: a shorter result has been cut off
_kept: list = ["", b""]  # the last mixdown, and how it was heard: it is needed at every press


@dataclass(frozen=True)
class Sound:
    """The sound to send, and its audible part.

    Parameters
    ----------
    source : bytes or str
        Its bytes, or the path of its file.
    song_start : float
        Second of the sound at the strip's left edge.
    span : Span
        The visible part of the strip on the timeline.
    """

    source: bytes | str
    song_start: float
    span: Span


def visible_span(scene: bpy.types.Scene, strip: SoundSource) -> Span:
    """The part of the timeline where a strip is heard, cut by a meta strip around it."""
    left, right = compat.strip_times(strip, "left_handle", "right_handle")
    around = compat.parent_meta(strip)
    while around is not None:
        begins, ends = compat.strip_times(around, "left_handle", "right_handle")
        left, right = max(left, begins), min(right, ends)
        around = compat.parent_meta(around)
    rate = compat.rate_of(scene)
    return Span(float(left), max(0.0, right - left) / rate, rate)


def is_altered(strip: SoundSource) -> bool:
    """Whether a strip alters its file: only Blender then knows how it sounds."""
    if isinstance(strip, Mix):
        return False
    left, start, trim = compat.strip_times(strip, "left_handle", "content_start", "content_trim_start")
    shifted = trim or left < start or getattr(strip, "sound_offset", 0.0)
    return bool(shifted or compat.is_retimed(strip) or volume_keys(strip))


def facts(
    strip: SoundSource, span: Span, name_of: Callable[[bpy.types.Sound | None], str] = compat.file_name
) -> dict:
    """Everything that decides how a strip sounds, for the fingerprint; not its place on the timeline.

    Parameters
    ----------
    strip
        A sound strip or a `Mix`.
    span : Span
        Where it is visible.
    name_of : callable, optional
        Returns the identity of a sound.
    """
    if isinstance(strip, Mix):
        start = float(span.left - strip.content_start) / span.rate
        return {"mix": strip.facts(name_of), "start": start, "seconds": span.seconds}
    keys = [key.timeline_frame - span.left for key in getattr(strip, "retiming_keys", ())]
    start, trim = compat.strip_times(strip, "content_start", "content_trim_start")
    more = {"volume keys": volume} if (volume := _volume_from(strip, span)) else {}
    return {
        **more,
        "sound": name_of(strip.sound),
        "start": float(span.left - start) / span.rate,
        "trim": float(trim) / span.rate,
        "offset": 0.0,  # as versions up to 0.3 wrote it
        "delay": float(getattr(strip, "sound_offset", 0.0)),
        "seconds": span.seconds,
        "keys": keys,
        "pitch": bool(getattr(strip, "pitch_correction", False)),
    }


def _volume_from(strip: SoundSource, span: Span) -> list:
    return [
        [path, [[(frame - span.left) / span.rate, value] for frame, value in keys]]
        for path, keys in volume_keys(strip)
    ]


def check(strip: SoundSource, span: Span) -> None:
    """Refuse inaudible strips before anything else happens."""
    if isinstance(strip, Mix):
        if span.seconds < MIN_SECONDS - 1e-6:
            raise Problem(
                "audio_short", "Nothing is heard in the range, or less than half a second. Make it longer."
            )
        return
    sound = strip.sound
    if sound is None:
        raise Problem("audio_missing", f"The strip {strip.name} has no sound. Choose another one.")
    path = Path(bpy.path.abspath(sound.filepath, library=sound.library))
    if sound.packed_file is None and not path.is_file():
        raise Problem(
            "audio_missing", f"The sound file of the strip is missing: {path.name}. Relink or replace it."
        )
    if sound.samplerate == 0:
        raise Problem(
            "audio_unreadable", f"Blender cannot read {path.name} as sound. Convert it to WAV or FLAC."
        )
    if span.seconds < MIN_SECONDS - 1e-6:
        raise Problem("audio_short", f"The strip {strip.name} is shorter than half a second. Make it longer.")


def fetch(context: bpy.types.Context, scene: bpy.types.Scene, playback: Playback) -> Sound:
    """The sound of a strip. If it needs a mixdown, this takes up to some seconds on the main thread."""
    strip, span = playback.original, playback.visible
    check(strip, span)
    if isinstance(strip, Mix):
        anchor = strip.content_start
        whole = Span(anchor, (strip.content_end - anchor) / span.rate, span.rate)
        return Sound(mixdown(context, scene, strip, whole), float(span.left - anchor) / span.rate, span)
    if playback.is_altered:
        return Sound(mixdown(context, scene, strip, span), 0.0, span)
    start = max(0.0, float(span.left - compat.strip_time(strip, "content_start")) / span.rate)
    if containers.is_sent_as_it_is(*sounds.head(strip.sound)):
        packed = strip.sound.packed_file
        path = bpy.path.abspath(strip.sound.filepath, library=strip.sound.library)
        return Sound(bytes(packed.data) if packed else path, start, span)
    return Sound(_file_as_played(context, scene, strip, span, start), start, span)


def _file_as_played(
    context: bpy.types.Context, scene: bpy.types.Scene, strip: SoundSource, span: Span, start: float
) -> bytes:
    """A file's sound from its second 0 to the strip's right edge, silent before the left one."""
    heard = repr([facts(strip, span, sounds.content), span.rate])
    if _kept[0] != heard:
        whole = Span(span.left - start * span.rate, start + span.seconds, span.rate)
        _kept[:] = [heard, mixdown(context, scene, strip, whole)]
    return _kept[1]


def heard(context: bpy.types.Context, scene: bpy.types.Scene, span: Span) -> bytes | None:
    """The sound of a scene as the bytes of a WAV file; None if it is silent. On the main thread."""
    editor = scene.sequence_editor
    if editor is None or not any(s.type in KINDS and not s.mute for s in editor.strips):
        return None
    return mixdown(context, scene, None, span)


def mixdown(
    context: bpy.types.Context, scene: bpy.types.Scene, strip: SoundSource | None, span: Span
) -> bytes:
    """The audible sound of a strip, of a mix or (with None) of a scene, as the bytes of a WAV file.

    Retiming, trims, delays and keyed volume are included.
    """
    with tempfile.TemporaryDirectory(prefix="tempose-") as folder:
        path = Path(folder) / "heard.wav"
        with _passing_copy(scene) as stage:
            _set_stage(stage, strip, span)
            override = {"scene": stage, "view_layer": stage.view_layers[0]}
            if hasattr(context, "sequencer_scene"):
                override["sequencer_scene"] = stage
            try:
                with context.temp_override(**override):
                    bpy.ops.sound.mixdown(
                        filepath=str(path),
                        check_existing=False,
                        container="WAV",
                        codec="PCM",
                        format="S16",
                        **_rate_and_channels(strip, span),
                    )
            except RuntimeError as error:
                print(f"Tempose: mixdown failed, reading the samples instead: {error}")
        # Some builds return FINISHED but write nothing, or only a part.
        if _seconds_in(path) > WHOLE * span.seconds:
            return path.read_bytes()
        if strip is None or isinstance(strip, Mix) or compat.is_retimed(strip):
            raise Problem(
                "mixdown_failed",
                "This Blender cannot mix down sound, so neither a retimed strip nor a mix can be read. "
                "Use one from blender.org.",
            )
        _write_samples(context, scene, strip, span, path)
        return path.read_bytes()


def _seconds_in(path: Path) -> float:
    """Length of a WAV file; 0 if there is none."""
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / max(file.getframerate(), 1)
    except (OSError, EOFError, wave.Error):
        return 0.0


def _rate_and_channels(strip: SoundSource | None, span: Span) -> dict:
    """The file's own, because Blender takes five times as long if it must change the rate."""
    if strip is None:
        return {"mixrate": MIX_RATE, "channels": "STEREO"}
    sound = strip.sound
    own = 0 if isinstance(strip, Mix) else int(sound.samplerate)
    alone = span.seconds > LONG or (own and sound.channels == "MONO")
    rate = min(max(own, containers.RATES[0]), containers.RATES[1]) if own else MIX_RATE
    return {"mixrate": rate, "channels": "MONO" if alone else "STEREO"}


@contextlib.contextmanager
def _passing_copy(scene: bpy.types.Scene):
    """A copy of a scene without its objects; the scene itself is not touched."""
    stage = scene.copy()
    try:
        for child in list(stage.collection.children):
            stage.collection.children.unlink(child)
        for ob in list(stage.collection.objects):
            stage.collection.objects.unlink(ob)
        yield stage
    finally:
        bpy.data.scenes.remove(stage)


def _set_stage(stage: bpy.types.Scene, strip: SoundSource | None, span: Span) -> None:
    """Reduce a copied scene to the sound to mix down, in exactly its range.

    The sound starts at frame 0 there: Blender 4.5 leaves the speed of a retimed sound undefined in the frames
    before its start, which shifts the sound, or crashes. Volume keys stay at their frames, and so does a sound that
    has them.
    """
    editor, first = require(stage.sequence_editor), int(span.frames[0])
    if isinstance(strip, Mix):
        _leave_all(editor, strip)
    elif strip is not None:
        _leave_one(editor, strip)
    if not any(volume_keys(s) for s in editor.strips_all):
        for other in editor.strips:
            compat.move_strip(other, -first)
        first = 0
    stage.use_audio = True  # the scene's own switch silences a mixdown too
    stage.use_preview_range = False
    stage.frame_start, stage.frame_end = first, first + len(span.frames) - 1


def _leave_all(editor: bpy.types.SequenceEditor, heard: Mix) -> None:
    names = {s.name for s in heard.strips}
    for other in list(editor.strips):
        if other.name in names:
            other.mute = False
        else:
            editor.strips.remove(other)


def _leave_one(editor: bpy.types.SequenceEditor, strip: bpy.types.SoundStrip) -> None:
    own, outermost = {strip.name}, strip.name
    around = compat.parent_meta(strip)
    while around is not None:
        own.add(around.name)
        outermost, around = around.name, compat.parent_meta(around)
    for other in list(editor.strips):
        if other.name != outermost:
            editor.strips.remove(other)
    for other in editor.strips_all:
        other.mute = other.name not in own
        if not other.mute and hasattr(other, "volume") and not volume_keys(other):
            other.volume = 1.0  # a sound turned down still has its beats
    for channels in [editor.channels, *(s.channels for s in editor.strips_all if s.type == "META")]:
        for channel in channels:
            channel.mute = False


def _write_samples(
    context: bpy.types.Context, scene: bpy.types.Scene, strip: SoundSource, span: Span, path: Path
) -> None:
    """The strip's samples straight from Blender's decoder, as a last resort."""
    try:
        sound = strip.sound.evaluated_get(context.evaluated_depsgraph_get())
        rate, samples = int(sound.factory.specs[0]), np.asarray(sound.factory.data(), np.float32)
    except (ImportError, AttributeError, RuntimeError, TypeError):
        raise Problem(
            "mixdown_failed", "This Blender can neither mix down nor decode sound. Use one from blender.org."
        ) from None
    shift = (span.left - compat.strip_time(strip, "content_start")) / span.rate
    first = round((shift - getattr(strip, "sound_offset", 0.0)) * rate)
    wanted = np.zeros((round(span.seconds * rate), samples.shape[1]), np.float32)
    low, high = max(first, 0), min(first + len(wanted), len(samples))
    if high > low:
        wanted[low - first : high - first] = samples[low:high]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(wanted.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(wanted, -1, 1) * 32767).astype("<i2").tobytes())
