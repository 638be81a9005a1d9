"""A compact form of dances for slow links: 16 bits a coordinate, 8 a confidence, differences from frame to frame.

``TPQ1`` | uint32 length of the header | header (JSON: the result without its arrays, and `low`, `high`) | zlib of

* keypoints: each joint's x, then its y, from frame to frame: round((value − low) / (high − low) · 65535) as uint16,
  its difference to the frame before (the first to 0, modulo 2¹⁶) folded to 0, −1, 1, −2, … → 0, 1, 2, 3, …;
  all low bytes, then all high bytes;
* scores: each joint's, round(score · 255) as uint8, differences modulo 2⁸.

All little-endian. Off by at most (high − low) / 131,070, on a 1920 pixel canvas 0.015 pixels.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.limits import MAX_FRAMES, MAX_HEADER_BYTES, MAX_JOINTS

MEDIA_TYPE = "application/x-tempose-q16"
MAGIC = b"TPQ1"
STEPS = 65_535


def pack(about: dict[str, Any], keypoints: np.ndarray, scores: np.ndarray) -> bytes:
    """Pack keypoints (T, K, 2) and scores (T, K) with the other fields of the result."""
    points = keypoints.astype(np.float64)
    low, high = points.min((0, 1)), points.max((0, 1))
    span = np.where(high > low, high - low, 1)
    steps = np.round((points - low) / span * STEPS).astype("<u2")
    across = steps.reshape(len(steps), -1).T  # (K·2, T)
    change = np.diff(across, axis=1, prepend=np.uint16(0)).view(np.int16)
    folded = ((change << 1) ^ (change >> 15)).astype("<i2").tobytes()
    shares = np.round(np.clip(scores, 0, 1) * 255).astype(np.uint8).T
    body = folded[::2] + folded[1::2] + np.diff(shares, axis=1, prepend=np.uint8(0)).tobytes()
    header = json.dumps({**about, "low": low.tolist(), "high": high.tolist()}).encode()
    return MAGIC + struct.pack("<I", len(header)) + header + zlib.compress(body, 9)


def unpack(data: bytes) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """The other fields of the result, keypoints (T, K, 2) and scores (T, K), both float32.

    Raises
    ------
    TemposeError
        It is not such a dance, or a damaged one.
    """
    try:
        (length,) = struct.unpack_from("<I", data, 4)
        if data[:4] != MAGIC or length > MAX_HEADER_BYTES:
            raise ValueError
        about = json.loads(data[8 : 8 + length])
        frames, joints = about["frames"], len(about["joints"])
        if not (isinstance(frames, int) and 1 <= frames <= MAX_FRAMES and 1 <= joints <= MAX_JOINTS):
            raise ValueError
        points = frames * joints * 2
        opener = zlib.decompressobj()
        body = opener.decompress(
            data[8 + length :], 2 * points + points // 2
        )  # no more than this is unpacked
        if not opener.eof or len(body) != 2 * points + points // 2:
            raise ValueError
        pair = np.frombuffer(body[: 2 * points], np.uint8).reshape(2, points)
        folded = np.ascontiguousarray(pair.T).view("<u2").reshape(joints * 2, frames)
        change = (folded >> 1) ^ (-(folded & 1).astype(np.int32)).astype(np.uint16)
        steps = np.cumsum(change, axis=1, dtype=np.uint16).T.reshape(frames, joints, 2)
        low, high = (np.asarray(about[key], float) for key in ("low", "high"))
        if low.shape != (2,) or high.shape != (2,) or not np.isfinite([low, high]).all():
            raise ValueError
        keypoints = (low + steps / STEPS * (high - low)).astype(np.float32)
        shares = np.frombuffer(body[2 * points :], np.uint8).reshape(joints, frames)
        scores = np.cumsum(shares, axis=1, dtype=np.uint8).T.astype(np.float32) / 255
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, struct.error, zlib.error):
        raise TemposeError("dance_unreadable", "This is not a compact Tempose dance.") from None
    return about, keypoints, scores
