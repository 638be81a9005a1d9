"""Curves read off made motion whose curves are known."""

import math

import numpy as np
import pytest
import torch
from made_dancers import made_examples, standing_figure

from tempose.augmentation import curves
from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.cameras import Cameras
from tempose.augmentation.draws import Draws
from tempose.augmentation.settings import AugmentationSettings
from tempose.augmentation.smoothing import gaussian, moving_mean
from tempose_pose.curves import CURVES
from tempose_pose.framing import CENTRE, GROUND, HEIGHT
from tempose_pose.request import NORMAL_SPEED

BODY, FRAMES = BodyTables(), 256
INSIDE = slice(60, -60)


def standing(frames=FRAMES):
    """(1, T, 18, 2) canonical: a figure that stands in the middle of the canvas."""
    figure = torch.from_numpy(standing_figure()).float()[:, :2] * torch.tensor([1, -1]) * HEIGHT
    hips = (figure[BODY.skeleton.index("left_hip")] + figure[BODY.skeleton.index("right_hip")]) / 2
    figure = figure + torch.stack([CENTRE - hips[0], GROUND - figure[:, 1].max()])
    return figure.expand(1, frames, -1, -1).clone()


def camera(**changes):
    values = {"yaw": 0.0, "pitch": 0.0, "distance": 5.0, "zoom": 0.0, "pan": 0.0} | changes
    return Cameras(**{name: torch.tensor([value]) for name, value in values.items()})


def in_space(turn=0.0, frames=FRAMES):
    """(1, T, 18, 3) the figure turned by degrees, a number or one for each frame."""
    figure = torch.from_numpy(standing_figure()).float().expand(1, frames, -1, -1)
    angle = torch.as_tensor(turn, dtype=torch.float32).expand(frames) * math.pi / 180
    c, s = angle.cos()[None, :, None], angle.sin()[None, :, None]
    return torch.stack(
        [c * figure[..., 0] + s * figure[..., 2], figure[..., 1], c * figure[..., 2] - s * figure[..., 0]], -1
    )


def test_smoothing_keeps_what_is_even_and_the_whole():
    even = torch.full((2, 100), 0.7)
    assert torch.allclose(gaussian(even, 8.0), even)
    assert torch.allclose(moving_mean(even, 15), even)
    peak = torch.zeros(1, 101)
    peak[0, 50] = 1
    smooth = gaussian(peak, 5.0)
    assert float(smooth.sum()) == pytest.approx(1, abs=1e-5)
    spread = (smooth[0] * (torch.arange(101) - 50) ** 2).sum().sqrt()
    assert float(spread) == pytest.approx(5, rel=0.03)


def test_energy_is_the_logarithm_of_the_speed_over_the_normal_one():
    keypoints = standing()
    for pace in (0.5, 1.0, 2.0):
        moved = keypoints.clone()
        way = torch.arange(FRAMES) * pace * NORMAL_SPEED * HEIGHT / 30
        moved[..., 0] += way[None, :, None]
        energy = curves.energy(curves.joint_speed(BODY, moved))
        assert torch.allclose(energy, torch.full_like(energy, math.log(pace)), atol=1e-3)
    still = curves.energy(curves.joint_speed(BODY, keypoints))
    assert torch.allclose(still, torch.full_like(still, -2.5))  # 0.03 over 0.45 is less still: the lowest


def test_hits_are_1_where_the_dancer_stops_on_the_beat_and_below_0_where_it_is_fastest():
    beats = torch.arange(FRAMES)[None] / 18.0  # 100 beats per minute
    for offset, low, high in ((0.0, 0.5, 1.0), (0.5, -1.0, -0.2)):
        swing = torch.cos(math.pi * (beats[0] - offset)) * 0.1  # at rest at whole beats, fastest between
        moved = standing()
        moved[..., 0] += swing[None, :, None]
        hits = curves.hits(curves.joint_speed(BODY, moved), beats)[0, INSIDE]
        assert low <= hits.min() <= hits.max() <= high
    held = curves.hits(curves.joint_speed(BODY, moved), beats)[0]
    assert len(held[10:26].unique()) == 1  # frames whose nearest beat is the first


@pytest.mark.parametrize(("turn", "expected"), [(0, 1.0), (90, 0.0), (180, -1.0), (60, 0.5)])
def test_facing_is_the_cosine_of_the_turn_from_the_camera(turn, expected):
    front = curves.facing(BODY, in_space(turn), camera())
    assert torch.allclose(front, torch.full_like(front, expected), atol=1e-4)
    seen = curves.facing(BODY, in_space(), camera(yaw=math.radians(turn)))
    assert torch.allclose(seen, torch.full_like(seen, expected), atol=1e-4)


def test_path_is_where_the_hips_are_in_body_heights():
    moved = standing()
    moved[..., 0] += 0.2 * HEIGHT
    path = curves.path(BODY, moved)
    assert torch.allclose(path, torch.full_like(path, 0.2), atol=1e-5)
    moved[..., 0] += torch.linspace(-0.1, 0.1, FRAMES)[None, :, None]
    slope = curves.path(BODY, moved)[0, INSIDE].diff()
    assert torch.allclose(slope, torch.full_like(slope, 0.2 / 255 / HEIGHT), atol=1e-5)


def test_level_is_how_far_the_hips_are_below_or_above_standing_in_leg_lengths():
    moved = standing()
    hips = BODY.hips(moved)[0, 0, 1]
    legs = HEIGHT * curves.HIP_HEIGHT
    moved[..., 1] += GROUND - legs - hips  # so that they stand at just the usual height
    assert curves.level(BODY, moved).abs().max() < 1e-5
    for level in (-0.4, 0.2):
        other = moved.clone()
        other[..., 1] -= level * legs
        found = curves.level(BODY, other)
        assert torch.allclose(found, torch.full_like(found, level), atol=1e-5)


def test_zoom_is_what_the_camera_does():
    motion, scale = in_space(), torch.tensor([HEIGHT])
    hips = float(camera().view(BODY.hips(motion))[0, 0, 2])
    still = curves.zoom(BODY, motion, camera(), scale)
    near = math.log(5 / (5 - hips))
    assert torch.allclose(still, torch.full_like(still, near), atol=1e-3)
    zoomed = curves.zoom(BODY, motion, camera(zoom=0.4), scale)[0]
    assert float(zoomed[128] - near) == pytest.approx(0.0, abs=5e-3)
    assert float(zoomed[192] - zoomed[64]) == pytest.approx(math.log(1.1 / 0.9), abs=5e-3)
    twice = curves.zoom(BODY, motion, camera(), 2 * scale)
    assert torch.allclose(twice - still, torch.full_like(still, math.log(2)), atol=1e-4)


def test_curves_are_left_out_as_often_as_the_settings_say_and_where_nobody_can_know():
    settings, rows = (
        AugmentationSettings(drop_curves=(0.2, 0.4, 0.5, 0.6, 0.0, 1.0), drop_all_curves=0.0),
        4000,
    )
    values = {name: torch.zeros(rows, 8) for name in CURVES}
    flat, has_music = torch.zeros(rows, dtype=torch.bool), torch.ones(rows, dtype=torch.bool)
    flat[:1000], has_music[1000:2000] = True, False
    given = curves.drop(Draws((0,), rows, torch.device("cpu")), settings, values, flat, has_music)
    missing = given.isnan()
    assert (missing.all(1) == missing.any(1)).all()  # a curve is given for all of a window or not at all
    share = missing[2000:, 0].float().mean(0)
    np.testing.assert_allclose(share, settings.drop_curves, atol=0.04)
    assert missing[:1000, 0, [CURVES.index("facing"), CURVES.index("zoom")]].all()
    assert missing[1000:2000, 0, CURVES.index("hits")].all()
    none = AugmentationSettings(drop_curves=(0.0,) * 6, drop_all_curves=1.0)
    assert curves.drop(Draws((0,), rows, torch.device("cpu")), none, values, flat, has_music).isnan().all()


def test_examples_carry_the_curves_of_what_is_danced_in_them():
    e = made_examples(30, drop_curves=(0.0,) * 6, drop_all_curves=0.0, legless=0.0, occlusion=0.0)
    speed = curves.joint_speed(BODY, e.keypoints)
    inside = (e.keypoints > 0).all((1, 2, 3)) & (e.keypoints < 1).all((1, 2, 3))
    assert inside.sum() > 10
    energy = e.curves[..., CURVES.index("energy")]
    assert torch.allclose(energy[inside], curves.energy(speed)[inside], atol=1e-4)
    path = e.curves[..., CURVES.index("path")]
    assert torch.allclose(path[inside], curves.path(BODY, e.keypoints)[inside], atol=1e-4)
