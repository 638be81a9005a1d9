"""Dances read from videos that people send: untrusted bytes in, one dance out, with progress on the way.

`read_video` runs in a child process (see `decode`) and notes its progress in `folder/progress`; the parent reads that
and may end the child. Nothing of a video is kept.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

NOTE_SECONDS = 0.3


def read_video(folder: Path, person: int, model: str | None) -> dict[str, Any]:
    """The dance of one person in `folder/video`, in `folder/dance.npz`."""
    from tempose.estimator import RtmEstimator
    from tempose.videos.dance import dance_from_video
    from tempose.videos.frames import open_video

    with open_video(folder / "video") as video:
        frames, heard = video.facts.frames, video.facts.heard
    noted = 0.0

    def on_frame(done: int) -> None:
        nonlocal noted
        if time.monotonic() - noted > NOTE_SECONDS:
            noted = time.monotonic()
            part = folder / "progress.part"
            part.write_text(json.dumps({"frame": done, "frames": max(frames, done)}))
            part.replace(folder / "progress")

    on_frame(0)
    estimator = None if model is None else RtmEstimator(Path(model))
    dance = dance_from_video(folder / "video", person, estimator, on_frame, name="The video")
    dance.save(folder / "dance.npz")
    (folder / "heard").write_text(json.dumps(heard))
    return {"frames": len(dance.poses), "beats": len(dance.beat_times), "cuts": len(dance.seams)}
