"""The server's own environment: really made with venv and pip, from a small package built on the spot."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from addon.model.errors import Canceled, Problem
from addon.model.server import environment, installed_packages, packages, setup_progress
from made_environments import Work, wheel
from packaging.requirements import Requirement
from sealing import seal

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    if hasattr(os, "sync"):
        monkeypatch.setattr(
            os, "sync", lambda: None
        )  # all that this machine has to write would be waited for
    monkeypatch.setattr(environment, "ROOM", 1)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "with space" / "server"


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """An environment with nothing but pip: making one takes seconds."""
    path = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", path], check=True)
    return path


@pytest.fixture
def begun(folder, bare):
    """A folder in which the environment has been begun."""
    shutil.copytree(bare, folder / "env-1", symlinks=True)
    return folder


def test_an_environment_is_made_checked_used_and_removed(folder, tmp_path):
    work = Work()
    assert environment.state(folder, "1") == "missing"
    python = environment.set_up(work, folder, wheel(tmp_path), "1", sys.executable)
    assert environment.state(folder, "1") == "ready"
    assert environment.state(folder, "2") == "old"
    where = subprocess.check_output(
        [python, "-c", "import tempose_server as t; print(t.__file__)"], text=True
    )
    assert str(folder) in where
    assert next(folder.rglob("compiled.py.done")), "what hears music is compiled before the first dance"
    assert [text for text in work.said if text.startswith("Checking")]
    assert "fine" in (folder / environment.LOG).read_text()
    environment.remove(folder)
    assert not folder.exists()


def test_a_failure_is_reported_and_resumed(begun, tmp_path):
    with pytest.raises(Problem, match=r"no-such-thing.*Press the button again"):
        environment.set_up(
            Work(), begun, wheel(tmp_path, needs="Requires-Dist: no-such-thing\n"), "1", sys.executable
        )
    assert environment.state(begun, "1") == "unfinished"
    before = environment.python_of(begun).lstat().st_mtime_ns
    environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable)
    assert environment.python_of(begun).lstat().st_mtime_ns == before  # not begun anew
    assert environment.state(begun, "1") == "ready"


def test_a_server_that_does_not_work_is_not_ready(begun, tmp_path):
    with pytest.raises(Problem, match="no weights here"):
        environment.set_up(
            Work(), begun, wheel(tmp_path, "raise SystemExit('no weights here')"), "1", sys.executable
        )
    assert environment.state(begun, "1") == "unfinished"


def test_an_environment_whose_python_has_gone_is_made_anew(begun, tmp_path):
    (begun / environment.READY).write_text('{"version": "1", "place": "env-1"}')
    assert environment.state(begun, "1") == "ready"
    python = environment.python_of(begun)
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    assert environment.state(begun, "1") == "unfinished"
    environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable)
    assert environment.state(begun, "1") == "ready"


def test_a_new_one_that_does_not_work_leaves_the_old_one_in_use(begun, bare, tmp_path):
    old = environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable)
    shutil.copytree(bare, begun / "env-2", symlinks=True)
    with pytest.raises(Problem, match="no weights here"):
        environment.set_up(
            Work(), begun, wheel(tmp_path, "raise SystemExit('no weights here')"), "2", sys.executable
        )
    assert environment.state(begun, "2") == "old"
    assert environment.python_of(begun) == old and old.exists()
    assert environment.verify(Work(), begun) == "PyTorch 2.0 for processors only: no graphics card is used"
    new = environment.set_up(Work(), begun, wheel(tmp_path), "2", sys.executable)
    assert environment.state(begun, "2") == "ready"
    assert environment.python_of(begun) == new != old
    assert not old.exists()


@pytest.mark.parametrize(
    ("card", "name", "words"),
    [(None, "", "processors only"), ("13.0", "", "none is found"), ("13.0", "Big Card", "(Big Card)")],
)
def test_which_build_it_has_is_known(begun, tmp_path, card, name, words):
    environment.set_up(Work(), begun, wheel(tmp_path, card=card, name=name), "1", sys.executable)
    assert words in environment.about(begun)["build"]


def test_what_has_gone_or_broken_is_found(begun, tmp_path):
    python = environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable)
    next(python.parents[1].rglob("tempose_server/__main__.py")).unlink()
    with pytest.raises(Problem, match=r"__main__\.py for one"):
        environment.verify(Work(), begun)


def test_only_locked_packages_with_the_right_hashes_are_installed(begun, tmp_path, monkeypatch):
    (shelf := tmp_path / "shelf").mkdir()
    part = shelf / "a_part-1.0-py3-none-any.whl"
    with zipfile.ZipFile(part, "w") as file:
        file.writestr("a_part.py", "")
        file.writestr("a_part-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: a-part\nVersion: 1.0\n")
        file.writestr(
            "a_part-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        seal(file, "a_part-1.0.dist-info")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    lock, server = tmp_path / "lock.txt", wheel(tmp_path, needs="Requires-Dist: a-part\n")
    lock.write_text(f"a-part==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(Problem, match="not the file it should be"):
        environment.set_up(Work(), begun, server, "1", sys.executable, lock)
    assert environment.state(begun, "1") == "unfinished"
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    lock.write_text(f"a-part==1.0 --hash=sha256:{digest}\n")
    python = environment.set_up(Work(), begun, server, "1", sys.executable, lock)
    subprocess.check_call([python, "-c", "import a_part"])


def test_another_index_brings_pytorch_and_nothing_else():
    lock = environment.LOCK.read_text("utf-8")
    rest, version = packages.without_torch(lock)
    names = {line.split("==")[0] for line in lock.splitlines() if line[:1].isalnum()}
    kept = {line.split("==")[0] for line in rest.splitlines() if line[:1].isalnum()}
    assert {"numpy", "librosa", "fastapi", "diffusers"} < kept < names
    assert "torch" in names - kept
    assert all(name.startswith(("torch", "nvidia", "cuda", "triton")) for name in names - kept)
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert next(r for r in map(Requirement, asked) if r.name == "torch").specifier.contains(version)
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z0-9])", rest.strip()))


def test_the_lock_holds_all_that_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    locked = {line.split("==")[0] for line in environment.LOCK.read_text("utf-8").splitlines()}
    missing = [
        one for one in asked if re.split(r"[^A-Za-z0-9._-]", one)[0].lower().replace("_", "-") not in locked
    ]
    assert not missing, "run scripts/lock_server.py"


def test_cancel_ends_the_work_at_once(begun, tmp_path):
    work = Work()
    slow = wheel(tmp_path, "import time; print('waiting', flush=True); time.sleep(3600)")
    threading.Thread(target=_cancel_when_waiting, args=(work, begun / environment.LOG), daemon=True).start()
    with pytest.raises(Canceled):
        environment.set_up(work, begun, slow, "1", sys.executable)  # which would last for an hour
    assert environment.state(begun, "1") == "unfinished"


def _cancel_when_waiting(work, log):
    while not (log.is_file() and "waiting" in log.read_text()):
        time.sleep(0.05)
    work.stop.set()


def test_nothing_else_is_ever_deleted(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(Problem, match="Nothing was deleted"):
        environment.remove(tmp_path)
    assert (tmp_path / "holiday.jpg").exists()


def test_lack_of_space_is_reported_before_anything_is_made(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOM", 2**60)
    with pytest.raises(Problem, match="room on the disk"):
        environment.set_up(Work(), folder, wheel(tmp_path), "1", sys.executable)
    assert not environment.python_of(folder).exists()


def test_a_python_is_found():
    said = subprocess.check_output([environment.base_python(), "-c", environment._ASK], text=True)
    assert tuple(map(int, said.split())) >= environment.NEEDED


def test_pips_output_in_words():
    work = Work()
    hear = setup_progress.Pip(setup_progress.Total(work))
    for line in ("Collecting torch==2.13.0\n", "  Downloading torch-2.13.0-cp311-none-any.whl (180 MB)\n",
                 "Progress 90000000 of 180000000\n", "Installing collected packages: torch\n"):  # fmt: skip
        hear(line)
    assert work.said == ["Downloading torch", "Downloading torch (90 of 180 MB)", "Installing"]


# --- trusted only as far as the lock goes -----------------------------------------------------------------


def shelf_of(tmp_path, monkeypatch, **wheels):
    """A shelf that pip takes wheels from: name → (version, METADATA's further lines); the lock's lines for them."""
    (shelf := tmp_path / "shelf").mkdir(exist_ok=True)
    lines = {}
    for name, (version, needs) in wheels.items():
        path = shelf / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(path, "w") as file:
            code = f"version = {version!r}\n"
            file.writestr(f"{name}_part.py", code)
            public = name.replace("_", "-")
            file.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {public}\nVersion: {version}\n{needs}"
            )
            file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            seal(file, info)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines[name] = f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{digest}\n"
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return lines


def test_pytorch_from_another_index_brings_nothing_of_its_own_choice(begun, tmp_path, monkeypatch):
    """What it depends on comes from the lock, with hashes; its card's libraries in the versions that it names."""
    needs = (
        "helper",
        "nvidia-thing==7.0",
        "cuda-kit[part]==5",
        "nvidia-loose>=1",
        "nvidia-no==1; sys_platform=='x'",
    )
    kit = "Provides-Extra: part\nRequires-Dist: nvidia-part==4.0; extra == 'part'\n"
    lines = shelf_of(
        tmp_path, monkeypatch, helper=("1.0", ""), nvidia_thing=("7.0", ""), nvidia_loose=("3.0", ""),
        nvidia_part=("4.0", ""), cuda_kit=("5", kit),
        torch=("2.0", "".join(f"Requires-Dist: {need}\n" for need in needs)),
    )  # fmt: skip
    lock = tmp_path / "lock.txt"
    lock.write_text("".join(lines[name] for name in ("helper", "torch", "nvidia_loose", "nvidia_part")))
    shelf_of(tmp_path, monkeypatch, helper=("2.0", ""), nvidia_thing=("8.0", ""), nvidia_loose=("9.0", ""))
    python = environment.set_up(
        Work(), begun, wheel(tmp_path), "1", sys.executable, lock, "http://127.0.0.1:9/simple"
    )
    names = ("helper", "nvidia_thing", "nvidia_loose", "nvidia_part", "cuda_kit")
    said = [
        subprocess.check_output([python, "-c", f"import {name}_part as n; print(n.version)"], text=True)
        for name in names
    ]
    assert "".join(said).split() == ["1.0", "7.0", "3.0", "4.0", "5"]
    log = (begun / environment.LOG).read_text()
    asked = [line.split() for line in log.splitlines() if line.startswith("$") and "--index-url" in line]
    assert [words[words.index("--index-url") + 2 :] for words in asked] == [
        ["torch==2.0"],
        ["nvidia-thing==7.0", "cuda-kit==5"],
    ]
    assert all("--no-deps" in words for words in asked)


def test_what_another_lock_left_behind_does_not_count_as_installed(begun, tmp_path, monkeypatch):
    lines = shelf_of(tmp_path, monkeypatch, helper=("1.0", ""))
    lock = tmp_path / "lock.txt"
    lock.write_text(lines["helper"])
    place = next((begun / "env-1").rglob("site-packages"))
    (place / "helper-1.0.dist-info").mkdir()  # as if it were there: pip would be content
    (place / "helper-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: helper\nVersion: 1.0\n"
    )
    (place / "helper_part.py").write_text("raise SystemExit('not of the lock')\n")
    python = environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable, lock)
    subprocess.check_call([python, "-c", "import helper_part"])


def test_an_interrupted_package_is_found_and_installed_again(begun, tmp_path, monkeypatch):
    lock = tmp_path / "lock.txt"
    lock.write_text(shelf_of(tmp_path, monkeypatch, helper=("1.0", ""))["helper"])
    mark = hashlib.sha256(lock.read_bytes()).hexdigest()
    environment.whole_files.write_json(begun / "env-1" / environment.BEGUN, mark)
    info = next((begun / "env-1").rglob("site-packages")) / "helper-1.0.dist-info"
    info.mkdir()  # pip is content with that
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: helper\nVersion: 1.0\n")
    with pytest.raises(Problem, match=r"belongs to helper.*anew"):
        environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable, lock)
    python = environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable, lock)
    subprocess.check_call([python, "-c", "import helper_part"])


@pytest.mark.parametrize(
    "record", ["", "helper_part.py,,\n", "helper_part.py\n", "helper_part.py,nonsense=x,1\n"]
)
def test_an_empty_list_of_files_proves_nothing(tmp_path, record):
    (tmp_path / "helper_part.py").write_text("evil = 1\n")
    (info := tmp_path / "helper-1.0.dist-info").mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: helper\nVersion: 1.0\n")
    (info / "RECORD").write_text(record)
    assert installed_packages.changed_files(metadata.Distribution.at(info))


def test_a_file_that_was_changed_or_a_package_that_came_by_itself_is_found(begun, tmp_path, monkeypatch):
    lines = shelf_of(tmp_path, monkeypatch, helper=("1.0", ""))
    lock = tmp_path / "lock.txt"
    lock.write_text(lines["helper"])
    python = environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable, lock)
    environment.verify(Work(), begun)
    place = next(python.parents[1].rglob("site-packages"))
    whole = (place / "helper_part.py").read_text()
    (place / "helper_part.py").write_text(whole + "evil = 1\n")
    with pytest.raises(Problem, match=r"helper_part.*install it anew"):
        environment.verify(Work(), begun)
    (place / "helper_part.py").write_text(whole)
    said = b"Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n"
    (info := place / "stranger-1.0.dist-info").mkdir()
    (info / "METADATA").write_bytes(said)
    digest = base64.urlsafe_b64encode(hashlib.sha256(said).digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"{info.name}/METADATA,sha256={digest},\n")
    with pytest.raises(Problem, match=r"stranger 1\.0 is installed"):
        environment.verify(Work(), begun)


def test_pip_itself_comes_from_the_lock_and_before_all_else(tmp_path):
    lock = environment.LOCK.read_text("utf-8")
    for index in ("", "http://127.0.0.1:9/simple"):
        first, *rest = packages.steps(environment.LOCK, index, tmp_path)
        assert first[:3] == packages.HASHED
        assert (tmp_path / "pip.txt").read_text().startswith("pip==")
        assert "--hash=sha256:" in (tmp_path / "pip.txt").read_text()
        assert all(step[:3] == packages.HASHED or "--no-deps" in step for step in rest)
    assert set(packages.blocks(lock)) > {"pip", "torch", "numpy"}


def test_libraries_for_a_card_are_only_taken_in_a_version_that_is_named(tmp_path):
    found = {"card": [{"name": "nvidia-thing", "locked": None, "exact": None}]}
    with pytest.raises(Problem, match="exactly which"):
        packages.for_the_card(found, environment.LOCK, "index", tmp_path)


def test_the_locked_versions_are_the_tested_ones():
    """Each package of this environment is in the version that *Set Up Server* installs; see `make install`."""
    other = {}
    for name, block in packages.blocks(environment.LOCK.read_text("utf-8")).items():
        for line in re.findall(r"^[A-Za-z0-9._-]+==[^\\\n]+", block, re.M):
            asked = Requirement(line.strip())
            if asked.marker is not None and not asked.marker.evaluate():
                continue
            try:
                found = metadata.version(name).partition("+")[0]
            except metadata.PackageNotFoundError:
                continue  # libraries for graphics cards, where PyTorch is a build without
            if name != "pip" and not asked.specifier.contains(found, prereleases=True):
                other[name] = f"{found} here, {asked.specifier} in the lock"
    assert not other, "make install, or scripts/lock_server.py"
