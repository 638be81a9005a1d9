"""Dances of who faces the viewer, on pictures of figures that are drawn from the side."""

import numpy as np
import pytest
from addon.model.character.in_profile import is_in_profile, kept_in_profile
from addon.model.character.mapping import JOINTS

AT = {joint: k for k, joint in enumerate(JOINTS)}
ASIDE = {"neck": (0, 3), "mid_hip": (0, 0), "nose": (0.6, 4), "left_eye": (0.5, 4.2), "right_eye": (0.5, 4.2),
         "left_ear": (0.1, 4), "right_ear": (0.1, 4), "left_shoulder": (0.1, 2.9), "right_shoulder": (-0.1, 2.9),
         "left_hip": (0.05, 0), "right_hip": (-0.05, 0)}  # fmt: skip


def facing(turned=0.0, frames=3):
    """A dancer (T, 19, 2) who faces the viewer, arms and legs apart; the whole turned by degrees about the hips."""
    sides = {"eye": (0.3, 4.2), "ear": (0.7, 4), "shoulder": (1, 2.9), "elbow": (2, 2.9), "wrist": (3, 2.9),
             "hip": (0.5, 0), "knee": (0.7, -2), "ankle": (0.8, -4)}  # fmt: skip
    pose = np.zeros((len(JOINTS), 2))
    pose[AT["neck"]], pose[AT["nose"]] = (0, 3), (0, 3.9)
    for joint, (x, y) in sides.items():
        pose[AT[f"left_{joint}"]], pose[AT[f"right_{joint}"]] = (x, y), (-x, y)
    way = np.exp(1j * np.radians(turned)) * (pose[:, 0] + 1j * pose[:, 1])
    return np.repeat(np.stack([way.real, way.imag], 1)[None], frames, 0)


@pytest.mark.parametrize("turned", [0, 25])
def test_arms_stay_on_the_trunk_and_the_head_is_not_thrown_back(turned):
    rest = {joint: np.array(at, float) for joint, at in ASIDE.items()}
    assert is_in_profile(rest)
    assert not is_in_profile(
        {**rest, "left_shoulder": np.array((1.0, 2.9)), "right_shoulder": np.array((-1.0, 2.9))}
    )
    dance, c = facing(turned), np.exp(1j * np.radians(turned))
    kept = kept_in_profile(dance, np.ones(dance.shape[:2]), rest)[1]
    for side in ("left", "right"):
        root = complex(*rest[f"{side}_shoulder"]) * c
        assert np.allclose(kept[AT[f"{side}_shoulder"]], (root.real, root.imag))
        for before, after in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
        ):  # it points where the dancer's points
            ends = [AT[f"{side}_{joint}"] for joint in (after, before)]
            assert np.allclose(kept[ends[0]] - kept[ends[1]], dance[1, ends[0]] - dance[1, ends[1]])
        for joint in ("knee", "ankle"):
            assert np.allclose(kept[AT[f"{side}_{joint}"]], dance[1, AT[f"{side}_{joint}"]])
    tilt = np.arctan2(*(kept[AT["nose"]] - kept[AT["neck"]])) - np.arctan2(*(rest["nose"] - rest["neck"]))
    skull = np.arctan2(*(rest["left_ear"] - rest["neck"]))  # of the drawing, which leans a little itself
    assert tilt == pytest.approx(-np.radians(turned) - skull, abs=1e-6)


def test_a_head_without_ears_goes_as_the_dance_has_it():
    rest = {joint: np.array(at, float) for joint, at in ASIDE.items()}
    dance = facing()
    scores = np.ones(dance.shape[:2])
    scores[:, [AT["left_ear"], AT["right_ear"]]] = 0
    nose = AT["nose"]
    assert np.array_equal(kept_in_profile(dance, scores, rest)[:, nose], dance[:, nose])
    scores[0, AT["left_ear"]] = 1
    assert not np.array_equal(kept_in_profile(dance, scores, rest)[:, nose], dance[:, nose])
