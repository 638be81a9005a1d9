"""The character out of Blender: sprites for games."""

import json

import numpy as np
import pytest
from census import census, differences


@pytest.fixture
def looping(blender, ready):
    """A loop of two bars, danced by the null model."""
    ready.tempose.generate.area = "FRAMES"
    ready.tempose.generate.first_frame, ready.tempose.generate.last_frame = 7, 54
    assert blender.ops.tempose.dance_loop() == {"FINISHED"}
    return ready.tempose.takes[0]


def beats_at(blender, tempose, seconds):
    """A grid with beats at these seconds of the song."""
    grid = tempose("music.song_grid")
    now = grid.current(blender.context)
    grid.put(blender.context.scene, now, tempose("music.beats").from_times(seconds, seconds[:1], 0.2))


def test_a_loop_is_drawn_as_a_sheet_of_sprites(blender, ready, looping, tempose, tmp_path):
    ready.render.engine, ready.tempose.output.rate = "BLENDER_WORKBENCH", 4.0
    ready.tempose.output.sprite_height = 64
    beats_at(blender, tempose, [0.5, 1.0, 1.5])
    before = census(blender)
    path = tmp_path / "dancer.png"
    assert blender.ops.tempose.export_sprites(filepath=str(path)) == {"FINISHED"}
    assert "frames of" in tempose("notes").text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dancer.json", "dancer.png"]
    assert differences(before, census(blender)) == []
    said = json.loads((tmp_path / "dancer.json").read_text())
    assert said["loop"] and len(said["frames"]) == 8 and said["frameSize"]["h"] == 64
    assert said["frameSize"]["w"] % 2 == 0
    image = blender.data.images.load(str(path))
    flat = np.empty(4 * image.size[0] * image.size[1], np.float32)
    image.pixels.foreach_get(flat)
    sheet = flat.reshape(image.size[1], image.size[0], 4)[::-1]
    assert said["beats"] == [pytest.approx((1 + 24 * t - 7) / 6, abs=1e-3) for t in (0.5, 1.0, 1.5)]
    wide, cells = said["frameSize"]["w"], []
    for frame in said["frames"]:
        at = frame["frame"]
        cells.append(sheet[at["y"] : at["y"] + 64, at["x"] : at["x"] + wide])
    cells = np.array(cells)
    solid = cells[..., 3] > 0.5
    assert not solid[:, [0, -1]].any() and not solid[:, :, [0, -1]].any()  # nothing is cut off
    assert solid.any((0, 2))[2:62].all()  # the figure is as tall as its cell
    assert 0.05 < solid.mean() < 0.6
    assert (solid[1:] != solid[:-1]).any((1, 2)).all()  # it moves
