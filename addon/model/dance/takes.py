# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as text, so that they live in the .blend. No bpy in here."""

import base64
import io
import json
import zlib
from dataclasses import dataclass, field

import numpy as np

from tempose_pose.limits import MAX_FRAMES
from tempose_pose.skeletons import EXTREMITIES, OPENPOSE_18

from ..errors import Problem
from .dance import DanceData

FORM = "tempose-take-1"
MAX_UNPACKED = MAX_FRAMES * (len(OPENPOSE_18) + len(EXTREMITIES)) * 3 * 4 + 1_000_000


@dataclass
class Take:
    """One generated dance and what it was made from.

    Parameters
    ----------
    dance : DanceData
    tempo_map : list of [timeline_s, song_s]
    song_start, song_seconds : float
        The part of the sound that was danced, in the sound's own seconds.
    fingerprint : str
        Of the strip and the tempo, to notice when the take is out of date.
    settings : dict
        Seed, style and the like, as they were asked for.
    """

    dance: DanceData
    tempo_map: list
    song_start: float
    song_seconds: float
    fingerprint: str
    settings: dict = field(default_factory=dict)


def to_text(take: Take) -> str:
    """Text for a datablock: a JSON head and compressed numbers."""
    dance = take.dance
    head = {
        "form": FORM,
        "fps": dance.fps,
        "canvas": list(dance.canvas),
        "beat_times": dance.beat_times,
        "downbeat_times": dance.downbeat_times,
        "seams": dance.seams,
        "seed": str(dance.seed),  # 63 bits do not fit into every JSON reader
        "model_revision": dance.model_revision,
        "tempo_map": take.tempo_map,
        "song_start": take.song_start,
        "song_seconds": take.song_seconds,
        "fingerprint": take.fingerprint,
        "settings": take.settings,
    }
    lines = [dance.packed[i : i + 4096] for i in range(0, len(dance.packed), 4096)]
    return "\n".join([json.dumps(head), *lines])


def from_text(text: str) -> Take:
    """The inverse of `to_text`; raises `Problem` when the text is damaged."""
    first, _, rest = text.partition("\n")
    try:
        head = json.loads(first)
        if head.get("form") != FORM:
            raise ValueError
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(base64.b64decode(rest.replace("\n", "")), MAX_UNPACKED)
        array = np.load(io.BytesIO(raw), allow_pickle=False)
        body, known = len(OPENPOSE_18), (len(OPENPOSE_18), len(OPENPOSE_18) + len(EXTREMITIES))
        if array.ndim != 3 or array.shape[1] not in known or array.shape[2] != 3:
            raise ValueError
        if not np.isfinite(array).all():
            raise ValueError
        array, more = array[:, :body], array[:, body:]
        dance = DanceData(
            np.ascontiguousarray(array[..., :2], np.float32),
            np.ascontiguousarray(array[..., 2], np.float32),
            float(head["fps"]),
            (int(head["canvas"][0]), int(head["canvas"][1])),
            head["beat_times"],
            head["downbeat_times"],
            head["seams"],
            int(head["seed"]),
            str(head["model_revision"]),
            np.ascontiguousarray(more, np.float32) if more.size else None,
        )
        return Take(
            dance,
            head["tempo_map"],
            head["song_start"],
            head["song_seconds"],
            head["fingerprint"],
            head["settings"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, zlib.error):
        raise Problem(
            "take_damaged", "The data of this take is damaged. Discard it and generate again."
        ) from None
