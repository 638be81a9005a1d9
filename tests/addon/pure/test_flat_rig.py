"""Cut-outs for programs of flat animation: keys where lines bend, turns and orders as their readers want them."""

import json

import numpy as np
import pytest
from addon.model.files import dragonbones, flat_rig, picture_page, spine
from addon.model.files.flat_rig import FlatBone, FlatLayer, FlatRig


def swinging(frames=24):
    """An arm of two bones that goes round twice, a square on it, and a body that it passes behind half-way."""
    t = np.linspace(0, 1, frames)
    turn = 4 * np.pi * t
    upper = np.stack([0 * t, 100 + 0 * t, turn], 1)
    lower = np.stack([50 * np.cos(turn), 100 + 50 * np.sin(turn), turn + 0.5], 1)
    bones = [
        FlatBone("root", -1, 10.0, np.zeros(3), np.zeros((frames, 3))),
        FlatBone("upper", 0, 50.0, upper[0], upper),
        FlatBone("lower", 1, 40.0, lower[0], lower),
    ]
    square = np.array([[50.0, 90], [90, 90], [90, 110], [50, 110]])
    uvs, triangles = np.array([[0.0, 1], [1, 1], [1, 0], [0, 0]]), np.array([[0, 1, 2], [0, 2, 3]])
    weights = flat_rig.weighted(np.array([[0, 1.0, 1.0], [0, 0, 1], [0, 0, 1], [0, 1, 1e-6]]))
    layers = [FlatLayer(name, k, square, uvs, triangles, weights) for k, name in enumerate(("body", "arm"))]
    orders = np.array([[0, 1]] * 12 + [[1, 0]] * (frames - 12))
    pictures = [np.full((20, 40, 4), 255, np.uint8), np.full((8, 8, 4), 90, np.uint8)]
    return FlatRig("figure", bones, layers, orders, pictures, 24.0, True)


def test_turns_go_on_and_straight_lines_need_two_keys():
    rig = swinging()
    moved = rig.moves_of(rig.bones[1])
    assert moved[-1, 2] == pytest.approx(4 * np.pi) and flat_rig.turn_keys(moved[:, 2]).tolist() == [0, 23]
    assert rig.moves_of(rig.bones[2]) == pytest.approx(
        np.zeros((24, 3)), abs=1e-9
    )  # it hangs still on the other
    bent = np.where(np.arange(24) < 10, 0.0, 5.0)[:, None]
    assert flat_rig.keyed(bent).tolist() == [0, 9, 10, 23]


def test_spine_has_the_outline_first_and_says_when_the_order_changes(tmp_path):
    rig = swinging()
    spine.write(rig, tmp_path / "figure.json")
    said = json.loads((tmp_path / "figure.json").read_text())
    mesh = said["skins"][0]["attachments"]["arm"]["arm"]
    assert mesh["hull"] == 4 and len(mesh["uvs"]) == 8 and mesh["vertices"][0] in (1, 2)
    (change,) = said["animations"]["dance"]["drawOrder"]
    assert change["time"] == pytest.approx(0.5) and change["offsets"][0] == {"slot": "body", "offset": 1}
    rotate = said["animations"]["dance"]["bones"]["upper"]["rotate"]
    assert rotate[-1]["value"] == pytest.approx(720)
    assert "arm" in (tmp_path / "figure.atlas").read_text() and (tmp_path / "figure.png").is_file()


def test_dragonbones_turns_no_farther_than_its_readers_follow_at_a_time(tmp_path):
    rig = swinging()
    dragonbones.write(rig, tmp_path / "figure_ske.json")
    said = json.loads((tmp_path / "figure_ske.json").read_text())["armature"][0]
    (upper,) = [bone for bone in said["animation"][0]["bone"] if bone["name"] == "upper"]
    turns = [frame["rotate"] for frame in upper["rotateFrame"]]
    assert np.abs(np.diff(turns)).max() < 180 and turns[-1] == pytest.approx(-720, abs=0.01)
    assert sum(frame["duration"] for frame in upper["rotateFrame"]) == said["animation"][0]["duration"] == 23
    atlas = json.loads((tmp_path / "figure_tex.json").read_text())
    assert [part["name"] for part in atlas["SubTexture"]] == ["body", "arm"]


def test_pictures_lie_on_a_page_without_touching():
    rng = np.random.default_rng(0)
    pictures = [rng.integers(1, 255, (*rng.integers(3, 60, 2), 4), np.uint8) for _ in range(12)]
    page = picture_page.laid_out(pictures)
    covered = np.zeros(page.pixels.shape[:2], int)
    for (x, y, wide, high), picture in zip(page.places, pictures, strict=True):
        assert (page.pixels[y : y + high, x : x + wide] == picture).all()
        covered[y : y + high, x : x + wide] += 1
    assert covered.max() == 1
    with pytest.raises(picture_page.PageTooLarge):
        picture_page.laid_out([np.zeros((1, 20_000, 4), np.uint8)])
