"""What all importers share: stopping half-way, the check, the commands, training on it."""

from itertools import pairwise

import numpy as np
import pytest
from importer_files import J, dancer_2d, write_aist, write_bvh, write_coco

from tempose.datasets.check import check_data, write_page
from tempose.datasets.clips import load_clips
from tempose.datasets.importers import ImportOptions, import_data
from tempose.datasets.importers import run as run_module
from tempose_pose.errors import TemposeError


def test_a_stopped_import_leaves_files_that_load_and_goes_on(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    for name in "abc":
        write_coco(tmp_path / "src" / f"{name}.json", dancer_2d(270))
    data, written = tmp_path / "data", []
    real = np.savez_compressed

    def dies(file, **arrays):
        if len(written) == 2:
            file.write(b"half")
            raise KeyboardInterrupt
        written.append(file)
        real(file, **arrays)

    monkeypatch.setattr(np, "savez_compressed", dies)
    with pytest.raises(KeyboardInterrupt):
        import_data(tmp_path / "src", data)
    monkeypatch.undo()
    assert len(load_clips(data)) == 2
    report = import_data(tmp_path / "src", data)
    assert (report.known, report.clips) == (2, ["poses__c.npz"])
    assert len(load_clips(data)) == 3
    assert not list((data / "dance").glob("*.part"))
    assert import_data(tmp_path / "src", data).known == 3
    write_coco(tmp_path / "src" / "b.json", dancer_2d(300))  # changed: read again, in its place
    report = import_data(tmp_path / "src", data)
    assert (report.known, report.clips) == (2, ["poses__b.npz"])
    assert len(load_clips(data)) == 3


def test_what_cannot_be_imported_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TemposeError, match="nothing to import"):
        import_data(tmp_path / "empty", tmp_path / "data")
    with pytest.raises(TemposeError, match="There is no"):
        import_data(tmp_path / "nowhere", tmp_path / "data")
    (tmp_path / "empty" / "x.json").write_text("{]")
    report = import_data(tmp_path / "empty", tmp_path / "data")
    assert "not JSON" in report.failed[0].reason
    (tmp_path / "empty" / "x.bvh").write_text("")
    with pytest.raises(TemposeError, match="Unknown kind"):
        import_data(tmp_path / "empty", tmp_path / "data", kind="fbx")


def test_check_says_what_is_used_and_why_not(tmp_path):
    (tmp_path / "src").mkdir()
    jumpy = dancer_2d(300)
    jumpy[::20, J["left_ankle"], 0] += 200
    jumpy[1::20, J["left_ankle"], 0] += 200
    jumpy[2::20, J["left_ankle"], 0] += 200
    write_coco(tmp_path / "src" / "jumpy.json", jumpy)
    still = dancer_2d(300)
    still[:] = still[:1]
    write_coco(tmp_path / "src" / "still.json", still)
    for name in "abcd":
        write_coco(tmp_path / "src" / f"{name}.json", dancer_2d(300))
    import_data(tmp_path / "src", tmp_path / "data", ImportOptions(bpm=100))
    found = {f.name: f for f in check_data(tmp_path / "data")}
    assert found["jumpy"].verdict == "dropped"
    assert "jumps of over 0.2 body heights" in found["jumpy"].notes[0]
    assert "nearly still" in found["still"].notes
    used = {f.name for f in found.values() if f.verdict in ("train", "held out")}
    assert used == {c.name for c in load_clips(tmp_path / "data")}
    assert {f.name for f in found.values() if f.verdict == "held out"} == {
        c.name for c in load_clips(tmp_path / "data") if c.held_out
    }
    (tmp_path / "data" / "dance" / "poses__a.npz").write_bytes(b"")
    broken = {f.name: f for f in check_data(tmp_path / "data")}["a"]
    assert broken.verdict == "dropped"
    write_page(list(found.values()), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.index("<td>jumpy") < page.index("<td>still")
    assert page.count("<svg") == len(found)


def test_the_commands_import_and_check(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from tempose.cli import app

    (tmp_path / "src").mkdir()
    write_coco(tmp_path / "src" / "a.json", dancer_2d(300))
    run = CliRunner()
    made = run.invoke(
        app, ["data", "import", str(tmp_path / "src"), str(tmp_path / "data"), "--genre", "pop"]
    )
    assert made.exit_code == 0, made.output
    assert "1 new clips" in made.output
    shown = run.invoke(app, ["data", "check", str(tmp_path / "data"), "--all"])
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "data" / "dance" / "check.html").is_file()
    for arguments in (["--canvas", "big"], ["--project", "front"], ["--views", "4d"]):
        bad = run.invoke(app, ["data", "import", str(tmp_path / "src"), str(tmp_path / "data"), *arguments])
        assert isinstance(bad.exception, TemposeError)


def test_kinds_are_tried_from_the_most_telling_to_the_least(tmp_path):
    aist = write_aist(tmp_path / "aist")
    (aist / "notes.json").write_text("{}")
    assert run_module.kind_of(aist) == "aist"
    assert run_module.kind_of(write_bvh(tmp_path / "x.bvh")) == "bvh"
    order = [run_module._MODULES[k] for k in ("aist", "bvh", "poses", "video")]
    assert all(a is not b for a, b in pairwise(order))


def test_what_was_imported_can_be_trained_on(tmp_path):
    from typer.testing import CliRunner

    from tempose.cli import app
    from tempose.datasets.bank import BankSong, save_bank

    (tmp_path / "src").mkdir()
    write_coco(tmp_path / "src" / "a.json", dancer_2d(300))
    features = np.random.default_rng(0).normal(size=(1500, 35)).astype(np.float16)
    save_bank(tmp_path / "bank.npz", [BankSong(features, np.arange(0, 50, 0.6), "house")])
    (tmp_path / "config.yaml").write_text(
        f"kind: dit\nout: {tmp_path / 'run'}\nvae: raw\nbank: {{cache: {tmp_path / 'bank.npz'}, count: 1}}\n"
        "steps: 2\nbatch: 2\nwarmup: 1\ncooldown: 1\nworkers: 0\nvalidate_every: 1\n"
        "model: {width: 32, depth: 1, heads: 1, hidden: 32}\n"
    )
    train = ["train", str(tmp_path / "config.yaml"), "--data", str(tmp_path / "data")]
    import_data(tmp_path / "src", tmp_path / "data", ImportOptions(genre="pop", bpm=100))
    alone = CliRunner().invoke(app, train)
    assert isinstance(alone.exception, TemposeError)
    assert "three choreographies" in str(alone.exception)
    for name in "bc":
        write_coco(tmp_path / "src" / f"{name}.json", dancer_2d(300))
    import_data(tmp_path / "src", tmp_path / "data", ImportOptions(genre="pop", bpm=100))
    done = CliRunner().invoke(app, train)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "dit" / "config.json").is_file()
    assert "step 2" in (tmp_path / "run" / "page.html").read_text()
