"""Copy Diagnostics: complete, and without secrets."""


def test_the_facts_of_a_working_scene(blender, ready, tempose, monkeypatch):
    blender.ops.tempose.generate()
    tempose("notes").say("The file /home/someone/secret/song.wav cannot be read.", error=True)
    facts = tempose("operators.diagnostics").facts(blender.context)
    assert facts["Scene"]["takes"] == 1
    assert facts["Server"]["in use"] == "started here"
    assert facts["Tempose"]["version"]
    assert blender.ops.tempose.copy_diagnostics() == {"FINISHED"}
    connection = tempose("server.connection").current
    clean = tempose("diagnostics").scrub(tempose("diagnostics").report(facts), (connection.token,))
    assert connection.token not in clean
    assert "someone" not in clean
    assert "takes: 1" in clean
    assert blender.app.version_string in clean


def test_they_can_be_had_when_nothing_works(blender, scene, tempose):
    assert blender.ops.tempose.copy_diagnostics() == {"FINISHED"}
