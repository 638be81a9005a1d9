# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by `sprites` in the server's Python, which has Pillow: turns pictures into a GIF that loops for ever.

Arguments: the pictures as a NumPy file, (T, H, W, 4) uint8; the hundredths of a second that each is shown,
separated by commas; the file to write. Exits with 3 if there is no Pillow. No bpy in here.
"""

import sys

CLEAR = 255  # the palette index for transparent
LOOKED_AT = 400_000  # pixels sampled to choose the colours


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
