import torch

from tempose.representation import BINS, decode_rows, joint_images, one_hot_rows


def test_a_row_holds_unit_mass_at_its_position():
    rows = one_hot_rows(torch.tensor([[0.0, 0.25, 1.0]]))  # (1, 512, 3)
    assert torch.allclose(rows.sum(-2), torch.ones(1, 3))
    mean = (rows * torch.arange(BINS)[:, None]).sum(-2)
    assert torch.allclose(mean, torch.tensor([[0.0, 0.25 * 511, 511.0]]), atol=1e-3)


def test_hard_rows_reproduce_the_papers_worked_example():
    rows = one_hot_rows(torch.tensor([[0.477, 0.808]]), split=False)
    hot = rows.argmax(-2)[0]
    # The paper writes bins 244 and 414; 0.808 · 511 = 412.9, so its second figure is its own rounding.
    assert hot.tolist() == [244, 413]
    assert set(rows.unique().tolist()) == {0.0, 1.0}


def test_decoding_keeps_positions_below_the_bin():
    points = torch.rand(4, 100, generator=torch.Generator().manual_seed(0))
    decoded = decode_rows(one_hot_rows(points).clamp_min(1e-9).log())
    assert (decoded - points).abs().max() * 511 < 0.01
    hard = decode_rows(one_hot_rows(points).clamp_min(1e-9).log(), window=0)
    assert 0.2 < (hard - points).abs().mean() * 511 < 0.3  # what rounding to bins costs


def test_a_hidden_joint_is_an_all_zero_column():
    image = joint_images(torch.full((1, 8, 2), 0.5), torch.tensor([[1, 1, 0, 0, 1, 0.5, 1, 1.0]]))
    assert image.shape == (1, 3, BINS, 8)
    assert image[0, :, :, 2:4].abs().sum() == 0
    assert torch.all(image[0, 2, :, 5] == 0.5)
