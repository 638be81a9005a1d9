"""What is seen of a run, the configs that ship, the switches of the ablations, and coming back after a kill."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from made_dancers import made_examples, made_songs, made_source, swinging_clip, tiny_config
from safetensors.torch import load_file

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.draws import Draws
from tempose.augmentation.masks import draw_known
from tempose.dit import SIZES, DanceDiT
from tempose.music.features import BEAT_GRID, LISTENED, MUSIC
from tempose.pose_codecs import RawCoordinates
from tempose.training.config import dit_config, read_config
from tempose.training.live import Live
from tempose.training.loop import train_dit
from tempose.training.page import chart, read_log, write_page
from tempose.training.sample import draw_sheet
from tempose.training.state import latest
from tempose.training.trackers import trimmed
from tempose.vae import PoseVAE
from tempose_pose.curves import CURVES
from tempose_pose.errors import TemposeError
from tempose_pose.skeletons import OPENPOSE_18

CONFIGS = Path(__file__).parents[2] / "configs"
LOG = "step,seconds,loss,held_out_loss\n100,1.0,2.0,2.5\n200,2.0,1.0,1.5\n300,3.0,0.5,1.2\n"


def test_rows_after_the_saved_step_are_taken_off_the_log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    trimmed(path, 200)
    assert [r.split(",")[0] for r in path.read_text().splitlines()] == ["step", "100", "200"]
    trimmed(path, 0)  # a new run: nothing is known to be wrong
    assert len(path.read_text().splitlines()) == 3
    trimmed(tmp_path / "none.csv", 5)
    assert not (tmp_path / "none.csv").exists()


def test_the_page_shows_curves_and_the_last_dance(tmp_path):
    write_page(tmp_path)
    assert "no figures yet" in (tmp_path / "page.html").read_text()
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "sample.png").write_bytes(b"\x89PNG")
    page = write_page(tmp_path).read_text()
    assert "step 300" in page
    assert page.count("<polyline") == 2
    assert "data:image/png;base64," in page
    assert "held out 1.2" in page
    points = re.findall(r'points="([^"]+)"', page)[0].split()
    heights = [float(p.split(",")[1]) for p in points]
    assert heights == sorted(heights)  # a falling loss falls: SVG's y goes down


def test_odd_figures_do_not_break_the_page(tmp_path):
    (tmp_path / "log.csv").write_text("step,loss,held_out_loss\n1,nan,\n2,inf,0\n3,x,-1\n")
    assert "<polyline" not in write_page(tmp_path).read_text()
    assert chart("x", [1, 2], {"a": [float("nan"), 1.0]}).count("<polyline") == 1
    assert read_log(tmp_path / "no.csv") == {}


def test_a_sample_is_drawn_by_the_pipelines_sampler_without_changing_what_comes_after(tmp_path):
    torch.manual_seed(0)
    vae = RawCoordinates()
    dit = DanceDiT(latent_channels=24, width=32, depth=1, heads=1, hidden=32, curves=CURVES)
    with torch.no_grad():
        dit.final.linear.bias.normal_()
    before = torch.random.get_rng_state()
    draw_sheet(dit.eval(), vae, made_examples(1), tmp_path / "sample.png", OPENPOSE_18)
    assert torch.equal(before, torch.random.get_rng_state())
    assert (tmp_path / "sample.png").read_bytes().startswith(b"\x89PNG")


def test_samples_come_when_asked_for_and_change_nothing_of_the_run(tmp_path):
    source = made_source()
    for name, minutes in (("without", 0.0), ("with", 1e-9)):
        config = tiny_config(tmp_path / name, steps=2, sample_every_minutes=minutes)
        train_dit(config, PoseVAE(), source, source)
    assert (tmp_path / "with" / "sample.png").is_file()
    assert not (tmp_path / "without" / "sample.png").exists()
    a, b = (load_file(latest(tmp_path / name) / "model.safetensors") for name in ("with", "without"))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_only_the_main_process_writes_the_page(tmp_path):
    live, other = Live(tmp_path / "main", 10, 0, True), Live(tmp_path / "other", 10, 0, False)
    (tmp_path / "main").mkdir()
    (tmp_path / "other").mkdir()
    live.stop()
    other.stop()
    assert (tmp_path / "main" / "page.html").exists()
    assert not (tmp_path / "other" / "page.html").exists()


# --- configs ---


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("ablations/base", 1.9e6, 2.3e6),
        ("dit-small", 12e6, 13e6),
        ("dit-base", 33e6, 37e6),
        ("dit-large", 250e6, 280e6),
        ("dit-paper", 2.1e9, 2.7e9),
    ],
)
def test_the_sizes_load_and_have_the_parameters_they_say(name, least, most):
    settings = read_config(CONFIGS / f"{name}.yaml")
    config = dit_config({k: v for k, v in settings.items() if k not in ("kind", "vae", "bank")}, name)
    assert config.warmup + config.cooldown * config.steps < config.steps
    with torch.device("meta"):
        dit = DanceDiT(**{**SIZES[config.size], **config.model})
    assert least < sum(p.numel() for p in dit.parameters()) < most


def test_each_ablation_changes_what_it_says_and_nothing_else():
    base = read_config(CONFIGS / "ablations" / "base.yaml")
    changes = {
        "raw-coordinates": {"vae": "raw"},
        "learned-rows": {"vae": "runs/row-vae"},
        "separate-time": {"model": {"shared_time": False}},
        "no-reference": {"model": {"reference": False}},
        "no-beats": {"model": {"beats": False, "beat_path": False}},
        "attended-beats": {"model": {"beat_path": False}},
        "prefix-mask": {"mask": "prefix"},
        "encoder-basic-pitch": {"model": {"encoder": "basic_pitch"}},
        "whole-song": {"model": {"song": True}},
        "memory": {"model": {"memory": 8}},
        "size-small": {"size": "small", "steps": 400},
        "size-base": {"size": "base", "steps": 150},
    }
    files = {p.stem for p in (CONFIGS / "ablations").glob("*.yaml")}
    assert files == {"base", *changes}
    for name, change in changes.items():
        settings = read_config(CONFIGS / "ablations" / f"{name}.yaml")
        assert settings == base | change | {"out": f"runs/ablations/{name}"}
        config = dit_config({k: v for k, v in settings.items() if k not in ("kind", "vae", "bank")}, name)
        tiny = {"width": 32, "depth": 1, "heads": 1, "hidden": 32}
        DanceDiT(**(tiny | config.model | config.context()))


def test_configs_extend_each_other_and_circles_are_told(tmp_path):
    (tmp_path / "a.yaml").write_text("kind: dit\nout: x\nbank: {}\nmodel: {width: 8, depth: 2}\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\nout: y\nmodel: {depth: 3}\n")
    settings = read_config(tmp_path / "b.yaml")
    assert settings["out"] == "y"
    assert settings["model"] == {"width": 8, "depth": 3}
    (tmp_path / "c.yaml").write_text("extends: c.yaml\n")
    with pytest.raises(TemposeError, match="circle"):
        read_config(tmp_path / "c.yaml")


# --- switches ---


def inputs(known):
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(1, 18, 8, 1, 4)
    mask[..., :known] = 1
    return {
        "noisy": torch.randn(1, 18, 18, 1, 4, generator=generator),
        "reference": torch.randn(1, 18, 18, 1, 4, generator=generator),
        "mask": mask, "time": torch.tensor([0.5]), "music": torch.randn(1, 32, MUSIC.width, generator=generator),
        "style": torch.tensor([10]), "energy": torch.tensor([float("nan")]), "no_music": torch.tensor([False]),
    }  # fmt: skip


def shaken(**config):
    torch.manual_seed(0)
    dit = DanceDiT(width=64, depth=1, heads=1, hidden=64, **config).eval()
    with torch.no_grad():
        for p in dit.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return dit


@torch.no_grad()
def test_without_reference_only_known_columns_are_shown():
    dit, given = shaken(reference=False), inputs(known=1)
    before = dit(**given)
    other = given["reference"].clone()
    other[..., 1:] += 1
    assert torch.equal(dit(**(given | {"reference": other})), before)
    other[..., :1] += 1
    assert (dit(**(given | {"reference": other})) - before).abs().max() > 1e-4


@torch.no_grad()
def test_without_beats_the_grid_has_no_effect_and_the_sound_has():
    dit, given = shaken(beats=False), inputs(known=0)
    before = dit(**given)
    music = given["music"].clone()
    music[..., MUSIC.slice_of(BEAT_GRID)] += 1
    assert torch.equal(dit(**(given | {"music": music})), before)
    music[..., MUSIC.slice_of(LISTENED)] += 1
    assert (dit(**(given | {"music": music})) - before).abs().max() > 1e-4


def test_the_prefix_mask_knows_first_frames_alone():
    drawn = draw_known(BodyTables(), Draws((0,), 300, torch.device("cpu")), kinds="prefix")
    for known in drawn:
        n = int(known.any(1).sum())
        assert known[:n].all()
        assert not known[n:].any()
    assert {0, 16} < {int(k.any(1).sum()) for k in drawn}


# --- coming back ---

RUN = """
import sys, time
from test_live import train_six_steps
from tempose.training import loop

real = loop.save_state
def slow(*arguments):  # so that there is a moment to be killed in
    real(*arguments)
    print("saved", arguments[2], flush=True)
    time.sleep(600 if arguments[2] == 3 else 0)
loop.save_state = slow
train_six_steps(sys.argv[1])
"""


def train_six_steps(folder):
    source = made_source([swinging_clip()], made_songs(1))
    config = tiny_config(str(folder), steps=6, validate_every=1, save_every_minutes=1e-9)
    train_dit(config, RawCoordinates(), source, source)


@pytest.fixture
def one_thread():
    """As in the other process: sums of several threads may differ in their last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.timeout(1500)  # a busy machine takes minutes to import torch
def test_a_run_killed_without_warning_ends_where_an_unbroken_one_does(tmp_path, one_thread):
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(RUN))
    root = Path(__file__).parents[2]
    places = [root / "core", root / "pose", root / "server", Path(__file__).parent]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, places))}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    process = subprocess.Popen(
        [sys.executable, script, broken], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    train_six_steps(whole)
    for line in process.stdout:
        if line.startswith("saved 3"):
            break
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    process.stdout.close()
    assert process.returncode != 0
    train_six_steps(broken)
    a, b = (load_file(latest(Path(folder)) / "averages.safetensors") for folder in (whole, broken))
    assert all(torch.equal(a[name], b[name]) for name in a)
    logs = [read_log(Path(folder) / "log.csv") for folder in (whole, broken)]
    assert logs[0]["step"] == logs[1]["step"] == [1, 2, 3, 4, 5, 6]
    assert logs[0]["held_out_loss"] == logs[1]["held_out_loss"]
