"""Pictures cut out along their alpha, and corners that hang on the right bones."""

import numpy as np
import pytest
from addon.model.character.cutout import CHIN, THROAT, cut, throat, weights
from addon.model.errors import Problem
from hypothesis import given
from hypothesis import strategies as st


def man() -> np.ndarray:
    """A body with an arm hanging beside it: joined at the shoulder, with air between."""
    alpha = np.zeros((200, 120))
    alpha[20:190, 20:60] = 1  # body
    alpha[20:40, 60:100] = 1  # shoulder
    alpha[40:150, 80:100] = 1  # arm
    return alpha


def test_everything_solid_is_covered_and_nothing_far_from_it():
    alpha = man()
    mesh = cut(alpha, 50)
    size = 170 / 50
    covered = np.zeros(alpha.shape, bool)
    for face in mesh.faces:
        x, y = mesh.vertices[face].T
        covered[
            int(np.floor(y.min())) : int(np.ceil(y.max())), int(np.floor(x.min())) : int(np.ceil(x.max()))
        ] = True
    assert covered[alpha > 0].all()
    assert not covered[60:140, 66:74].any()  # the air between
    assert covered.sum() < (alpha > 0).sum() * 1.3
    assert mesh.vertices[:, 0].min() >= 20 - size


def test_squares_run_counter_clockwise_seen_from_the_front():
    mesh = cut(man(), 20)
    p = mesh.vertices[mesh.faces] * (1, -1)
    area = sum(p[:, i, 0] * p[:, (i + 1) % 4, 1] - p[:, (i + 1) % 4, 0] * p[:, i, 1] for i in range(4))
    assert (area > 0).all()


def test_an_arm_beside_the_body_hangs_on_its_own_bone():
    mesh = cut(man(), 60)
    share = weights(mesh, {"body": ((40, 30), (40, 185)), "arm": ((70, 30), (90, 145))})
    hand = (mesh.vertices[:, 0] > 80) & (mesh.vertices[:, 1] > 110)
    side = (mesh.vertices[:, 0] > 50) & (mesh.vertices[:, 0] < 61) & (mesh.vertices[:, 1] > 110)
    assert share["arm"][hand].min() > 0.95
    assert share["body"][side].min() > 0.95
    joint = (mesh.vertices[:, 1] < 40) & (mesh.vertices[:, 0] > 44) & (mesh.vertices[:, 0] < 64)
    assert ((share["arm"][joint] > 0.2) & (share["arm"][joint] < 0.8)).any()  # where they join, both


@given(st.integers(0, 2**31), st.integers(4, 40))
def test_weights_are_shares_on_any_picture(seed, cells):
    rng = np.random.default_rng(seed)
    alpha = (rng.random((24, 31)) > 0.6).astype(float)
    alpha[5, 5] = 1
    mesh = cut(alpha, cells)
    share = np.stack(list(weights(mesh, {str(i): rng.uniform(0, 30, (2, 2)) for i in range(5)}).values()), 1)
    assert np.isfinite(share).all()
    assert share.min() >= 0
    assert np.allclose(share.sum(1), 1)
    assert ((share > 0).sum(1) <= 3).all()
    assert len(np.unique(mesh.vertices, axis=0)) == len(mesh.vertices)


def test_a_clear_picture_says_so():
    with pytest.raises(Problem, match="transparent everywhere"):
        cut(np.zeros((8, 8)))


def test_a_throat_is_where_the_neck_is_narrowest():
    y, x = np.mgrid[:200, :160]
    head, body = np.hypot(x - 80, y - 60) < 45, (y > 118) & (np.abs(x - 80) < 50)
    neck = (np.abs(x - 80) < 18) & (y > 60)
    where = throat((head | neck | body).astype(float), np.array([80, 130]), np.array([80, 60]))
    assert 130 - 70 * where[0] == pytest.approx(112, abs=8) and where[0] < where[1] <= CHIN
    tube = (np.abs(x - 80) < 30).astype(float)
    assert throat(tube, np.array([80, 130]), np.array([80, 60])) == (THROAT, CHIN)
    assert throat(tube, np.array([80, 130]), np.array([80, 129])) == (THROAT, CHIN)
