"""Weights that are not what they should be are refused before anything parses them."""

import json
import pickle
import runpy
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save

from tempose import pipeline
from tempose.dit import DanceDiT
from tempose.generator import WEIGHTS, load_generator
from tempose.music import beat_crnn, beat_net
from tempose.pipeline import DancePipeline
from tempose.solver import FlowSolver
from tempose.vae import PoseVAE
from tempose.weights_check import MANIFEST, WEIGHT_FILE, check_header, check_weights, write_manifest
from tempose_pose.errors import TemposeError

SCRIPT = Path(__file__).parents[2] / "scripts" / "ship_weights.py"
SOUND = save({"a": torch.zeros(3, 4), "b": torch.zeros(2, dtype=torch.bfloat16)})


def small():
    return (
        PoseVAE(width=16, frame_width=8),
        DanceDiT(width=48, depth=1, heads=2, hidden=32),
        FlowSolver(),
    )


@pytest.fixture
def folder(tmp_path):
    """A small model of one's own, as a training saves it: no manifest."""
    torch.manual_seed(0)
    DancePipeline(*small()).save_pretrained(tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def parsed(monkeypatch):
    """Which of the model's parts were handed to the library that parses weights."""
    seen = []
    for cls in (pipeline.PoseVAE, pipeline.DanceDiT):
        real = cls.from_pretrained

        def spy(path, *arguments, _real=real, **options):
            seen.append(Path(path).name)
            return _real(path, *arguments, **options)

        monkeypatch.setattr(cls, "from_pretrained", spy)
    return seen


def refused(folder):
    with pytest.raises(TemposeError) as caught:
        load_generator(folder, "cpu")
    return caught.value


def header(value, data=b""):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return len(text).to_bytes(8, "little") + text + data


class Trap:
    """Opened as a pickle, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_folder_without_a_manifest_loads(folder):
    assert str(load_generator(folder, "cpu").device) == "cpu"


def test_a_folder_that_matches_its_manifest_loads(folder):
    lines = write_manifest(folder).read_text().splitlines()
    assert f"dit/{WEIGHT_FILE}" in [line.split("  ")[1] for line in lines]
    load_generator(folder, "cpu")


@pytest.mark.parametrize(
    "name", [f"dit/{WEIGHT_FILE}", f"vae/{WEIGHT_FILE}", "vae/config.json", "model_index.json"]
)
def test_one_changed_byte_is_refused_before_parsing(folder, parsed, name):
    write_manifest(folder)
    data = bytearray((folder / name).read_bytes())
    data[-2] ^= 1
    (folder / name).write_bytes(data)
    error = refused(folder)
    assert error.code == "weights_changed"
    assert name in error.message
    assert parsed == []


def test_files_too_few_or_too_many_for_the_manifest_are_refused(folder, parsed):
    write_manifest(folder)
    (folder / "dit" / "extra.safetensors").write_bytes(SOUND)
    assert refused(folder).code == "weights_changed"
    (folder / "dit" / "extra.safetensors").unlink()
    (folder / "scheduler" / "scheduler_config.json").unlink()
    assert refused(folder).code == "weights_changed"
    (folder / "vae" / WEIGHT_FILE).unlink()
    assert refused(folder).code == "weights_missing"
    assert parsed == []


@pytest.mark.parametrize("form", ["bare", "torch"])
def test_a_renamed_pickle_is_refused_and_not_opened(folder, parsed, tmp_path, form):
    path, sprung = folder / "dit" / WEIGHT_FILE, tmp_path / "sprung"
    if form == "bare":
        path.write_bytes(pickle.dumps(Trap(sprung)))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(Trap(sprung)))
    error = refused(folder)
    assert error.code == "weights_damaged"
    assert "pickle" in error.message
    assert parsed == []
    assert not sprung.exists()


DAMAGE = {
    "empty": b"",
    "short": SOUND[:6],
    "oversized header": (1 << 62).to_bytes(8, "little") + SOUND[8:],
    "a header of 100 MB that is there": header(b"{" + b" " * 1_000_001 + b"}"),
    "not JSON": header(b"{broken"),
    "deep": header(b"[" * 100_000),
    "a list": header([]),
    "no tensor": header({"a": 1}),
    "unknown type": header({"a": {"dtype": "OBJ", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "negative": header({"a": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}}, bytes(4)),
    "overflowing": header({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}, bytes(4)),
    "beyond the end": header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes(4)),
    "overlapping": header(
        {n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}, bytes(4)
    ),
    "a gap": header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
    "truncated": SOUND[:-1],
    "a tail": SOUND + b"x",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_header_is_refused_before_parsing(folder, parsed, damage):
    (folder / "vae" / WEIGHT_FILE).write_bytes(DAMAGE[damage])
    error = refused(folder)
    assert error.code == "weights_damaged"
    assert WEIGHT_FILE in error.message
    assert parsed == []


@pytest.mark.parametrize(("name", "content"), [
    ("dit/config.json", "[]"),
    ("dit/config.json", "{" + " " * 1_000_001 + "}"),
    (f"dit/{WEIGHT_FILE}.index.json", '{"weight_map": {"a": "../../../elsewhere.safetensors"}}'),
])  # fmt: skip
def test_odd_configurations_are_refused(folder, parsed, name, content):
    (folder / name).write_text(content)
    assert refused(folder).code == "weights_damaged"
    assert parsed == []


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_what_the_check_lets_pass_the_library_can_parse(changes):
    import tempfile

    data = bytearray(SOUND)
    for place, value in changes:
        data[place] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        path.write_bytes(data)
        try:
            check_header(path)
        except TemposeError as error:
            assert error.code == "weights_damaged"
            return
        with safe_open(path, "pt") as opened:
            assert len(opened.keys()) == 2


def test_the_shipping_script_makes_a_folder_that_loads_in_half_precision(
    folder, tmp_path, capsys, monkeypatch
):
    target = tmp_path / "shipped"
    target.mkdir()
    (target / "NOTICE.md").write_text("credits")
    arguments = [str(SCRIPT), str(folder / "vae"), str(folder / "dit"), "--to", str(target)]
    for _ in range(2):  # again over what is there
        monkeypatch.setattr("sys.argv", arguments)
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "revision" in capsys.readouterr().out
    check_weights(target)
    assert (target / MANIFEST).is_file()
    assert (target / "NOTICE.md").read_text() == "credits"
    for component, dtype in (("vae", "F16"), ("dit", "BF16")):
        with safe_open(target / component / WEIGHT_FILE, "pt") as opened:
            assert {opened.get_slice(key).get_dtype() for key in opened.keys()} == {dtype}  # noqa: SIM118
        assert str(tmp_path) not in (target / component / "config.json").read_text()
        assert (target / component / WEIGHT_FILE).stat().st_mode & 0o777 == 0o644
    load_generator(target, "cpu")


def test_the_shipped_weights_pass():
    if not (WEIGHTS / "model_index.json").is_file():
        pytest.skip("no weights are shipped here")
    check_weights(WEIGHTS)


# --- the networks that hear beats -------------------------------------------------------------------------


@pytest.fixture(params=[beat_net, beat_crnn], ids=["own", "BeatNet"])
def network(request):
    return request.param


@pytest.fixture
def heard(network, tmp_path, monkeypatch):
    """A copy of a network's weights and their manifest, from which it would be loaded."""
    for name in (network.WEIGHTS.name, MANIFEST):
        (tmp_path / name).write_bytes((network.WEIGHTS.parent / name).read_bytes())
    monkeypatch.setattr(network, "WEIGHTS", tmp_path / network.WEIGHTS.name)
    return tmp_path / network.WEIGHTS.name


def test_the_weights_that_hear_beats_are_the_ones_in_their_manifest(network, heard):
    assert network.load.__wrapped__()


@pytest.mark.parametrize("harm", ["changed", "pickle", "unlisted", "no manifest", "gone"])
def test_other_weights_for_hearing_beats_are_refused_before_they_are_parsed(
    network, heard, harm, monkeypatch
):
    monkeypatch.setattr("safetensors.torch.load_file", lambda *_: pytest.fail("parsed"))
    data = heard.read_bytes()
    match harm:
        case "changed":
            heard.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "pickle":  # even where the manifest agrees
            heard.write_bytes(pickle.dumps(print))
            write_manifest(heard.parent)
        case "unlisted":
            (heard.parent / MANIFEST).write_text("")
        case "no manifest":
            (heard.parent / MANIFEST).unlink()
        case "gone":
            heard.unlink()
    with pytest.raises(TemposeError) as caught:
        network.load.__wrapped__()
    wanted = {"pickle": "weights_damaged", "no manifest": "weights_missing", "gone": "weights_missing"}
    assert caught.value.code == wanted.get(harm, "weights_changed")
