# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as text, so that they live in the .blend. No bpy in here."""

import base64
import io
import json
import zlib
from dataclasses import asdict, dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.limits import MAX_FRAMES
from tempose_pose.sequence import PoseSequence, on_layout
from tempose_pose.skeletons import EXTREMITIES, OPENPOSE_18, Skeleton
from tempose_pose.wire.answers import SkeletonInfo
from tempose_pose.wire.validation import read

from ..errors import Problem

FORM, PLAIN_FORM = "tempose-take-2", "tempose-take-1"
"""The head of the first names its skeleton; the other, of openpose18 alone, older versions of Tempose read too."""
_OLDER = Skeleton(
    "older", OPENPOSE_18.joints + EXTREMITIES, (-1,) * (len(OPENPOSE_18) + len(EXTREMITIES)), ()
)
"""What older versions wrote of dances with hands or feet."""

_packed: WeakKeyDictionary[Dance, str] = WeakKeyDictionary()


@dataclass
class Take:
    """One generated dance and what it was made from.

    Parameters
    ----------
    dance : Dance
    tempo_map : list of [timeline_s, song_s]
    song_start, song_seconds : float
        The part of the sound that was danced, in the sound's own seconds.
    fingerprint : str
        A mark of the strip and the tempo, to notice when the take is out of date.
    settings : dict
        Seed, style and the like, as requested.
    """

    dance: Dance
    tempo_map: list
    song_start: float
    song_seconds: float
    fingerprint: str
    settings: dict = field(default_factory=dict)


def poses_text(dance: Dance) -> str:
    """The poses of a dance as text for a datablock; cached, because it takes a while."""
    if dance not in _packed:
        rows, buffer = np.concatenate([dance.poses.keypoints, dance.poses.scores[..., None]], 2), io.BytesIO()
        np.save(buffer, rows.astype("<f4"), allow_pickle=False)
        _packed[dance] = base64.b64encode(zlib.compress(buffer.getvalue(), 6)).decode()
    return _packed[dance]


def to_text(take: Take) -> str:
    """Text for a datablock: a JSON head and compressed numbers."""
    dance, poses = take.dance, take.dance.poses
    plain = poses.skeleton is OPENPOSE_18
    head = {
        "form": PLAIN_FORM if plain else FORM,
        **({} if plain else {"skeleton": asdict(SkeletonInfo.of(poses.skeleton))}),
        "fps": poses.fps,
        "canvas": list(poses.canvas),
        "beat_times": np.asarray(dance.beat_times).tolist(),
        "downbeat_times": np.asarray(dance.downbeat_times).tolist(),
        "seams": np.asarray(dance.seams).tolist(),
        "seed": str(dance.seed),  # not every JSON reader takes 63 bits
        "model_revision": dance.model_revision,
        "style": dance.style,
        "tempo_map": take.tempo_map,
        "song_start": take.song_start,
        "song_seconds": take.song_seconds,
        "fingerprint": take.fingerprint,
        "settings": take.settings,
    }
    text = poses_text(dance)
    return "\n".join([json.dumps(head), *(text[i : i + 4096] for i in range(0, len(text), 4096))])


def from_text(text: str) -> Take:
    """The inverse of `to_text`; raises `Problem` when the text is damaged."""
    first, _, rest = text.partition("\n")
    try:
        head = json.loads(first)
        dance = Dance(
            _poses(head, rest),
            np.asarray(head["beat_times"], float),
            np.asarray(head["downbeat_times"], float),
            np.asarray(head["seams"], np.int32),
            int(head["seed"]),
            str(head["model_revision"]),
            str(head.get("style", "")),  # missing in older takes
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


def _poses(head: dict, text: str) -> PoseSequence:
    """The poses of a take; raises what numpy, zlib and JSON raise on damaged text."""
    if head["form"] not in (FORM, PLAIN_FORM):
        raise ValueError
    bones = _skeleton(head["skeleton"]) if "skeleton" in head else _OLDER
    most = MAX_FRAMES * len(bones) * 3 * 4 + 1_000_000
    raw = zlib.decompressobj().decompress(base64.b64decode(text.replace("\n", "")), most)
    rows = np.load(io.BytesIO(raw), allow_pickle=False)  # (T, K, 3)
    if bones is _OLDER and rows.shape[1] == len(OPENPOSE_18):
        bones = OPENPOSE_18
    canvas = int(head["canvas"][0]), int(head["canvas"][1])
    poses = PoseSequence(rows[..., :2], rows[..., 2], float(head["fps"]), bones, canvas)
    return on_layout(poses) if bones is _OLDER else poses


def _skeleton(said: dict) -> Skeleton:
    """The skeleton that a take names: one of ours, or one from a server."""
    return read(SkeletonInfo, said, "skeleton").skeleton()
