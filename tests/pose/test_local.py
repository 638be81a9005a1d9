"""What both sides do on their machine: folders of one's own, runtime files, processes, proofs."""

import json
import os
import subprocess
import sys

import pytest

from tempose_pose.errors import TemposeError
from tempose_pose.local import permissions, programs, proof, runtime_file, whole_files

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX")
KNOWN = ("lock", "jobs*", "audio")
STRANGER = 65_534


def give_away(path):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.lchown(path, STRANGER, STRANGER)


@posix
def test_a_folder_that_others_can_read_is_tightened(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    (folder / "jobs.sqlite").touch()
    folder.chmod(0o755)
    permissions.claim_folder(folder, KNOWN, "code")
    assert folder.stat().st_mode & 0o777 == 0o700
    permissions.claim_folder(tmp_path / "new" / "one", KNOWN, "code")
    assert (tmp_path / "new" / "one").stat().st_mode & 0o777 == 0o700


FOLDERS = {
    "another user's": give_away,
    "group-writable": lambda folder: ((folder / "lock").touch(), folder.chmod(0o770)),
    "world-writable": lambda folder: ((folder / "audio").mkdir(), folder.chmod(0o777)),
    "shared": lambda folder: ((folder / "x").touch(), folder.chmod(0o1777)),
    "with other things": lambda folder: ((folder / "holiday.jpg").touch(), folder.chmod(0o755)),
    "a link to lock": lambda folder: (folder / "lock").symlink_to(folder / "elsewhere"),
    "a link to songs": lambda folder: (folder / "audio").symlink_to(folder.parent),
    "a lock of another user": lambda folder: ((folder / "lock").touch(), give_away(folder / "lock")),
    "a file": lambda folder: (folder.rmdir(), folder.touch()),
}


@posix
@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_is_not_ours_alone_is_refused(tmp_path, kind):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    FOLDERS[kind](folder)
    before = folder.stat().st_mode
    with pytest.raises(TemposeError, match=str(folder)):
        permissions.claim_folder(folder, KNOWN, "code")
    assert folder.stat().st_mode == before


def running(path, **changed):
    """A runtime file of this very process, with changes."""
    runtime_file.write(path, "http://127.0.0.1:9", "t" * 43)
    said = {**json.loads(path.read_text()), **changed}
    path.write_text(json.dumps({key: value for key, value in said.items() if value is not None}))
    return path


def test_a_runtime_file_of_a_live_server_is_read(tmp_path):
    found = runtime_file.read(running(tmp_path / "server.json"))
    assert (found.url, found.port, found.pid, found.is_gone) == ("http://127.0.0.1:9", 9, os.getpid(), False)
    assert found.started


@pytest.mark.parametrize(
    "changed",
    [
        {"pid": -1}, {"pid": 0}, {"pid": "1"}, {"pid": True}, {"pid": None}, {"pid": 2**70}, {"token": None},
        {"token": 5}, {"url": "nowhere"}, {"url": "http://127.0.0.1"}, {"url": None}, {"started": 5},
    ],
    ids=str,
)  # fmt: skip
def test_a_runtime_file_that_says_something_else_is_refused_in_words(tmp_path, changed):
    with pytest.raises(TemposeError) as caught:
        runtime_file.read(running(tmp_path / "server.json", **changed))
    assert caught.value.code in ("runtime_file", "server_not_found")


def test_a_runtime_file_is_stale_once_its_process_is_another_one(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    for changed in ({"pid": ended.pid}, {"started": "an earlier boot 17"}, {"pid": ended.pid, "started": ""}):
        with pytest.raises(TemposeError, match="has ended"):
            runtime_file.read(running(tmp_path / "server.json", **changed))


FILES = {
    "another user's": give_away,
    "readable by others": lambda path: path.chmod(0o644),
    "writable by others": lambda path: path.chmod(0o620),
    "a link": lambda path: (path.rename(path.with_name("real")), path.symlink_to(path.with_name("real"))),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
    "in a folder open to all": lambda path: path.parent.chmod(0o777),
    "in a folder of another user": lambda path: give_away(path.parent),
}


@posix
@pytest.mark.parametrize("kind", FILES)
def test_a_runtime_file_that_another_user_may_have_written_is_not_believed(tmp_path, kind):
    (tmp_path / "run").mkdir(mode=0o700)
    path = running(tmp_path / "run" / "server.json")
    path.chmod(0o600)
    FILES[kind](path)
    with pytest.raises(TemposeError) as caught:
        runtime_file.read(path)
    assert caught.value.code == "runtime_file_foreign"


@posix
def test_a_runtime_file_that_may_not_be_read_is_a_sentence(tmp_path):
    path = running(tmp_path / "server.json")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root reads everything")
    with pytest.raises(TemposeError, match="cannot be read"):
        runtime_file.read(path)


def test_processes_are_told_apart_by_when_they_began():
    program = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert (
            one.stdout is not None and one.stdout.readline()
        )  # before that, its command line may be empty still
        assert programs.started(one.pid) == programs.started(one.pid) != programs.started(os.getpid())
        assert "input()" in programs.command_line(one.pid)
        one.communicate(b"\n")
    assert programs.started(one.pid) is None
    assert [programs.started(pid) for pid in (0, -1)] == [None, None]


def test_programs_are_found_only_in_absolute_folders(tmp_path, monkeypatch):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "python9").touch(0o755)
    monkeypatch.chdir(tmp_path / "here")
    for path in ("", ".", f".{os.pathsep}", "here"):
        monkeypatch.setenv("PATH", path)
        assert programs.find_program("python9") is None
    monkeypatch.setenv("PATH", os.pathsep.join([".", str(tmp_path / "there")]))
    assert programs.find_program("python9") == str(tmp_path / "there" / "python9")


def test_windows_finds_programs_by_suffix_and_not_in_the_current_folder(tmp_path, monkeypatch):
    """Windows' rules, tried on whatever system this is: `shutil.which` would look where one stands first."""
    (tmp_path / "python.EXE").touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(programs, "_is_windows", lambda: True)
    monkeypatch.setenv("PATHEXT", ".COM;.EXE")
    for path in ("", ".", f".{os.pathsep}"):
        monkeypatch.setenv("PATH", path)
        assert programs.find_program("python") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find_program("python") == str(tmp_path / "python.EXE")


def test_only_a_server_with_the_token_answers_a_challenge():
    asked = proof.challenge()
    assert proof.is_challenge(asked)
    said = proof.answer("token", asked, 80, 7)
    assert proof.is_right(said, "token", asked, 80, 7)
    wrong = [("other", asked, 80, 7), ("token", proof.challenge(), 80, 7), ("token", asked, 81, 7),
             ("token", asked, 80, 8), ("token", asked, None, None)]  # fmt: skip
    assert not any(proof.is_right(said, *arguments) for arguments in wrong)
    assert not any(proof.is_right(odd, "token", asked) for odd in (None, 5, "", "²", "\ud800", [said]))
    assert not any(map(proof.is_challenge, ("", asked[1:], asked.upper(), asked + "\n", "token")))


def test_only_the_newest_of_what_was_damaged_stays(tmp_path):
    for i in range(5):
        (tmp_path / "bad").write_text(str(i))
        whole_files.set_aside(tmp_path / "bad", tmp_path / "damaged", keep=3)
    assert [path.read_text() for path in sorted((tmp_path / "damaged").iterdir())] == ["2", "3", "4"]


@pytest.mark.skipif(os.name != "posix", reason="owners are POSIX")
def test_a_secret_that_another_user_wrote_or_can_read_is_refused(tmp_path, monkeypatch):
    path, link = tmp_path / "token", tmp_path / "link"
    path.write_text("secret")
    link.symlink_to(path)  # as containers have theirs
    path.chmod(0o600)
    permissions.check_secret(link, "token_file", "token file")
    path.chmod(0o640)
    with pytest.raises(TemposeError, match="chmod 600"):
        permissions.check_secret(link, "token_file", "token file")
    path.chmod(0o600)
    if path.stat().st_uid:
        monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    else:
        os.chown(path, 1, 1)
    with pytest.raises(TemposeError, match="another user"):
        permissions.check_secret(link, "token_file", "token file")
