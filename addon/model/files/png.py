# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as PNG files. No bpy in here."""

import struct
import zlib

import numpy as np

KINDS = {3: 2, 4: 6}  # channels → the format's colour type, without and with alpha


def png(picture: np.ndarray) -> bytes:
    """The bytes of a PNG file of a picture (H, W, 3 or 4) uint8."""
    height, width, channels = picture.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.zeros((height, 1 + channels * width), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = picture.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, KINDS[channels], 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
