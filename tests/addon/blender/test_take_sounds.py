"""What a take was made to: which other file is other music, and a take whose sound is damaged."""

import pytest
from blender_helpers import CLICKS, add_strip, click_track, write_wav


@pytest.fixture
def own_file(blender, connected, scene, clicks, tmp_path, tempose):
    """A take that was danced to a file of the test's own."""
    import shutil

    shutil.copy(clicks, tmp_path / "song.wav")
    add_strip(scene, tmp_path / "song.wav")
    blender.ops.tempose.new_rig()
    blender.ops.tempose.generate()
    return tmp_path / "song.wav"


@pytest.fixture
def is_out_of_date(blender, tempose, out_of_date):
    """Tells whether the first take was made to other music, once the file is this one."""

    def told(path=None):
        if path is not None:
            blender.context.scene.sequence_editor.strips_all[0].sound.filepath = str(path)
        tempose("music.sounds").forget()
        return out_of_date(blender.context.scene.tempose.takes[0])

    return told


@pytest.mark.parametrize("what", ["renamed", "packed", "moved", "saved as a .blend elsewhere", "missing"])
def test_the_same_music_under_another_name_is_no_other_music(
    blender, own_file, tempose, tmp_path, what, is_out_of_date
):
    sound = blender.context.scene.sequence_editor.strips_all[0].sound
    assert not is_out_of_date()
    if what == "renamed":
        assert not is_out_of_date(own_file.rename(tmp_path / "final mix.wav"))
    elif what == "packed":
        sound.pack()
        assert not is_out_of_date()
        sound.name, sound.filepath = "x", "//x.wav"
        assert not is_out_of_date()
    elif what == "moved":
        (tmp_path / "music").mkdir()
        assert not is_out_of_date(own_file.rename(tmp_path / "music" / "song.wav"))
    elif what == "missing":
        own_file.unlink()
        assert not is_out_of_date()
    else:
        blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
        blender.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
        assert not is_out_of_date()
    if what == "renamed":
        blender.context.scene.tempose.generate.count = 1
        blender.context.scene.tempose.seed += 9
        assert blender.ops.tempose.reroll() == {"FINISHED"}


@pytest.mark.parametrize("how", ["over the old file", "in another folder"])
def test_other_music_of_the_same_name_is_other_music(
    blender, own_file, tempose, tmp_path, how, is_out_of_date
):
    (tmp_path / "other").mkdir()
    path = own_file if how == "over the old file" else tmp_path / "other" / "song.wav"
    write_wav(path, click_track(12.0, CLICKS + 0.1))
    assert is_out_of_date(path)


def test_takes_of_older_versions_are_known_by_the_files_name(
    blender, own_file, tempose, tmp_path, read, is_out_of_date
):
    scene, now = blender.context.scene, read()
    mark_of_playback = tempose("music.sound_marks").mark_of_playback
    scene.tempose.takes[0].fingerprint = mark_of_playback(now.playback, tempose("compat").file_name)
    assert not is_out_of_date()
    assert is_out_of_date(own_file.rename(tmp_path / "another.wav"))


@pytest.mark.parametrize("sound", ["{", "null", "[]", "5", "{}", '{"original": 1, "new": "x", "before": {}}',
                                   '{"original": "a", "new": "b", "before": {"muted": 3}}', "[" * 3000])  # fmt: skip
@pytest.mark.parametrize("way", ["discard_take", "accept_take"])
def test_a_take_whose_sound_is_damaged_can_be_discarded_and_accepted(
    blender, ready, ops, settings, sound, way
):
    assert ops.generate() == {"FINISHED"}
    before = len(settings.takes)
    settings.takes[settings.active_take].sound = sound
    assert getattr(ops, way)() == {"FINISHED"}
    assert len(settings.takes) == before - (way == "discard_take")
