"""The trials beside the table, on models that follow, that are deaf, and that fail in known ways."""

from dataclasses import replace

import numpy as np
import pytest

from tempose.evaluation.baselines import Metronome
from tempose.evaluation.cases import Case, long_case, splice_case
from tempose.evaluation.real_motion import Truth
from tempose.evaluation.references import references, stature
from tempose.evaluation.suites.direction import READERS, direction
from tempose.evaluation.suites.hearing import hearing
from tempose.evaluation.suites.hidden import hidden
from tempose.evaluation.suites.long import long
from tempose.evaluation.suites.matched import matched
from tempose.evaluation.suites.poses import poses
from tempose.evaluation.suites.styles import styles
from tempose.evaluation.suites.tempo import splice, stretch
from tempose.evaluation.trial import Trial
from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
from tempose.null_model import NullModel
from tempose_pose.completion import complete
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.request import STYLES, normal_speed
from tempose_pose.standing import standing_pose

NOISE = np.random.default_rng(0).normal(0, 0.1, 24 * SAMPLE_RATE).astype(np.float32)


def case(name="song", bpm=104.0, seconds=12.0) -> Case:
    beats = np.arange(0.3, 24, 60 / bpm)
    return Case(name, Song(NOISE), seconds, grid=BeatGrid(beats, beats[::4]))


def trial(folder, generator, cases=None, seeds=(0,), **settings) -> Trial:
    return Trial(generator, cases or [case(), case("other", 96)], seeds, folder, standing_pose(), settings)


class Deaf(NullModel):
    """Dances at 100 beats per minute, whatever is played."""

    revision = "deaf"

    def __call__(self, song, request, **more) -> Dance:
        beats = np.arange(0, 200, 0.6)
        own = super().__call__(
            song, replace(request, grid=BeatGrid(request.tempo_map.to_song(beats))), **more
        )
        heard = (request.grid or song.grid).warped(request.tempo_map).within(request.seconds)
        return replace(own, beat_times=heard.beats, downbeat_times=heard.downbeats)


class Frozen(NullModel):
    """Stands still, half again as tall as it was told."""

    revision = "frozen"

    def __call__(self, song, request, **more) -> Dance:
        made = super().__call__(song, request, **more)
        still = np.repeat(made.poses.keypoints[:1], len(made.poses), 0)
        middle = still.mean((0, 1))
        return replace(made, poses=replace(made.poses, keypoints=middle + 1.5 * (still - middle)))


def test_following_a_stretched_song_gives_slope_one_and_ignoring_it_none(tmp_path):
    follows = stretch(trial(tmp_path, Metronome()))
    assert set(follows["songs"]) == {"song", "other"}
    assert follows["songs"]["song"]["song_bpm"] == [70, 90, 110, 130, 150, 170]
    assert follows["summary"]["slope_folded"] == pytest.approx(1, abs=0.05)
    assert follows["summary"]["within"] == 1
    assert follows["summary"]["hits"] == 1
    deaf = stretch(trial(tmp_path, Deaf()))
    assert abs(deaf["summary"]["slope_folded"]) < 0.3
    assert deaf["summary"]["within"] == 0
    unsteady = replace(case(), grid=BeatGrid(np.cumsum(np.linspace(0.3, 0.9, 30))))
    assert stretch(trial(tmp_path, NullModel(), [unsteady])) == {"songs": {}, "summary": {}}


def test_a_splice_is_answered_within_two_beats_and_never_by_a_deaf_dancer(tmp_path):
    follows = splice(trial(tmp_path, Metronome()))
    assert follows["summary"]["within"] == 1
    assert follows["summary"]["dance_ratio"] == pytest.approx(1.5, abs=0.05)
    assert follows["summary"]["speed_ratio"] > 1.3
    assert 0 in follows["curve"]["beats"]
    assert min(follows["curve"]["aligned"]) > follows["curve"]["chance"]
    deaf = splice(trial(tmp_path, Deaf()))
    assert deaf["summary"]["within"] == 0
    assert deaf["summary"]["dance_ratio"] == pytest.approx(1, abs=0.05)
    short = replace(case(), song=Song(NOISE[: 6 * SAMPLE_RATE]))
    assert splice(trial(tmp_path, NullModel(), [short])) == {"songs": {}, "summary": {}}


def test_odd_references_are_whole_figures_of_other_sizes_and_places():
    found = references()
    assert {"crouch", "side view", "arms crossed", "one-legged", "child", "giant", "far left"} <= set(found)
    tall = {name: stature(complete(pose)[0])[0] / pose.canvas[1] for name, pose in found.items()}
    assert tall["giant"] > 3 * tall["child"]
    assert tall["crouch"] == pytest.approx(tall["standing"], rel=0.15)
    assert stature(found["child"])[1] < 0.85 * stature(found["standing"])[1]
    for name, pose in found.items():
        seen = pose.keypoints[pose.scores > 0]
        assert seen.min() >= 0, name
        assert seen.max() <= 1, name


def test_freezing_and_growing_are_told_from_dancing(tmp_path):
    good = poses(trial(tmp_path, NullModel()), seconds=4)
    assert set(good["references"]) == set(references())
    assert good["summary"]["good"] > 0.7
    bad = poses(trial(tmp_path, Frozen()), seconds=4)
    assert bad["summary"] == {"good": 0, "freezing": 1}
    assert {"freezes", "hardly moves", "changes size"} <= set(bad["references"]["standing"]["faults"])


def test_a_short_song_is_lengthened_on_its_own_bars_and_measured_by_the_minute(tmp_path):
    longer = long_case(case(bpm=120), 90)
    assert longer.song.seconds == pytest.approx(90, abs=0.01)
    assert longer.grid is not None
    assert np.allclose(np.diff(longer.grid.beats), 0.5, atol=1e-3)
    found = long(trial(tmp_path, NullModel(), seeds=(0, 1)))
    assert [m["from"] for m in found["minutes"]] == [0, 60, 120]
    assert found["summary"]["seams"] == 22
    assert found["summary"]["joint_speed_change"] == pytest.approx(1, abs=0.02)
    assert found["summary"]["height_change"] == pytest.approx(1, abs=0.01)
    with pytest.raises(TemposeError, match="too short"):
        long_case(replace(case(), grid=BeatGrid(np.asarray([0.5]))))


def test_a_style_is_nearest_to_its_own_clips_where_the_model_dances_it(tmp_path):
    class TwoStyles(NullModel):
        revision = "two"

        def __call__(self, song, request, **more):
            made = super().__call__(song, request, **more)
            large = 3.0 if request.style == "krump" else 1.0
            points = made.poses.keypoints
            return replace(
                made, poses=replace(made.poses, keypoints=points[:1] + large * (points - points[:1]))
            )

    model = TwoStyles()
    truths = []
    for k, style in enumerate(("krump", "pop")):
        for bpm in (95, 100, 105):
            made = model(
                Song(NOISE),
                case(bpm=bpm, seconds=16).request(standing_pose(), 0),
            )
            large = 3.0 if style == "krump" else 1.0
            points = made.poses.keypoints
            poses = replace(made.poses, keypoints=points[:1] + large * (points - points[:1]))
            truths.append(Truth(f"{k}{bpm}", poses, BeatGrid(made.beat_times), style))
    found = styles(replace(trial(tmp_path, model), truths=truths))
    assert set(found["styles"]) == set(STYLES)
    assert found["styles"]["krump"]["rank"] == found["styles"]["pop"]["rank"] == 1
    assert np.isnan(found["styles"]["house"]["rank"])
    assert found["summary"]["chance"] == 1.5


def test_the_splice_changes_at_a_beat():
    made = splice_case(case())
    assert made is not None
    spliced, change = made
    beats = (spliced.grid or spliced.song.grid).warped(spliced.tempo_map).beats
    assert np.abs(beats - change).min() < 1e-6
    assert np.median(np.diff(beats[beats < change])) == pytest.approx(
        1.5 * np.median(np.diff(beats[beats > change]))
    )


def test_each_held_out_clip_gets_a_dance_of_its_style_tempo_and_energy(tmp_path):
    asked = []

    class Listening(NullModel):
        def __call__(self, song, request, **more) -> Dance:
            asked.append(request)
            return super().__call__(song, request, **more)

    truths = []
    for name, bpm, style, held_out in (
        ("a", 95, "krump", True), ("b", 110, "pop", True), ("c", 100, "pop", False), ("d", 100, None, True),
    ):  # fmt: skip
        poses = NullModel()(Song(NOISE), case(bpm=bpm, seconds=11).request(standing_pose(), 0)).poses
        beats = np.arange(0, 11, 60 / bpm)
        truths.append(Truth(name, poses, BeatGrid(beats, beats[::4]), style, held_out))
    found = matched(replace(trial(tmp_path, Listening()), truths=truths))
    assert set(found["clips"]) == {"a", "b"}  # d's style is unknown, c was trained on
    assert [r.style for r in asked] == ["krump", "pop"]
    for request, truth in zip(asked, truths[:2], strict=True):
        heard = request.grid.warped(request.tempo_map).within(request.seconds)
        assert heard.bpm == pytest.approx(truth.grid.bpm, rel=0.01)
        usual = found["clips"][truth.name]["real_joint_speed"] / normal_speed(truth.grid.bpm)
        assert request.energy == pytest.approx(max(usual, 0.1), rel=1e-6)
    assert found["summary"]["windows"] == 6
    assert np.isfinite([found["summary"][k] for k in ("fid", "fid_train", "jitter", "real_jitter")]).all()


def test_without_held_out_clips_there_is_nothing_to_match(tmp_path):
    assert matched(trial(tmp_path, NullModel()))["clips"] == {}


def test_the_vocabulary_counts_what_lies_near_real_dance_over_songs_and_by_seed(tmp_path):
    from tempose.evaluation.suites import vocabulary

    found = vocabulary.vocabulary(trial(tmp_path, NullModel(), seeds=(0, 1)))
    lines, summary = found["descriptors"], found["summary"]
    assert len(lines) == summary["of"] == 38
    assert (summary["dances"], summary["songs"]) == (4, 2)
    inside = [n for n, line in lines.items() if abs(line["deviation"]) <= 1]
    assert summary["within"] == len(inside) < 20  # a swaying puppet is no dancer
    assert summary["within_low"] <= summary["within_high"]
    assert lines["steps"]["value"] == 0
    shown = vocabulary.show({"null": found})
    assert f"null: {len(inside)} of 38" in shown.note
    assert shown.table is not None
    assert shown.table.shape == (38, 2)


def test_a_figure_without_legs_is_held_against_one_who_grows_some(tmp_path):
    class Growing(NullModel):
        revision = "growing"

        def __call__(self, song, request, **more) -> Dance:
            made = super().__call__(song, request, **more)
            scores = np.ones_like(made.poses.scores)
            return replace(made, poses=replace(made.poses, scores=scores))

    grown, kept = (hidden(trial(tmp_path / m.revision, m)) for m in (Growing(), NullModel()))
    assert kept["summary"] == {"f1": 1.0, "wrongly": 0.0}
    assert grown["references"]["without legs"]["recall"] == 0
    assert grown["summary"]["f1"] == 0
    assert np.isnan(kept["references"]["whole"]["f1"])  # nothing is hidden there


class Hearing(NullModel):
    """Sways to another side for each song, moves where it hears something, and goes where the path curve says."""

    revision = "hearing"

    def __call__(self, song, request, **more) -> Dance:
        made = super().__call__(song, request, **more)
        frames = np.arange(request.frames)
        at = np.minimum(frames * SAMPLE_RATE // 30, len(song.samples) - 1)
        heard = np.abs(song.samples)[at[:, None] + np.arange(-200, 1)].max(1) > 1e-9
        moved = np.cumsum(heard)
        keypoints = (
            made.poses.keypoints[:1]
            + 0.03 * np.sin(moved / 5 + np.sum(song.samples[:99]) + request.seed)[:, None, None]
        )
        if "path" in request.curves:
            keypoints = keypoints + 0.1 * request.curves["path"](request.frame_times)[:, None, None]
        return replace(made, poses=replace(made.poses, keypoints=keypoints.astype(np.float32)))


def test_hearing_dancers_are_told_from_deaf_ones(tmp_path):
    rng = np.random.default_rng(1)
    cases = [
        replace(case(name, bpm), song=Song(rng.normal(0, 0.1, 24 * SAMPLE_RATE).astype(np.float32)))
        for name, bpm in (("a", 104), ("b", 96))
    ]
    deaf = hearing(trial(tmp_path, NullModel(), cases))["summary"]
    assert deaf["swapped"] == 0
    assert deaf["quiet"] == deaf["silent"] == 1
    hears = hearing(trial(tmp_path, Hearing(), cases))["summary"]
    assert hears["swapped"] > 0.2
    assert hears["silent"] < 0.01
    assert hears["beats_to_rest"] <= 1
    assert hears["of"] == 2


def test_following_a_curve_is_told_from_ignoring_it(tmp_path):
    found = direction(trial(tmp_path, Hearing(), [case(seconds=20.0)]))
    assert set(found["curves"]) == set(READERS)
    assert found["curves"]["path"] > 0.99
    assert abs(found["curves"]["zoom"]) < 0.9
    assert set(found["repeat"]) == {"1", "0.8", "0.6", "0.3", "0"}
    assert all(np.isfinite(line["distance"]) for line in found["repeat"].values())
