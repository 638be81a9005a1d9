# SPDX-License-Identifier: GPL-3.0-or-later
"""A dance in few bytes, as the server sends it over slow links (docs/server.md). Checked, and no bpy in here.

The form is described in the server's `compact.py`: ``TPQ1``, the length of a JSON header, the header, and a zlib
stream of 16 bit coordinates and 8 bit confidences, as differences from frame to frame.
"""

import json
import struct
import zlib

import numpy as np

from tempose_pose.skeletons import OPENPOSE_18

from ..dance.dance import FARTHEST, MAX_FRAMES, DanceData, bad_answer, from_parts, number

MEDIA_TYPE = "application/x-tempose-q16"
MAGIC = b"TPQ1"
HEADER_BYTES = 4_000_000
STEPS = 65_535


def from_compact(data: bytes) -> DanceData:
    """The dance in these bytes; raises `Problem` when they are damaged or say what cannot be."""
    try:
        (length,) = struct.unpack_from("<I", data, 4)
        if data[:4] != MAGIC or length > HEADER_BYTES:
            raise ValueError
        about = json.loads(data[8 : 8 + length])
        frames, joints = int(number(about["frames"], 1, MAX_FRAMES, "number of frames")), len(OPENPOSE_18)
        points = frames * joints * 2
        opener = zlib.decompressobj()
        body = opener.decompress(
            data[8 + length :], 2 * points + points // 2
        )  # no more than that is unpacked
        if not opener.eof or len(body) != 2 * points + points // 2:
            raise ValueError
        ends = [
            [float(number(v, -FARTHEST, FARTHEST, "range")) for v in about[key]] for key in ("low", "high")
        ]
        if [len(end) for end in ends] != [2, 2]:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error, zlib.error):
        raise bad_answer("a compact dance that cannot be read") from None
    low, high = np.asarray(ends)
    pair = np.frombuffer(body[: 2 * points], np.uint8).reshape(2, points)
    folded = np.ascontiguousarray(pair.T).view("<u2").reshape(joints * 2, frames)
    change = (folded >> 1) ^ (-(folded & 1).astype(np.int32)).astype(np.uint16)
    steps = np.cumsum(change, axis=1, dtype=np.uint16).T.reshape(frames, joints, 2)
    keypoints = (low + steps / STEPS * (high - low)).astype(np.float32)
    shares = np.frombuffer(body[2 * points :], np.uint8).reshape(joints, frames)
    scores = np.cumsum(shares, axis=1, dtype=np.uint8).T.astype(np.float32) / 255
    return from_parts(about, keypoints, scores)
