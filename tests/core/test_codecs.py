"""Other ways to latents through the VAE's door: image autoencoders of diffusers, and raw coordinates."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_dancers import made_examples, made_source, tiny_config

from tempose.augmentation.draws import Draws
from tempose.datasets.extremities import SKELETONS, on_skeleton
from tempose.diffusers_parts import AutoencoderKL, AutoencoderTiny
from tempose.dit import DanceDiT
from tempose.mixtures import decode_mixtures
from tempose.music.audio import Song
from tempose.pipeline import DancePipeline
from tempose.pose_codecs import ImageVAE, RawCoordinates, as_mixtures, latent_shape, load_vae
from tempose.representation import BINS, certainty, joint_images, one_hot_rows
from tempose.row_vae import RowVAE, row_loss
from tempose.solver import FlowSolver
from tempose.training.config import DiTConfig
from tempose.training.image_vae import SHARPNESS, image_loss, images_of, train_image_vae
from tempose.training.loop import train_dit
from tempose.training.losses import flow_loss
from tempose.training.run import fit
from tempose.vae import PoseVAE
from tempose_pose.errors import TemposeError
from tempose_pose.request import DanceRequest
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose

KL = {
    "block_out_channels": (4, 4, 4, 4), "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4, "norm_num_groups": 2, "latent_channels": 2,
    "layers_per_block": 1, "mid_block_add_attention": False,
}  # fmt: skip


def kl(channels=3, **changes):
    torch.manual_seed(0)
    return AutoencoderKL(in_channels=channels, out_channels=channels, **(KL | changes))


def tiny():
    torch.manual_seed(0)
    return AutoencoderTiny(
        encoder_block_out_channels=(4, 4, 4, 4), decoder_block_out_channels=(4, 4, 4, 4),
        num_encoder_blocks=(1, 1, 1, 1), num_decoder_blocks=(1, 1, 1, 1), latent_channels=2,
    )  # fmt: skip


def tracks(joints=3, frames=16):
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(joints, frames, 2, generator=generator) * 0.8 + 0.1
    scores = torch.ones(joints, frames)
    scores[0, :8] = 0
    return points, scores


@pytest.mark.parametrize("make", [kl, tiny])
@torch.no_grad()
def test_a_saved_image_autoencoder_is_loaded_and_gives_what_it_gave(tmp_path, make):
    given = make().eval()
    given.save_pretrained(tmp_path / "vae")
    vae = load_vae(tmp_path / "vae")
    assert isinstance(vae, ImageVAE)
    assert latent_shape(vae) == {"latent_channels": 2, "rows": 64}
    points, scores = tracks()
    latent = vae.encode_mean(points, scores)
    assert latent.shape == (3, 2, 64, 2)
    out = given.encode(2 * joint_images(points, scores) - 1)
    expected = out.latents if hasattr(out, "latents") else out.latent_dist.mode()
    assert torch.allclose(latent, expected, atol=1e-5)
    mixtures, confidence = vae.decode(latent)
    assert mixtures.shape == (3, 2, 3, 1, 16)
    assert confidence.shape == (3, 16)
    assert torch.allclose(vae.denormalised(vae.normalised(latent)), latent, atol=1e-5)
    vae.save_pretrained(tmp_path / "ours")  # and again by our own door
    again = load_vae(tmp_path / "ours")
    assert torch.equal(again.encode_mean(points, scores), latent)


@torch.no_grad()
def test_a_picture_that_is_right_is_read_below_the_bin(monkeypatch):
    vae = ImageVAE("AutoencoderKL", KL | {"in_channels": 3, "out_channels": 3}, sharpness=12.0)
    points, scores = tracks()
    monkeypatch.setattr(vae, "decode_images", lambda latent: joint_images(points, scores))
    mixtures, confidence = vae.decode(torch.zeros(3, 2, 64, 2))
    error = (decode_mixtures(mixtures).transpose(-1, -2) - points).abs()[scores > 0] * (BINS - 1)
    assert error.max() < 0.5
    assert torch.equal(torch.sigmoid(confidence) < 0.15, scores == 0)


def test_a_mismatch_is_reported(tmp_path):
    kl(channels=4).save_pretrained(tmp_path / "four")
    with pytest.raises(TemposeError, match="3 channels"):
        load_vae(tmp_path / "four")
    kl(
        block_out_channels=(4, 4), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    ).save_pretrained(tmp_path / "two")  # fmt: skip
    with pytest.raises(TemposeError, match="shrink by 8"):
        load_vae(tmp_path / "two")
    with pytest.raises(TemposeError, match="There is no VAE"):
        load_vae(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "UNet"}))
    with pytest.raises(TemposeError, match="UNet"):
        load_vae(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(TemposeError, match="names no model"):
        load_vae(tmp_path)


@torch.no_grad()
def test_raw_coordinates_come_back_exactly():
    vae, (points, scores) = RawCoordinates(), tracks()
    latent = vae.encode_mean(points, scores)
    assert latent.shape == (3, 24, 1, 2)
    back = vae.denormalised(vae.normalised(latent))
    mixtures, confidence = vae.decode(back)
    seen = scores > 0
    assert torch.allclose(decode_mixtures(mixtures).transpose(-1, -2)[seen], points[seen], atol=1e-5)
    assert torch.equal(torch.sigmoid(confidence) < 0.3, ~seen)
    assert torch.allclose(vae.linear_positions(back)[seen], points[seen], atol=1e-5)
    change = torch.randn(3, 16, 2, generator=torch.Generator().manual_seed(0)) * 0.01
    moved = vae.linear_positions(latent + vae.linear_change(change))
    assert torch.allclose(moved - vae.linear_positions(latent), change, atol=1e-5)
    whole = vae.corrected(vae.normalised(latent), change)
    assert torch.allclose(vae.denormalised(whole), latent + vae.linear_change(change), atol=1e-5)


def test_positions_as_mixtures_are_read_as_they_were():
    points = tracks()[0]
    assert torch.allclose(decode_mixtures(as_mixtures(points)).transpose(-1, -2), points, atol=1e-6)


@pytest.mark.parametrize("kind", ["image", "raw"])
def test_the_pipeline_dances_through_either_door_and_saves_itself(kind, tmp_path):
    torch.manual_seed(0)
    vae = (
        ImageVAE("AutoencoderKL", KL | {"in_channels": 3, "out_channels": 3})
        if kind == "image"
        else RawCoordinates()
    )
    shape = latent_shape(vae)
    patch = 64 if kind == "image" else 1
    dit = DanceDiT(**shape, patch_rows=patch, width=32, depth=1, heads=1, hidden=32)
    pipeline = DancePipeline(vae.eval(), dit.eval(), FlowSolver())  # pyright: ignore[reportArgumentType]
    samples = np.random.default_rng(0).normal(size=22_050 * 3).astype(np.float32) * 0.1
    request = DanceRequest(standing_pose(), 2.0, steps=2)
    dance = pipeline(Song(samples), request)
    assert dance.poses.keypoints.shape == (60, 18, 2)
    assert np.isfinite(dance.poses.keypoints).all()
    pipeline.save_pretrained(tmp_path)
    assert type(load_vae(tmp_path / "vae")) is type(vae)


def test_training_goes_through_either_door(tmp_path):
    config = DiTConfig(out=str(tmp_path), model={"width": 32, "depth": 1, "heads": 1, "hidden": 32})
    example = made_examples(1)
    for vae, patch in (
        (ImageVAE("AutoencoderKL", KL | {"in_channels": 3, "out_channels": 3}), 64), (RawCoordinates(), 1),
    ):  # fmt: skip
        dit = DanceDiT(**latent_shape(vae), patch_rows=patch, **config.model)
        losses = flow_loss(dit, vae, example, config, Draws((0,), 1, torch.device("cpu")), OPENPOSE_18)
        losses["loss"].backward()
        assert torch.isfinite(losses["loss"])
        assert ("bone" in losses) == isinstance(vae, RawCoordinates)
        grad = dit.final.linear.weight.grad
        assert grad is not None
        assert grad.abs().sum() > 0
    assert latent_shape(PoseVAE()) == {"latent_channels": 18, "rows": 1}


def test_a_few_steps_teach_a_picture_of_all_rows_something():
    points, scores = tracks(joints=2)
    batch = points[None], scores[None]
    assert images_of(*batch).shape == (1, 6, BINS, 16)
    right = image_loss(images_of(*batch), *batch)
    wrong = image_loss(images_of(1 - points[None], scores[None]), *batch)
    assert right < wrong
    model, losses = kl(channels=6), []
    steps = train_image_vae(
        model, lambda: batch, 10, most_steps=12, on_step=lambda _, loss: losses.append(loss)
    )
    assert steps == 12
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("kind", "small", "latent", "patch"),
    [
        (
            "image_vae",
            {key: KL[key] for key in ("block_out_channels", "norm_num_groups", "latent_channels")},
            (8, 2, 64, 8),
            16,
        ),
        ("row_vae", {"latent_channels": 6, "width": 16, "frame_width": 16}, (8, 6, 1, 8), 1),
    ],
)
def test_the_way_of_the_paper_trains_and_dances(tmp_path, kind, small, latent, patch):
    """From two configurations to a dance: rows, a learned latent, and bins whose spread is the confidence."""
    source, song = made_source(), Song(0.1 * np.random.default_rng(0).normal(size=30_000).astype(np.float32))
    settings = {
        "kind": kind,
        "out": str(tmp_path / "vae"),
        "bank": {},
        "steps": 3,
        "batch": 4,
        "model": small,
    }
    fit(settings, source, source)
    vae = load_vae(tmp_path / "vae")
    drawn = vae.normalised(vae.encode_mean(*tracks(joints=8, frames=64)))
    assert drawn.shape == latent
    assert 0.1 < drawn.std() < 10
    model = {"width": 32, "depth": 1, "heads": 1, "hidden": 32, "patch_rows": patch}
    train_dit(tiny_config(tmp_path / "dit", steps=2, batch=1, checks=1, model=model), vae, source, source)
    dit = DanceDiT.from_pretrained(tmp_path / "dit" / "dit", low_cpu_mem_usage=False)
    assert dit.config["rows"] == latent[2]
    pipeline = DancePipeline(vae, dit.eval(), FlowSolver())  # pyright: ignore[reportArgumentType]
    dance = pipeline(song, DanceRequest(standing_pose(), 1.0, steps=2, guidance=1.0))
    assert np.isfinite(dance.poses.keypoints).all()


@torch.no_grad()
def test_a_learned_latent_is_changed_where_its_positions_are():
    torch.manual_seed(0)
    points, scores = tracks()
    vae = RowVAE(latent_channels=6, width=16, frame_width=16)
    latent = vae.normalised(vae.encode_mean(points, scores))[None]  # (1, 3, 6, 1, 2)
    assert vae.read_positions(latent).shape == (1, *points.shape)
    change = torch.zeros(1, *points.shape)
    assert torch.allclose(vae.corrected(latent, change), latent, atol=1e-6)
    change[0, 1, 8:] = 0.1
    moved = vae.corrected(latent, change) - latent
    assert moved[0, 1, :, :, 1].abs().max() > 1e-3
    moved[0, 1, :, :, 1] = 0
    assert moved.abs().max() < 1e-6  # what did not move, in another joint or column, stays as it is


@torch.no_grad()
def test_a_mixture_is_as_confident_as_it_is_narrow():
    points, _ = tracks()
    mean = (2 * points - 1).transpose(-1, -2)[:, :, None].expand(3, 2, 2, 16)  # (B, 2, M, T)
    share = torch.tensor([0.999, 0.5, 0.001])  # of the narrow component, the rest is all over the canvas
    weight = torch.stack([share, 1 - share], 1).log()[:, None, :, None].expand(3, 2, 2, 16)
    scale = torch.tensor([-2.5, 6.0])[:, None].expand(3, 2, 2, 16)
    mixtures = torch.stack([weight, mean, scale], 2)
    _, logits = RowVAE.decode(SimpleNamespace(mixtures=lambda latent: latent), mixtures)  # pyright: ignore[reportArgumentType]
    assert torch.allclose(logits.sigmoid(), share[:, None].expand(3, 16), atol=0.01)
    right = row_loss(mixtures, points, share[:, None].expand(3, 16))
    moved = mixtures.clone()
    moved[:, :, 1] += 0.05
    assert row_loss(moved, points, share[:, None].expand(3, 16)) > right


def test_the_spread_of_the_bins_is_the_confidence():
    points = tracks()[0]
    scores = torch.linspace(0, 1, 3)[:, None].expand(3, 16)
    rows = one_hot_rows(points.transpose(-1, -2))  # (3, 2, BINS, T)
    wanted = scores[:, None, None] * rows + (1 - scores[:, None, None]) / BINS
    images = torch.cat([wanted.clamp_min(1e-9).log() / SHARPNESS, torch.zeros(3, 1, BINS, 16)], 1)
    sure = certainty(SHARPNESS * images[:, :2]).amin(1)
    assert torch.allclose(sure, scores, atol=0.02)
    best = image_loss(images[None].flatten(1, 2), points[None], scores[None])
    for other in (images * 1.2, images * 0.8, images.roll(1, 2)):
        assert image_loss(other[None].flatten(1, 2), points[None], scores[None]) > best


@pytest.mark.parametrize("joints", SKELETONS)
def test_dancers_are_put_on_larger_skeletons_without_changing_what_was_there(joints):
    pose = standing_pose()
    keypoints = np.repeat(pose.keypoints, 32, 0)
    scores = np.ones((32, 18), np.float32)
    scores[:, 4] = 0  # a wrist
    tracks, seen = on_skeleton(keypoints, scores, joints, np.random.default_rng(0))
    names = SKELETONS[joints].joints
    assert tracks.shape == (32, joints, 2)
    for k, name in enumerate(names):
        if name in pose.skeleton.joints:
            assert np.array_equal(tracks[:, k], keypoints[:, pose.skeleton.index(name)])
    if joints == 60:
        tip, wrist = names.index("left_middle_4"), names.index("left_wrist")
        assert 0.01 < np.linalg.norm(tracks[:, tip] - tracks[:, wrist], axis=-1).mean() < 0.2
        assert (seen[:, names.index("right_index_2")] == 0).all()  # hangs on the hidden wrist
    if joints == 26:
        assert (tracks[:, names.index("left_heel"), 1] >= tracks[:, names.index("left_ankle"), 1]).all()
