"""The character out of Blender: sprites for games, and files of its rig that Blender reads back."""

import json
import shutil
from pathlib import Path

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


def heads(blender, ob, frame):
    """Where each bone begins in the world at a frame."""
    blender.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    seen = ob.evaluated_get(blender.context.evaluated_depsgraph_get())
    return {bone.name: np.array(seen.matrix_world @ bone.head) for bone in seen.pose.bones}


IMPORTS = {
    "BVH": lambda ops, path: ops.import_anim.bvh(filepath=path),
    "GLB": lambda ops, path: ops.import_scene.gltf(filepath=path),
    "FBX": lambda ops, path: ops.wm.fbx_import(filepath=path),
    "USDC": lambda ops, path: ops.wm.usd_import(filepath=path),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Blender leaves a .bvh open
def test_files_of_the_rig_have_its_joints_where_they_are(
    blender, ready, looping, tempose, tmp_path, monkeypatch
):
    """All four are written by one other Blender, to save time, and read back by this one."""
    import addon_utils

    rigs, ob = tempose("files.rigs"), looping.rig
    run = rigs.other_blender.run

    def all_kinds(work, blender, script, arguments, *more):
        folder = Path(arguments[-1])
        job = json.loads((folder / "job.json").read_text())
        (folder / "job.json").write_text(json.dumps(job | {"kinds": list(IMPORTS)}))
        well = run(work, blender, script, arguments, *more)
        for kind in IMPORTS:
            shutil.copy(folder / f"made.{kind.lower()}", tmp_path)
        return well

    monkeypatch.setattr(rigs.other_blender, "run", all_kinds)
    ob.location.x = 0.25
    before = census(blender)
    assert blender.ops.tempose.export_rig(kind="GLB", filepath=str(tmp_path / "own.glb")) == {"FINISHED"}
    assert differences(before, census(blender)) == []
    glb = (tmp_path / "own.glb").read_bytes()
    said = json.loads(glb[20 : 20 + int.from_bytes(glb[12:16], "little")])  # the first chunk
    assert [animation["name"] for animation in said["animations"]] == [f"{ob.name}-loop"]
    assert f"{ob.name}-loop".encode() in (tmp_path / "made.fbx").read_bytes()
    wanted = {frame: heads(blender, ob, frame) for frame in (7, 20, 40, 55)}
    for module in ("io_anim_bvh", "io_scene_gltf2"):
        addon_utils.enable(module)
    for kind, read in IMPORTS.items():
        known = set(blender.data.objects)
        assert read(blender.ops, str(tmp_path / f"made.{kind.lower()}")) == {"FINISHED"}
        (back,) = [o for o in blender.data.objects if o not in known and o.type == "ARMATURE"]
        first, last = back.animation_data.action.frame_range
        assert last - first == pytest.approx(48, abs=1e-3), kind  # once around, and the first pose again
        for frame, there in wanted.items():
            found = heads(blender, back, first + frame - 7)
            shared = there.keys() & {name.replace("_", ".") for name in found} | there.keys() & found.keys()
            assert len(shared) > 14, (kind, sorted(found))
            for name in shared:
                at = found.get(name, found.get(name.replace(".", "_")))
                assert at == pytest.approx(there[name], abs=2e-3), (kind, frame, name)


def test_a_cut_out_goes_to_spine_and_dragonbones(blender, ready, tempose, tmp_path):
    """Bones and layers, checked by posing them as the formats' readers do: corners are where Blender has them."""
    from test_puppet import corners, gingerbread, placed, puppet_of

    ob = puppet_of(blender, tempose, placed(tempose, blender, gingerbread(blender, True)))
    for other in blender.context.view_layer.objects:
        other.select_set(other == ob)
    blender.context.view_layer.objects.active = ob
    ready.tempose.generate.area, ready.tempose.generate.last_frame = "FRAMES", 40
    ready.tempose.stretch = ready.tempose.stretch_others = False
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert blender.ops.tempose.export_rig(kind="SPINE", filepath=str(tmp_path / "cut.json")) == {"FINISHED"}
    assert blender.ops.tempose.export_rig(kind="DRAGONBONES", filepath=str(tmp_path / "cut")) == {"FINISHED"}
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"cut.json", "cut.atlas", "cut.png", "cut_ske.json", "cut_tex.json", "cut_tex.png"}
    said = json.loads((tmp_path / "cut.json").read_text())
    frame = 20
    ready.frame_set(1 + frame)
    unit = tempose("character.character").placement(ob).unit
    wanted = {part: at[:, [0, 2]] / unit for part, at in corners(blender, ob).items()}
    meshes = said["skins"][0]["attachments"]
    assert len(meshes) == len(wanted) == len(said["slots"]) >= 6
    drawn = {o.name: o["tempose_part"] for o in ob.children if "tempose_part" in o}
    worlds = spine_worlds(said, frame / 24)
    for name, mesh in ((name, slot[name]) for name, slot in meshes.items()):
        found = spine_corners(mesh["vertices"], worlds)
        away = np.linalg.norm(found[:, None] - wanted[drawn[name]][None], axis=2).min(1)
        assert np.percentile(away, 90) < 3.0, (name, away.max())  # deformed with preserved volume there
    bones = json.loads((tmp_path / "cut_ske.json").read_text())["armature"][0]
    assert [bone["name"] for bone in bones["bone"]] == [bone["name"] for bone in said["bones"]]
    assert len(bones["skin"][0]["slot"]) == len(meshes) and bones["animation"][0]["duration"] == 39


def spine_worlds(said, second):
    """(3, 3) of each bone at a second of the animation, as Spine's runtimes place bones that inherit all."""
    moved, worlds = said["animations"]["dance"]["bones"], []
    index = {bone["name"]: k for k, bone in enumerate(said["bones"])}
    for bone in said["bones"]:
        lines = moved.get(bone["name"], {})

        def at(kind, value, lines=lines):
            keys = lines.get(kind)
            return (
                np.interp(second, [k["time"] for k in keys], [k.get(value, 0) for k in keys]) if keys else 0.0
            )

        turn = np.radians(bone["rotation"] + at("rotate", "value"))
        x, y = bone["x"] + at("translate", "x"), bone["y"] + at("translate", "y")
        own = np.array([[np.cos(turn), -np.sin(turn), x], [np.sin(turn), np.cos(turn), y], [0, 0, 1]])
        worlds.append(worlds[index[bone["parent"]]] @ own if "parent" in bone else own)
    return worlds


def spine_corners(vertices, worlds):
    """(V, 2) corners of a weighted mesh."""
    out, k = [], 0
    while k < len(vertices):
        at = np.zeros(2)
        for j in range(int(vertices[k])):
            bone, x, y, weight = vertices[k + 1 + 4 * j : k + 5 + 4 * j]
            at += weight * (worlds[int(bone)] @ [x, y, 1])[:2]
        out.append(at)
        k += 1 + 4 * int(vertices[k])
    return np.array(out)
