"""The part of `make demo` outside of Blender: the contact sheet. The rest: `tests/addon/blender/test_demo.py`."""

import runpy
import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

SCRIPTS = Path(__file__).parents[1] / "scripts"


def test_the_contact_sheet_shows_the_frames_on_the_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    demo = runpy.run_path(str(SCRIPTS / "demo.py"))
    with av.open(str(tmp_path / "dance.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=24)
        stream.width = stream.height = 64
        for level in (20, 200, 120):
            picture = np.full((64, 64, 3), level, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(stream.encode(None))
    facts = {
        "fps": 24,
        "start": 11,
        "marks": [[11, "1.1"], [13, "1.2"]],
        "hips": [0.5, 0.6, 0.5],
        "dance_fps": 30.0,
        "model": "null",
        "seed": 0,
    }
    demo["contact_sheet"](tmp_path / "dance.mp4", facts, tmp_path / "sheet.png")
    shown = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    grey = np.where(np.ptp(shown, 2) < 8, shown.mean(-1), np.nan)
    share = {level: float((np.abs(grey - level) < 6).mean()) for level in (20, 120, 200)}
    assert min(share[20], share[120]) > 0.004 > share[200]  # the frame between the two beats is not on it
