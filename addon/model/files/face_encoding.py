# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by `face_video` in the server's Python: a video or picture of a face becomes the video of the face.

After the script and "--": the source, the file to be written, how many frames, frames per second, and the source's
second at which they begin. It ends with 3 where the server is not installed, and with 4 after telling what is wrong
with the source. No bpy in here.
"""

import sys
from pathlib import Path

SAID = "tempose: "  # what an error begins with


def main(source: str, path: str, count: str, rate: str, start: str) -> None:
    try:
        from tempose.render.wan import write_face
        from tempose_pose.errors import TemposeError
    except ImportError:
        sys.exit(3)
    try:
        write_face(Path(path), int(count), float(rate), Path(source), float(start))
    except TemposeError as error:
        print(SAID + error.message)
        sys.exit(4)


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
