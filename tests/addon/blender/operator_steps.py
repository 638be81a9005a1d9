"""What operators need before they can be pressed, step by step."""

import json
from dataclasses import replace

import character_helpers as made
import numpy as np
from blender_helpers import CLICKS, add_strip, click_track, with_estimator, write_wav
from video_helpers import video_answer

from tempose_pose.wire.answers import FoundPerson, FoundSection


class Steps:
    """A scene on its way; each method is one step, and `options` is what the operator is then called with.

    Parameters
    ----------
    bpy, scene, clicks, tempose, folder, patch
        The module, its scene, the click track, the add-on's modules by name, where files may be written, and
        pytest's monkeypatch. `connect` is to be set to what makes sure that there is a server.
    """

    def __init__(self, bpy, scene, clicks, tempose, folder, patch):
        self.bpy, self.scene, self.clicks, self.tempose = bpy, scene, clicks, tempose
        self.folder, self.patch, self.connect = folder, patch, lambda: None
        self.ops, self.settings, self.options = bpy.ops.tempose, scene.tempose, {}
        self.settings.generate.area, self.settings.generate.last_frame = "FRAMES", 48
        self.settings.tempo.mode = "OFF"

    def go(self, names) -> dict:
        for name in names:
            getattr(self, name)()
        return self.options

    # the song

    def song(self):
        if not self.scene.sequence_editor or not self.scene.sequence_editor.strips:
            add_strip(self.scene, self.clicks)

    def song_file(self):
        self.options["filepath"] = str(self.clicks)

    def grid(self):
        self.song()
        beat_edit, beats = self.tempose("music.song_grid"), self.tempose("music.beats")
        found = beats.from_times(CLICKS, CLICKS[::4], 0.2)
        beat_edit.put(self.scene, beat_edit.current(self.bpy.context), found)
        self.scene.frame_set(33)

    def sections(self):
        """A verse, a chorus, a verse."""
        self.grid()
        form, now = self.tempose("dance.form"), self.tempose("music.song_grid").current(self.bpy.context)
        loud = {"A": -1.0, "B": 0.0}
        made = [form.FormSection(4 * i, 4 * i + 4, name, loud[name]) for i, name in enumerate("ABA")]
        self.tempose("music.song_form").write(self.settings.form, now.mark, made, 0)

    def second_section(self):
        self.settings.form.active = 1
        self.scene.frame_set(121)

    def again(self):
        self.options["which"] = "A"

    def returning_song(self):
        self.song()
        self.connect()
        kind, found = (
            self.tempose("server.client").Client,
            [FoundSection(0.1, 6, "A"), FoundSection(6, 11, "B")],
        )
        listen = kind.analysis
        self.patch.setattr(kind, "analysis", lambda *a: replace(listen(*a), sections=found))

    def preview_range(self):
        self.scene.use_preview_range = True
        self.scene.frame_preview_start, self.scene.frame_preview_end = 20, 80

    def marked(self):
        self.scene.timeline_markers.new("hit", frame=20).select = True

    def taps(self):
        self.options["frames"] = " ".join(str(1 + 24 * t) for t in CLICKS[4:14])

    def section(self):
        self.ops.add_section()

    def faster(self):
        self.settings.tempo_factor = 1.25

    def previewed(self):
        self.ops.preview_tempo()

    # the character

    def rig(self):
        self.connect()
        self.song()
        if self.tempose("character.selection").pick_rig(self.bpy.context) is None:
            self.ops.new_rig()

    def hand_drawings(self):
        """A fist and a flat hand that hang on the character."""
        rig = self.tempose("character.selection").pick_rig(self.bpy.context)
        for name in ("Fist.L", "left hand open"):
            drawn = self.bpy.data.objects.new(name, self.bpy.data.meshes.new(name))
            self.scene.collection.objects.link(drawn)
            drawn.parent = rig

    def facing_drawings(self):
        """A head from the front and in profile that hangs on the character."""
        rig = self.tempose("character.selection").pick_rig(self.bpy.context)
        for name in ("Head front", "Head profile.L"):
            drawn = self.bpy.data.objects.new(name, self.bpy.data.meshes.new(name))
            self.scene.collection.objects.link(drawn)
            drawn.parent = rig

    def armature(self):
        made.make(self.bpy, made.PLAIN)

    def switches(self):
        self.bpy.context.object.pose.bones[0]["IK_FK"] = 0.0

    def mapped(self):
        self.armature()
        self.ops.map_bones()

    def two_rigs(self):
        first = self.bpy.context.view_layer.objects.active
        self.ops.new_rig()
        first.select_set(True)
        assert self.bpy.context.view_layer.objects.active != first

    def picture(self):
        pixels = np.zeros((96, 64, 4), np.float32)
        pixels[8:88, 16:48] = 1
        image = self.bpy.data.images.new("figure", 64, 96, alpha=True)
        image.pixels.foreach_set(pixels.ravel())
        image.pack()
        self.settings.drawing.image = image

    def estimator(self):
        self.connect()
        connection = self.tempose("server.connection")
        self.patch.setattr(connection, "current", with_estimator(connection.current, ""))
        found = [FoundPerson("openpose18", ["left_wrist"], [[x, 0.5]], [0.5]) for x in (0.7, 0.8)]
        self.patch.setattr(self.tempose("server.client").Client, "find_pose", lambda *_: found)

    def people_found(self):
        self.picture()
        self.estimator()
        assert self.ops.find_pose() == {"FINISHED"}

    def joint_markers(self):
        self.picture()
        self.ops.lay_out_picture()

    # the dance

    def whole(self):
        self.settings.generate.area = "STRIP"

    def take(self):
        self.rig()
        assert self.ops.generate() == {"FINISHED"}

    def accepted(self):
        self.ops.accept_take()

    def first(self):
        self.settings.active_take = 0

    def in_library(self):
        assert self.ops.add_to_library() == {"FINISHED"}
        self.options["phrase"] = next(a.name for a in self.bpy.data.actions if "tempose_phrase" in a)

    def pose_in_library(self):
        assert self.ops.add_pose_to_library() == {"FINISHED"}
        self.settings.generate.phrase = next(a.name for a in self.bpy.data.actions if "tempose_pose" in a)

    def waypoint(self):
        assert self.ops.drop_waypoint(place=(0.5, 0.0, 0.0)) == {"FINISHED"}

    def later(self):
        self.scene.frame_set(81)

    def trail(self):
        self.settings.view.trail = "left_wrist"
        self.options.update(frame=12, place=(0.6, 0.0, 1.2))

    def mark(self):
        assert self.ops.set_mark() == {"FINISHED"}

    def pin(self):
        assert self.ops.pin_part(part="left_wrist") == {"FINISHED"}

    def shown(self):
        self.ops.show_take()

    def rerated(self):
        self.bpy.context.scene.render.fps = 60

    def kept(self):
        for frame in (12, 24):
            self.settings.edit.poses.add().frame = frame

    def limb(self):
        self.settings.edit.left_arm = True

    def directed(self):
        direction = self.settings.rig.data.tempose_direction
        direction.use_path, direction.path = True, 0.1

    def style(self):
        self.settings.edit.style = self.tempose("server.connection").current.capabilities.styles[0]

    def twos(self):
        self.settings.keys.density = "TWOS"

    # files and the like

    def map_file(self):
        mapping, path = self.tempose("character.mapping"), self.folder / "map.json"
        bones = {"upper_arm.L": "UpperArm_L", "forearm.L": "LowerArm_L"}
        path.write_text(mapping.to_json(mapping.BoneMap(bones), "Character"))
        self.options["filepath"] = str(path)

    def video_file(self):
        """A sound file stands for a video, and a dance of the rig for what the server reads out of it."""
        self.connect()
        connection = self.tempose("server.connection")
        self.patch.setattr(connection, "current", with_estimator(connection.current, ""))
        path = self.folder / "film.wav"
        write_wav(path, click_track())
        self.options["filepath"] = str(path)
        data = video_answer(self.folder)
        self.patch.setattr(self.tempose("server.client").Client, "read_video", lambda *_: (data, 0.0))

    def pose_file(self):
        person = [v for k in range(18) for v in (100 + 7 * k * k % 90, 90 + 20 * k, 1)]
        path = self.folder / "poses.json"
        path.write_text(json.dumps([{"people": [{"pose_keypoints_2d": person}]}] * 5))
        self.options["filepath"] = str(path)

    def to_file(self):
        self.options["filepath"] = str(self.folder / "out.json")

    def to_folder(self):
        self.options["filepath"] = str(self.folder / "out")
        self.settings.output.size = 64, 64

    def runtime_file(self):
        self.connect()
        self.options["runtime_file"] = str(self.tempose("server.server_process").running().runtime_file)

    def log(self):
        folder = self.tempose("operators.setup").folder()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.tempose("server.environment").LOG).write_text("pip")

    def job(self):
        self.tempose("server.background_task").begin("Waiting", lambda work: work.sleep(60))
