"""Bad input gets a clear error and changes nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
from blender_helpers import RATE, add_strip, click_track, elsewhere, summary, write_wav


def refused(bpy, operator, match):
    """The operator fails in words, and the file is as it was."""
    before = summary(bpy)
    with pytest.raises(RuntimeError, match=match):
        operator()
    assert summary(bpy) == before


@pytest.fixture
def rigged(blender, connected, scene):
    blender.ops.tempose.new_rig()
    return scene


def both(blender):
    return [blender.ops.tempose.find_beats, blender.ops.tempose.generate]


def test_no_strip(blender, rigged):
    for operator in both(blender):
        refused(blender, operator, "Add a sound strip")


def test_several_strips_and_none_chosen(blender, rigged, clicks):
    for channel in (1, 2):
        add_strip(rigged, clicks, channel=channel)
    rigged.sequence_editor.active_strip = None
    refused(blender, blender.ops.tempose.generate, "several sound strips")
    rigged.tempose.strip = "no such strip"
    refused(blender, blender.ops.tempose.generate, "no sound strip named")


def test_a_missing_file(blender, rigged, tmp_path):
    add_strip(rigged, tmp_path / "gone.wav")
    for operator in both(blender):
        refused(blender, operator, "missing: gone.wav")


def test_a_file_deleted_after_it_was_added(blender, rigged, tmp_path):
    path = tmp_path / "short-lived.wav"
    write_wav(path, click_track())
    add_strip(rigged, path)
    path.unlink()
    for operator in both(blender):
        refused(blender, operator, "missing: short-lived.wav")


def test_silence(blender, rigged, tmp_path):
    write_wav(tmp_path / "silence.wav", np.zeros(5 * RATE))
    add_strip(rigged, tmp_path / "silence.wav")
    for operator in both(blender):
        refused(blender, operator, "silent")


def test_less_than_half_a_second(blender, rigged, tmp_path):
    write_wav(tmp_path / "short.wav", click_track(0.4, [0.1]))
    add_strip(rigged, tmp_path / "short.wav")
    for operator in both(blender):
        refused(blender, operator, "shorter than half a second")


def test_a_corrupt_file(blender, rigged, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, 50_000, np.uint8).tobytes()
    (tmp_path / "corrupt.ogg").write_bytes(b"OggS" + noise)
    add_strip(rigged, tmp_path / "corrupt.ogg")
    for operator in both(blender):
        refused(blender, operator, "corrupt.ogg|shorter|cannot be read|audio")


def test_a_text_file_named_wav(blender, rigged, tmp_path):
    (tmp_path / "text.wav").write_text("la la la\n" * 1000)
    add_strip(rigged, tmp_path / "text.wav")
    for operator in both(blender):
        refused(blender, operator, "cannot read text.wav as sound")


def test_a_sound_that_blender_reads_but_the_server_refuses(
    blender, rigged, clicks, tempose, tmp_path, monkeypatch
):
    path = tmp_path / "changing.wav"
    path.write_bytes(clicks.read_bytes())
    add_strip(rigged, path)
    path.write_text("changed behind Blender's back\n" * 1000)
    refused(blender, blender.ops.tempose.generate, "audio|sound")


def test_an_extreme_tempo(blender, ready):
    ready.tempose.tempo_factor = 4.0
    section = ready.tempose.sections.add()
    section.start, section.factor = 0.0, 4.0
    ready.tempose.sections[0].factor = 100.0
    assert ready.tempose.sections[0].factor == 4.0  # Blender keeps it within the limits
    before = summary(blender)
    assert blender.ops.tempose.regenerate() == {"FINISHED"}
    blender.ops.tempose.discard_take()
    assert summary(blender)["actions"] == before["actions"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("no json", "not JSON"),
        ('{"people": []}', "shows nobody"),
        ('{"keypoints": [1, 2, 1]}', "not 3 numbers"),
    ],
)
def test_a_file_that_is_not_a_pose_file(blender, scene, tmp_path, text, match):
    path = tmp_path / "pose.json"
    path.write_text(text)
    scene.tempose.reference, scene.tempose.reference_file = "FILE", str(path)
    refused(blender, blender.ops.tempose.new_rig, match)


def test_a_large_pose_file_holds_nothing_up(blender, ready, tempose, tmp_path, monkeypatch):
    """It is left to a thread and a process of its own; *Generate*, which cannot wait for it, says what to do."""
    path, settings = tmp_path / "pose.json", ready.tempose
    points = [v for i in range(18) for v in (100 + 10 * i, 50 + 20 * i, 0.9)]
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": points}]}))
    settings.reference, settings.reference_file = "FILE", str(path)
    reading = tempose("files.pose_file_reader")
    monkeypatch.setattr(reading, "LARGE", 100)
    for place in (reading, tempose("files.pose_files")):
        monkeypatch.setattr(place, "read_reference", lambda path: pytest.fail("it was parsed here"))
    assert blender.ops.tempose.new_rig() == {"FINISHED"}
    assert settings.rig.data.bones
    for ob in list(blender.data.objects):
        if ob.type == "ARMATURE":
            blender.data.objects.remove(ob)
    refused(blender, blender.ops.tempose.generate, "press New Rig")


def test_a_pose_file_that_is_missing(blender, scene, tmp_path):
    scene.tempose.reference, scene.tempose.reference_file = "FILE", str(tmp_path / "gone.json")
    refused(blender, blender.ops.tempose.new_rig, "There is no pose file")


def test_a_style_that_the_server_does_not_know(blender, ready):
    ready.tempose.style = "crocodile"
    refused(blender, blender.ops.tempose.generate, "[Ss]tyle")


def test_a_wrong_token(blender, connected, ready, tempose):
    connection = tempose("server.connection")
    kept = connection.current
    connection.current = elsewhere(kept, token="wrong-token-wrong-token-wrong-token")
    try:
        refused(blender, blender.ops.tempose.generate, "does not know this server's token")
        refused(blender, blender.ops.tempose.find_beats, "does not know this server's token")
    finally:
        connection.current = kept


def test_no_server(blender, connected, ready, tempose):
    connection = tempose("server.connection")
    kept, connection.current = connection.current, None
    try:
        refused(blender, blender.ops.tempose.generate, "Start the server")
    finally:
        connection.current = kept


def test_an_address_where_nobody_listens(blender, connected, ready, tempose):
    connection = tempose("server.connection")
    kept = connection.current
    connection.current = replace(elsewhere(kept, url="http://127.0.0.1:9"), own=False)
    try:
        refused(blender, blender.ops.tempose.generate, "does not answer")
    finally:
        connection.current = kept


def test_another_machine_needs_permission(blender, connected, ready, tempose):
    connection = tempose("server.connection")
    kept = connection.current
    connection.current = elsewhere(kept, url="http://192.0.2.1:80")
    try:
        refused(blender, blender.ops.tempose.generate, "Allow Online Access")
    finally:
        connection.current = kept


def test_a_python_without_the_server(blender, connected, scene, tempose, monkeypatch, tmp_path):
    monkeypatch.setenv("TEMPOSE_PYTHON", str(tmp_path / "no-python"))
    refused(blender, blender.ops.tempose.start_server, "There is no Python at")
    monkeypatch.delenv("TEMPOSE_PYTHON")
    refused(blender, blender.ops.tempose.start_server, "There is no server on this machine")


def test_connecting_where_no_server_runs(blender, scene, tmp_path):
    def connect():
        blender.ops.tempose.connect(runtime_file=str(tmp_path / "server.json"))

    refused(blender, connect, "No running Tempose server")
    (tmp_path / "server.json").write_text("{}")
    (tmp_path / "server.json").chmod(0o644)
    refused(blender, connect, "Others can read or change")
    (tmp_path / "server.json").chmod(0o600)
    refused(blender, connect, "does not say where")


def test_connecting_by_a_runtime_file(blender, connected, scene, tempose):
    connection, process = tempose("server.connection"), tempose("server.server_process").running()
    kept = connection.current
    assert blender.ops.tempose.connect(runtime_file=str(process.runtime_file)) == {"FINISHED"}
    assert connection.current.url == kept.url
    connection.current = kept


def test_every_grey_button_says_why(blender, scene, tempose, read):
    connection = tempose("server.connection")
    kept, connection.current = connection.current, None
    try:
        operators = [
            c
            for c in tempose("operators").CLASSES
            if not getattr(blender.ops.tempose, c.bl_idname[8:]).poll()
        ]
        reasons = {c.bl_idname: c.disabled_reason(read()) for c in operators}
    finally:
        connection.current = kept
    assert {"tempose.generate", "tempose.regenerate", "tempose.find_beats", "tempose.accept_take"} <= set(
        reasons
    )
    assert all(reasons.values())
