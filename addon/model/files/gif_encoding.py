# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by `sprites` in the server's Python, which has Pillow: pictures become a GIF that goes on for ever.

After the script: the pictures as a NumPy file, (T, H, W, 4) uint8; the hundredths of a second that each is shown,
with commas between; the file to be written. It ends with 3 where there is no Pillow. No bpy in here.
"""

import sys

CLEAR = 255  # the colour that stands for none
LOOKED_AT = 400_000  # pixels of which the colours are chosen


def main(pictures: str, hundredths: str, path: str) -> None:
    try:
        import numpy as np
        from PIL import Image  # pyright: ignore[reportMissingImports] -- of the server's Python
    except ImportError:
        sys.exit(3)
    frames = np.load(pictures, mmap_mode="r")
    seen = frames[:: max(1, len(frames) // 24)].reshape(-1, 4)
    seen = seen[seen[:, 3] >= 128, :3]
    seen = seen[:: max(1, len(seen) // LOOKED_AT)] if len(seen) else np.zeros((1, 3), np.uint8)
    palette = Image.fromarray(np.ascontiguousarray(seen)[None]).quantize(CLEAR)
    colours = ((palette.getpalette() or [])[: 3 * CLEAR] + 3 * [0] * (CLEAR + 1))[: 3 * (CLEAR + 1)]
    made = []
    for frame in frames:
        indices = np.array(
            Image.fromarray(frame[..., :3].copy()).quantize(palette=palette, dither=Image.Dither.NONE)
        )
        indices[frame[..., 3] < 128] = CLEAR
        picture = Image.fromarray(indices)
        picture.putpalette(colours)
        made.append(picture)
    shown = [10 * int(part) for part in hundredths.split(",")]
    made[0].save(
        path, "GIF", save_all=True, append_images=made[1:], duration=shown, loop=0, disposal=2,
        transparency=CLEAR, background=CLEAR, optimize=False,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
