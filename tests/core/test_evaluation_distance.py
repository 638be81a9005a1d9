"""The sum of the table: what costs, what does not."""

import numpy as np
import pytest

from tempose.evaluation import distance
from tempose.evaluation.figures import ASPECTS, FIGURES

NAMES = [f.name for f in FIGURES if f.aspect and f.name not in ("fid_kinetic", "diversity")]
FIGURE = {f.name: f for f in FIGURES}


def rows(system: str, offset: float = 0.0, songs: int = 40, **changed: float) -> list[dict]:
    """Dances whose figures lie about 1 with a spread of 0.1, moved by `offset`; some set to a value."""
    random = np.random.default_rng(len(system))
    return [
        {"system": system, "song": f"s{i}", "seed": 0,
         **{n: changed.get(n, 1 + offset + random.normal(0, 0.1)) for n in NAMES}}
        for i in range(songs)
    ]  # fmt: skip


def table(rows: list[dict], **fid: float) -> dict:
    systems = dict.fromkeys(r["system"] for r in rows)
    return {
        s: {"fid_kinetic": {"mean": fid.get(s.partition(" ")[0], 10.0)}, "diversity": {"mean": 6.0}}
        for s in systems
    }


def sums(systems: list[dict], real: list[dict], **fid: float) -> dict:
    made = distance.scores(systems, table([*systems, *real], **fid), real, 10.0, 6.0)
    return made["systems"]


def test_figures_like_those_of_real_clips_cost_next_to_nothing_and_others_do():
    real = rows("truth")
    found = sums([*real, *rows("alike"), *rows("astray", 0.35)], real)
    assert found["truth"]["sum"] < 0.3
    assert found["alike"]["sum"] < 0.3
    assert found["astray"]["sum"] > 3
    assert found["astray"]["low"] <= found["astray"]["sum"] <= found["astray"]["high"]
    assert set(found["alike"]["aspects"]) == set(ASPECTS)


def test_more_than_any_real_clip_is_no_merit_and_a_little_more_than_the_mean_no_fault():
    values = np.random.default_rng(0).normal(0.06, 0.17, 500)
    keeping = distance.real_range(FIGURE["beat_lock"], values)
    assert keeping.cost(0.3) == 0
    assert keeping.cost(0.73) > 1  # the metronome
    assert keeping.cost(-0.2) > 1
    sliding = distance.real_range(FIGURE["foot_slide"], np.abs(values))
    assert sliding.cost(0) == 0
    assert sliding.cost(1) == distance.CAP  # one figure gone astray does not decide all
    assert sliding.cost(float("nan")) == distance.CAP
    lively = distance.real_range(FIGURE["joint_speed"], 0.3 + values)
    assert lively.cost(0.6) == 0
    assert lively.cost(0.05) > 0
    seams = distance.real_range(FIGURE["seam_ratio"], np.zeros(9))  # real clips have none
    assert seams.cost(1.2) == 0
    assert seams.cost(1.6) == pytest.approx(1)


def test_four_figures_about_the_beat_weigh_as_one_question():
    real = rows("truth")
    deaf = dict.fromkeys(("beat_lock", "mm_align_excess", "beat_power", "tempo_clean"), -5.0)
    loose = dict.fromkeys(("limb_ratio", "limb_drift", "off_canvas"), 9.0)
    found = sums([*rows("deaf", **deaf), *rows("loose", **loose)], real)
    assert found["deaf"]["aspects"]["music"] == pytest.approx(distance.CAP)
    assert found["loose"]["aspects"]["body"] == pytest.approx(distance.CAP)
    assert found["deaf"]["sum"] == pytest.approx(found["loose"]["sum"], abs=0.3)


def test_fid_is_held_against_what_other_real_dancers_reach():
    real = [*rows("truth"), *rows("truth (train)")]
    made = distance.scores(
        [*real, *rows("near"), *rows("far")],
        {
            **table([*real, *rows("near")], near=38.0),
            **table(rows("far"), far=120.0),
            "truth (train)": {"fid_kinetic": {"mean": 40.0}, "diversity": {"mean": 6.0}},
        },
        real, 10.0, 6.0,
    )  # fmt: skip
    costs = {s: f["figures"]["fid_kinetic"] for s, f in made["systems"].items()}
    assert costs["near"] == costs["truth (train)"] == 0
    assert costs["far"] == pytest.approx(2)


def test_verdicts_need_a_difference_beyond_the_noise_over_songs():
    real = rows("truth")
    made = distance.scores(
        [*rows("model", 0.12), *rows("twin", 0.12), *rows("worse", 0.4)],
        table([*rows("model"), *rows("twin"), *rows("worse")]),
        real, 10.0, 6.0,
    )  # fmt: skip
    assert distance.verdicts(made, "model") == {"twin": "not told apart", "worse": "better"}
    assert distance.verdicts(made, "nobody") == {}


def test_dances_to_other_music_are_no_competitor_and_without_real_motion_there_is_no_sum():
    real = rows("truth")
    made = distance.scores(rows("model, other music"), table(rows("model, other music")), real, 10.0, 6.0)
    assert made["systems"] == {}
    assert distance.scores(rows("model"), table(rows("model")), [], 10.0, 6.0) == {}
