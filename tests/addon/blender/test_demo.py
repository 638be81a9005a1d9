"""The part of `make demo` that runs in Blender, all but the picture: its buttons, and what the film needs."""

import json

import pytest
from blender_helpers import CLICKS, click_track, write_wav


def test_the_demo_dances_edits_the_tempo_and_sets_the_stage(blender, connected, scene, tmp_path):
    import demo_blender

    write_wav(tmp_path / "song.wav", click_track(4.0, CLICKS[:8]))
    strip = demo_blender.lay_song(scene, tmp_path / "song.wav")
    demo_blender.dance(scene, change=2.0)
    facts = json.loads(json.dumps(demo_blender.stage(scene, strip, tmp_path)))
    assert facts.keys() == {
        "fps",
        "start",
        "marks",
        "hips",
        "dance_fps",
        "model",
        "seed",
    }  # as the sheet needs
    seconds = 2 / 1.1 + 2 / (1.1 * 0.75)
    assert scene.frame_end - scene.frame_start == pytest.approx(seconds * 24, abs=2)
    assert len(facts["hips"]) == pytest.approx(seconds * facts["dance_fps"], abs=2)
    assert [name for _, name in facts["marks"]][:5] == ["1.1", "1.2", "1.3", "1.4", "2.1"]
    assert [take.state for take in scene.tempose.takes][-1] == "ACCEPTED" and scene.camera is not None
    assert all(sound.packed_file for sound in blender.data.sounds)
