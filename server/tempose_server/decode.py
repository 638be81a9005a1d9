"""The tasks of a child process: untrusted audio (and pictures) in, plain arrays and JSON out.

It gets its task from `child`, limits itself first and only then touches the song. It prints one JSON object, the
answer or {"error": {"code", "message"}}; anything else is a crash.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

from tempose_pose.errors import TemposeError
from tempose_server import pictures, videos
from tempose_server.errors import is_disk_full

FORMATS = {  # by the names of `sound_file.SoundFile.format`
    "WAV": ("wav",),
    "WAVEX": ("wav",),
    "RF64": ("wav",),
    "W64": ("wav",),
    "FLAC": ("flac",),
    "OGG": ("ogg", "opus"),
    "MP3": ("mp3",),
    "MPEG": ("mp3",),
    "AIFF": ("aiff",),
    "FFMPEG": ("m4a", "aac", "webm"),
}
CHANNELS = 8
RATES = (8_000, 192_000)
LOUDEST = 100.0  # 40 dB above full scale: not a recording, but a forged float file
STRETCH_RATE = 44_100
LOUDNESS_PER_SECOND = 10
LOWEST_ENERGY = -10.0  # energy sent for silence, during which a dancer stands


POLITE = 5  # of POSIX's 19: the server and Blender, for which people wait, go first


def limit_self(seconds: float, memory: int | None, file_bytes: int) -> None:
    """Limit processor time, memory and file size of this process."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def decode(folder: Path, audio_seconds: float, decoded_bytes: int) -> dict[str, Any]:
    """`folder/audio` as mono float32 at the core's rate in `folder/pcm.npy`.

    Exactly the samples of `Song.load`, but in bounded memory: the file is read twice, once to measure it.
    """
    import numpy as np
    import soxr

    from tempose.music.audio import SILENCE
    from tempose.music.spectra import SAMPLE_RATE

    with closing(_opened(folder / "audio")) as file:
        rate, frames, low, high, power = file.samplerate, 0, math.inf, -math.inf, 0.0
        energy = np.zeros(file.channels)
        loud_low, loud_high = math.inf, -math.inf
        for mono, loudest in _mixed(_blocks(file, audio_seconds, decoded_bytes), energy):
            frames += len(mono)
            power += float(np.square(mono).sum())
            low, high = min(low, mono.min()), max(high, mono.max())
            loud_low, loud_high = min(loud_low, loudest.min()), max(loud_high, loudest.max())
    if frames < rate / 2:
        raise TemposeError("audio_short", "The audio is shorter than half a second.")
    canceling = power < 1e-4 * energy.max()  # channels that cancel each other out
    if canceling:
        low, high = loud_low, loud_high
    if max(-low, high) > LOUDEST:
        raise TemposeError("audio_levels", "The audio is far louder than any recording; it may be damaged.")
    peak = max(1.0, -low, high)
    if high - low < 2 * SILENCE * peak:
        raise TemposeError("audio_silent", "The audio is silent.")

    resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    parts = []
    with closing(_opened(folder / "audio")) as file:
        energy[:] = 0
        for mono, loudest in _mixed(_blocks(file, audio_seconds, decoded_bytes), energy):
            heard = (loudest.astype(np.float64) if canceling else mono) / peak
            parts.append(resampler.resample_chunk(heard.astype(np.float32), last=False))
    parts.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    samples = np.concatenate(parts)
    length = math.ceil(frames * SAMPLE_RATE / rate)
    samples = np.pad(samples[:length], (0, max(0, length - len(samples))))
    try:
        np.save(folder / "pcm.npy", samples)
    except OSError as error:  # numpy reports a short write without its cause
        raise OSError(error.errno or errno.ENOSPC, "not all samples could be written") from error
    return {"seconds": len(samples) / SAMPLE_RATE}


def _mixed(blocks: Any, energy: Any) -> Any:
    """(mean of the channels, loudest channel so far) of each block; adds up each channel's `energy`."""
    import numpy as np

    for block in blocks:
        if not np.isfinite(block).all():
            raise TemposeError(
                "audio_not_finite", "The audio holds samples that are not numbers. Export it again."
            )
        energy += np.square(block, dtype=np.float64).sum(0)
        yield block.mean(1, dtype=np.float64), block[:, int(energy.argmax())]


def analyse(folder: Path) -> dict[str, Any]:
    """The analysis of `folder/pcm.npy`: beat grid, tempo curve, loudness, energy and hits for a dancer, sections."""
    import numpy as np

    from tempose.listening import sound_energy, sound_hits
    from tempose.music.audio import Song
    from tempose.music.beats import loudness, tempo_curve
    from tempose.music.form import find_sections
    from tempose.music.spectra import FPS

    song = Song(np.load(folder / "pcm.npy", allow_pickle=False), cache=folder)
    grid = song.grid
    energy = np.maximum(sound_energy(song.features, grid), LOWEST_ENERGY)[:: FPS // LOUDNESS_PER_SECOND]
    hits = sound_hits(song.features, grid)
    at = np.clip(np.round(grid.beats * FPS).astype(int), 0, len(hits) - 1)
    return {
        "seconds": song.seconds,
        "beats": [round(float(t), 6) for t in grid.beats],
        "downbeats": [round(float(t), 6) for t in grid.downbeats],
        "bpm": grid.bpm,
        "confidence": float(grid.confidence),
        "heard": [round(float(v), 3) for v in grid.heard],
        "tempo_curve": [[round(float(t), 6), round(float(bpm), 3)] for t, bpm in tempo_curve(grid)],
        "loudness": [round(float(v), 4) for v in loudness(song.samples, LOUDNESS_PER_SECOND)],
        "energy": [round(float(v), 3) for v in energy],
        "hits": [round(float(v), 3) for v in np.nan_to_num(hits[at])],
        "sections": [
            {"start": s.start, "stop": s.stop, "name": s.name} for s in find_sections(song.features, grid)
        ],
    }


def stretch(
    folder: Path,
    target: Path,
    tempo_map: list[list[float]],
    seconds: float,
    audio_seconds: float,
    decoded_bytes: int,
) -> dict[str, Any]:
    """Write the song under a tempo map, pitch preserved, to `target`: 16 bit, 44.1 kHz, at most two channels."""
    import numpy as np
    import soundfile
    import soxr

    from tempose.music.stretch import stretch as stretch_samples
    from tempose_pose.wire.job import tempo_of

    with closing(_opened(folder / "audio")) as file:
        blocks = list(_blocks(file, audio_seconds, decoded_bytes))
        rate = file.samplerate
    samples = np.concatenate(blocks)  # (N, channels)
    del blocks
    if samples.shape[1] > 2:
        samples = samples.mean(1, keepdims=True)
    if rate != STRETCH_RATE:
        samples = soxr.resample(samples, rate, STRETCH_RATE, quality="HQ")
    mono = samples.shape[1] == 1
    heard = stretch_samples(samples[:, 0] if mono else samples, STRETCH_RATE, tempo_of(tempo_map), seconds)
    heard = np.clip(np.nan_to_num(heard), -1, 1)
    soundfile.write(target, heard, STRETCH_RATE, format="WAV", subtype="PCM_16")
    return {"frames": len(heard)}


def _opened(path: Path) -> Any:
    """An open sound file of a known format, rate and channel count; it follows no references."""
    from tempose.music.sound_file import READ, open_sound

    file = open_sound(path)
    if file.format not in FORMATS:
        file.close()
        raise TemposeError("audio_format", f"This kind of audio is not taken. Use {READ}.")
    if not RATES[0] <= file.samplerate <= RATES[1] or not 1 <= file.channels <= CHANNELS:
        file.close()
        raise TemposeError(
            "audio_shape",
            f"Audio must have {RATES[0]} to {RATES[1]} samples a second and 1 to {CHANNELS} channels.",
        )
    return file


def _blocks(file: Any, audio_seconds: float, decoded_bytes: int) -> Any:
    """Blocks (n, channels) float32, counted as they come: the header is not trusted."""
    frames, size = 0, 0
    for block in file.blocks():
        frames += len(block)
        size += block.nbytes
        if frames > audio_seconds * file.samplerate:
            raise TemposeError("audio_long", f"The audio is longer than {audio_seconds / 60:g} minutes.")
        if size > decoded_bytes:
            raise TemposeError("audio_big", "The audio is too big once it is unpacked.")
        yield block


def _validate(folder: Path, **options: Any) -> dict[str, Any]:
    from tempose_server.body_validation import validate  # needs libraries that songs do not

    return validate(folder, **options)


TASKS = {"decode": decode, "analyse": analyse, "stretch": stretch}
TASKS |= {"read": pictures.read, "find": pictures.find, "video": videos.read_video, "validate": _validate}


def main(job: dict[str, Any]) -> int:
    """Do one task; return the exit status."""
    be_polite()
    if job["task"] == "prepare":  # nobody's song, and more than one may cost
        from tempose.music.compiled import compile_once

        compile_once()
        return 0
    return do(job)


def be_polite() -> None:
    """Let the server, and Blender, go first."""
    if hasattr(os, "nice"):
        os.nice(POLITE)


def do(job: dict[str, Any]) -> int:
    """Do one task (`task`, `folder`, `limits`, `options`) within limits and print its answer; return the status."""
    task = job["task"]
    limit_self(**job["limits"])
    options = job["options"]
    if "target" in options:
        options["target"] = Path(options["target"])
    answer_to = os.dup(1)
    os.dup2(2, 1)  # keeps output of libraries out of the answer
    try:
        answer = TASKS[task](Path(job["folder"]), **options)
    except TemposeError as error:
        answer = {"error": {"code": error.code, "message": error.message}}
    except MemoryError:
        kind = "picture" if TASKS[task].__module__ == pictures.__name__ else "audio"
        answer = {"error": {"code": f"{kind}_big", "message": f"The {kind} is too big once it is unpacked."}}
    except OSError as error:
        traceback.print_exc()
        answer = {"errno": errno.ENOSPC if is_disk_full(error) else error.errno}
    with os.fdopen(answer_to, "w") as out:
        json.dump(answer, out)
    return 0
