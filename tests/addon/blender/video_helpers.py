"""What a server reads out of a video, made up."""

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence
from tempose_pose.standing import standing_pose


def video_answer(folder, frames=96, fps=24.0):
    """The bytes of a DANCE.npz: a figure that sways on the beats of two a second; unseen for five frames."""
    pose = standing_pose()
    keypoints = np.repeat(pose.keypoints, frames, 0)
    keypoints[..., 0] += 0.05 * np.sin(2 * np.pi * np.arange(frames) / fps)[:, None]
    scores = np.repeat(pose.scores, frames, 0)
    scores[40:45] = 0
    poses = PoseSequence(keypoints, scores, fps, pose.skeleton, pose.canvas)
    beats = np.arange(0, frames / fps, 0.5)
    Dance(poses, beats, beats[::4], np.array([30]), 0, "video").save(folder / "answer.npz")
    return (folder / "answer.npz").read_bytes()
