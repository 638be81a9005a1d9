"""Music encoders: the door, Basic Pitch beside the original, what is kept, and what a model is fed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tempose.datasets import bank
from tempose.dit import DanceDiT
from tempose.feature_spec import FeatureSpec
from tempose.music import encoders
from tempose.music.audio import Song
from tempose.music.encoders import (
    encoder_config,
    encoder_names,
    encoder_of,
    load_encoder,
    pretrained,
    register,
)
from tempose.music.encoders.basic_pitch_net import WINDOW, load
from tempose.music.spectra import FPS, SAMPLE_RATE
from tempose.pipeline import DancePipeline
from tempose.solver import FlowSolver
from tempose.vae import PoseVAE
from tempose_pose.errors import TemposeError
from tempose_pose.request import DanceRequest
from tempose_pose.standing import standing_pose

ORIGINAL = Path(__file__).parents[3] / "shared" / "models" / "basic-pitch" / "nmp.onnx"


def tone(hertz, seconds=2.0, start=0.0):
    """A plucked string that begins at some second."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE - start
    waves = sum(np.sin(2 * np.pi * n * hertz * time) / n for n in (1, 2, 3, 4))
    return np.where(time < 0, 0, 0.3 * waves * np.exp(-2 * time.clip(0))).astype(np.float32)


class Loudness:
    """The least of encoders: how loud each frame is."""

    name = "loudness"
    spec = FeatureSpec((("level", 1),))

    def __init__(self):
        self.asked = 0

    def features(self, samples, rate):
        self.asked += 1
        frames = 1 + len(samples) * FPS // rate
        return np.asarray(
            [[np.abs(samples[i * rate // FPS :][:735]).sum()] for i in range(frames)], np.float32
        )


@pytest.fixture
def loudness(monkeypatch):
    monkeypatch.setattr(encoders, "_MAKERS", dict(encoders._MAKERS))
    encoder = Loudness()
    register("loudness", lambda: encoder)
    yield encoder
    load_encoder.cache_clear()


def test_basic_pitch_gives_what_the_original_gives():
    onnxruntime = pytest.importorskip("onnxruntime")
    if not ORIGINAL.is_file():
        pytest.skip(f"needs the original network, {ORIGINAL.name}")
    noise = 0.01 * np.random.default_rng(0).normal(size=WINDOW)
    chord = sum(tone(hertz, WINDOW / SAMPLE_RATE, start=0.5)[:WINDOW] for hertz in (110, 277.2, 659.3))
    windows = np.stack([noise, chord + noise]).astype(np.float32)
    session = onnxruntime.InferenceSession(str(ORIGINAL), providers=["CPUExecutionProvider"])
    names = [f"StatefulPartitionedCall:{i}" for i in range(3)]
    original = session.run(names, {session.get_inputs()[0].name: windows[..., None]})
    with torch.inference_mode():
        ours = load()(torch.from_numpy(windows))
    for theirs, mine in zip(original, ours, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


def test_basic_pitch_hears_which_note_begins_and_when():
    encoder = load_encoder("basic_pitch")
    heard = encoder.features(tone(440.0, 4.0, start=1.0), SAMPLE_RATE)
    assert heard.shape == (121, encoder.spec.width)
    assert heard.dtype == np.float32
    classes = heard[:, encoder.spec["note_class"]]
    assert classes[35:60].mean(0).argmax() == 0  # an A
    assert classes[35:60, 0].mean() > 0.5 > classes[:25].max()
    assert abs(int(heard[:, encoder.spec["onset_count"]].argmax()) - 30) <= 1
    silence = encoder.features(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE)
    assert silence.shape == (31, encoder.spec.width)
    assert silence.max() < 0.3
    with pytest.raises(TemposeError, match="22050"):
        encoder.features(tone(440.0), 44_100)


def test_encoders_are_found_by_name_and_others_plug_in(loudness):
    assert {"basic_pitch", "mert", "clap", "loudness"} <= set(encoder_names())
    assert load_encoder("loudness") is loudness
    config = encoder_config(loudness)
    assert config == {"name": "loudness", "version": 1, "columns": [["level", 1]]}
    assert encoder_of(config) is loudness
    with pytest.raises(TemposeError, match="another loudness"):
        encoder_of(config | {"version": 2})
    with pytest.raises(TemposeError, match=r"no music encoder 'ears'.*basic_pitch"):
        load_encoder("ears")


def test_a_song_is_heard_once_and_a_damaged_file_is_made_anew(loudness, tmp_path):
    samples = tone(220.0)
    heard = Song(samples, cache=tmp_path).encoded(loudness)
    song = Song(samples, cache=tmp_path)
    assert np.array_equal(song.encoded(loudness), heard)
    assert np.array_equal(song.encoded(loudness), heard)
    assert loudness.asked == 1
    kept = tmp_path / "loudness-1.npy"
    for damage in (b"", b"\x93NUMPY nonsense", kept.read_bytes()[:-4]):
        kept.write_bytes(damage)
        assert np.array_equal(Song(samples, cache=tmp_path).encoded(loudness), heard)
    np.save(kept, heard[:, [0, 0]])
    assert np.array_equal(Song(samples, cache=tmp_path).encoded(loudness), heard)
    assert loudness.asked == 5
    assert np.array_equal(Song(samples, tmp_path / "gone").encoded(loudness), heard)  # nothing can be kept
    assert [p.name for p in tmp_path.iterdir()] == ["loudness-1.npy"]


def test_a_bank_keeps_what_an_encoder_hears_in_its_songs(loudness, tmp_path, monkeypatch):
    rendered = []

    def renderer(root):
        return lambda rng: (rendered.append(root), (tone(110.0 + rng.integers(9)), np.arange(4.0), "house"))[
            1
        ]

    monkeypatch.setattr(bank, "_renderer", renderer)
    cache, config = tmp_path / "bank.npz", encoder_config(loudness)
    songs = bank.song_bank(tmp_path, cache, 2)
    heard = bank.encoded_songs(songs, config, tmp_path, cache)
    assert [s.encoded.shape for s in heard] == [(61, 1)] * 2
    assert len(rendered) == 4
    again = bank.encoded_songs(bank.song_bank(tmp_path, cache, 2), config, tmp_path, cache)
    assert len(rendered) == 4
    assert np.array_equal(again[1].encoded, heard[1].encoded)
    monkeypatch.setattr(Loudness, "spec", FeatureSpec((("level", 1),), version=2))
    bank.encoded_songs(songs, encoder_config(loudness), tmp_path, cache)
    assert len(rendered) == 6


def test_a_model_is_fed_what_its_encoder_hears_and_only_with_music(loudness, tmp_path):
    torch.manual_seed(0)
    dit = DanceDiT(width=32, depth=1, heads=1, hidden=32, encoder=encoder_config(loudness))
    torch.nn.init.normal_(dit.final.linear.weight)
    pipeline = DancePipeline(PoseVAE().eval(), dit.eval(), FlowSolver())
    song, request = (
        Song(tone(220.0, 3.0)),
        DanceRequest(standing_pose(), 2.0, steps=1, guidance=1.0, listen=0),
    )
    deaf = pipeline(song, request).poses.keypoints
    torch.nn.init.normal_(dit.encoded_in.weight)  # starts at zero
    hearing = pipeline(song, request).poses.keypoints
    assert np.abs(hearing - deaf).max() > 1e-3
    assert loudness.asked == 1
    pipeline.save_pretrained(tmp_path)
    assert DanceDiT.from_pretrained(tmp_path / "dit").config["encoder"]["name"] == "loudness"

    given = {
        "noisy": torch.randn(1, 18, 18, 1, 4), "reference": torch.randn(1, 18, 18, 1, 4),
        "mask": torch.zeros(1, 18, 8, 1, 4), "time": torch.tensor([0.5]), "music": torch.randn(1, 32, 43),
        "style": torch.tensor([0]), "energy": torch.tensor([1.0]),
    }  # fmt: skip
    loud, missing = torch.ones(1, 32, 1), torch.full((1, 32, 1), torch.nan)
    with torch.no_grad():
        for no_music, same in ((False, False), (True, True)):
            a, b = (dit(**given, no_music=torch.tensor([no_music]), encoded=e) for e in (loud, missing))
            assert torch.equal(a, b) == same


@pytest.mark.parametrize("name", ["mert", "clap"])
def test_pretrained_encoders_say_what_they_need(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TEMPOSE_ENCODERS", str(tmp_path))
    load_encoder.cache_clear()
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(TemposeError, match=r"tempose\[encoders\]"):
        load_encoder(name)
    monkeypatch.setattr(pretrained, "_installed", lambda: True)
    with pytest.raises(TemposeError, match=f"no config.json in .*{name}"):
        load_encoder(name)


def tiny_mert(folder):
    from transformers import HubertConfig, HubertModel

    config = HubertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8,) * 7, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    HubertModel(config).save_pretrained(folder)


def tiny_clap(folder):
    from transformers import ClapConfig, ClapModel

    audio = {
        "spec_size": 128, "num_mel_bins": 16, "depths": (1, 1), "num_attention_heads": (2, 2), "window_size": 4,
        "patch_embeds_hidden_size": 8, "hidden_size": 16, "num_hidden_layers": 2,
    }  # fmt: skip
    text = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=12)).save_pretrained(folder)


@pytest.mark.parametrize(("name", "save", "width"), [("mert", tiny_mert, 16), ("clap", tiny_clap, 12)])
@pytest.mark.filterwarnings("ignore")  # of transformers' own
def test_pretrained_encoders_give_features_at_pose_rate(name, save, width, tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="needs transformers: pip install 'tempose[encoders]'")
    torch.manual_seed(0)
    save(tmp_path / name)
    monkeypatch.setenv("TEMPOSE_ENCODERS", str(tmp_path))
    load_encoder.cache_clear()
    encoder = load_encoder(name)
    samples = np.concatenate([np.zeros(SAMPLE_RATE * 6, np.float32), tone(440.0, 6.0)])
    heard = encoder.features(samples, SAMPLE_RATE)
    assert heard.shape == (361, width) == (361, encoder.spec.width)
    assert np.isfinite(heard).all()
    assert np.array_equal(heard, encoder.features(samples, SAMPLE_RATE))
    quiet, loud = heard[60:120].mean(0), heard[240:300].mean(0)
    assert np.abs(quiet - loud).max() > 1e-3
