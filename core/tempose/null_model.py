"""The null model: the reference pose, swaying on the beat. Needs no torch; answers "is it wired up?"."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tempose.music.audio import Song
from tempose.progress import OnSegment, OnStep
from tempose.segments import meet, plan
from tempose_pose.curves import curve_columns
from tempose_pose.dance import Dance
from tempose_pose.errors import Canceled
from tempose_pose.limits import FPS
from tempose_pose.request import DanceRequest
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18


class NullModel:
    """Sways sideways over one bar and dips on every beat, by a share of the body's height; follows a path."""

    revision = "null-1"
    device = "cpu"
    skeleton = OPENPOSE_18

    def __call__(
        self,
        song: Song,
        request: DanceRequest,
        *,
        on_segment: OnSegment | None = None,
        on_step: OnStep | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> Dance:
        reference = to_openpose18(request.reference)
        grid = (request.grid or song.grid).warped(request.tempo_map)
        beat = grid.beat_position(request.frame_times)  # (T,)
        pixels = np.repeat(reference.pixels, request.frames, 0)  # (T, K, 2)
        seen = reference.scores[0] > 0
        height = np.ptp(pixels[0, seen, 1]) if seen.any() else 1.0
        lift = (pixels[:, :, 1].max(1, keepdims=True) - pixels[:, :, 1]) / max(height, 1e-6)  # 0 at the feet
        pixels[..., 0] += 0.08 * height * lift * np.sin(np.pi * beat / 2)[:, None]
        pixels[..., 1] += 0.03 * height * lift * np.cos(2 * np.pi * beat)[:, None]
        path = curve_columns(request.curves, request.frame_times, ("path",))[:, 0]
        pixels[..., 0] += height * np.nan_to_num(path)[:, None]
        keypoints = (pixels / np.asarray(reference.canvas)).astype(np.float32)
        scores = np.repeat(reference.scores, request.frames, 0)
        if request.known is not None:
            known, mask = request.known.on(reference.skeleton), np.zeros(scores.shape, bool)
            n = min(len(known.mask), request.frames)
            mask[:n] = known.mask[:n]
            given = np.zeros_like(keypoints)
            given[:n], scores[mask] = known.poses.keypoints[:n], known.poses.scores[:n][mask[:n]]
            keypoints = meet(keypoints, given, mask).astype(np.float32)
        segments = plan(request.frames)
        for done, segment in enumerate(segments, 1):
            if should_cancel and should_cancel():
                raise Canceled
            if on_segment:
                on_segment(
                    segment.fresh,
                    keypoints[segment.fresh : segment.stop],
                    scores[segment.fresh : segment.stop],
                )
            if on_step:
                on_step(done, len(segments))
        heard = grid.within(request.seconds)
        return Dance(
            PoseSequence(keypoints, scores, FPS, reference.skeleton, reference.canvas),
            heard.beats,
            heard.downbeats,
            np.asarray([s.fresh for s in segments[1:]], np.int32),
            request.seed,
            self.revision,
            request.style or "",
        )
