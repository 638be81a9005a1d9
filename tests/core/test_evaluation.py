"""The evaluation harness: baselines, table, noise, resuming, comparing."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tempose.evaluation import cases as songs
from tempose.evaluation import figures, results, study, suites
from tempose.evaluation.baselines import GenreMean, Metronome, Retrieval
from tempose.evaluation.real_motion import Truth, moving, other_music, shuffled
from tempose.evaluation.run import evaluate
from tempose.evaluation.study import Study
from tempose.metrics import beats as beat_metrics
from tempose.metrics.curves import in_body_heights
from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
from tempose.null_model import NullModel
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.reference import body_height
from tempose_pose.request import DanceRequest
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose
from tempose_pose.tempo import TempoMap

STANDING = standing_pose().keypoints[0]


def grid(bpm=120.0, seconds=20.0, first=0.0) -> BeatGrid:
    beats = np.arange(first, seconds, 60 / bpm)
    return BeatGrid(beats, beats[::4])


def truth(seed: int, bpm: float, style="house", held_out=False, seconds=12.0) -> Truth:
    """A dancer who stops on every beat of the clip's music, with arms and legs of their own."""
    random = np.random.default_rng(seed)
    position = np.arange(round(seconds * 30)) / 30 * bpm / 60
    index = position.astype(int)
    part = ((1 - np.cos(np.pi * (position - index))) / 2)[:, None, None]
    places = random.normal(0, 0.03, (index.max() + 2, 18, 2))
    keypoints = STANDING + places[index] * (1 - part) + places[index + 1] * part
    poses = PoseSequence(keypoints, np.ones(keypoints.shape[:2]), 30, OPENPOSE_18)
    return Truth(f"clip{seed}", poses, grid(bpm, seconds), style, held_out)


TRUTHS = [truth(i, 90 + 10 * i, ("house", "pop")[i % 2], held_out=i >= 5) for i in range(9)]
TRAIN = [t for t in TRUTHS if not t.held_out]
NOISE = np.random.default_rng(0).normal(0, 0.1, 20 * SAMPLE_RATE).astype(np.float32)


def case(name="song", bpm=104.0, seconds=12.0, first=0.3) -> songs.Case:
    return songs.Case(name, Song(NOISE), seconds, grid=grid(bpm, 20, first))


def request(**changes) -> DanceRequest:
    settings = {"reference": standing_pose(), "seconds": 12.0, "grid": grid(104, 20, 0.3), **changes}
    return DanceRequest(**settings)


@pytest.mark.parametrize("baseline", [Retrieval(TRAIN), GenreMean(TRAIN), Metronome()])
def test_a_baseline_dances_in_the_references_size_and_place_and_in_its_seed(baseline):
    reference = standing_pose(0.4, (0.3, 0.6), (1600, 900))
    made = baseline(Song(NOISE), request(reference=reference, seed=3))
    again = baseline(Song(NOISE), request(reference=reference, seed=3))
    assert np.array_equal(made.poses.keypoints, again.poses.keypoints)
    assert len(made.poses) == 360
    assert made.poses.canvas == (1600, 900)
    assert body_height(made.poses) == pytest.approx(360, rel=0.2)
    hips = made.poses.pixels[:, [8, 11], 0].mean()
    assert hips == pytest.approx(480, abs=40)
    assert made.beat_times[0] == pytest.approx(0.3)


def test_retrieval_is_as_far_on_the_beat_as_its_dancers_and_follows_the_tempo_map():
    made = Retrieval(TRAIN)(Song(NOISE), request())
    assert beat_metrics.evaluate(made)["beat_lock"] > 0.4
    fast = Retrieval(TRAIN)(Song(NOISE), request(tempo_map=TempoMap.constant(1.25)))
    assert np.median(np.diff(fast.beat_times)) == pytest.approx(60 / 130)
    assert beat_metrics.evaluate(fast)["beat_lock"] > 0.4
    steps = np.linalg.norm(np.diff(in_body_heights(made.poses), axis=0), axis=-1).mean(1)
    assert steps.max() < 3 * np.percentile(steps, 95)  # no jumps where clips meet


def test_the_metronome_is_perfect_and_the_genre_mean_is_the_styles_own():
    assert beat_metrics.evaluate(Metronome()(Song(NOISE), request()))["bas"] > 0.9
    mean = GenreMean(TRAIN)
    house, pop = (mean(Song(NOISE), request(style=s)).poses.keypoints for s in ("house", "pop"))
    assert np.abs(house - pop).max() > 0.01
    with pytest.raises(TemposeError):
        Retrieval([])


def test_shuffled_pairs_lose_the_beat():
    own = np.mean([beat_metrics.evaluate(t.dance())["beat_lock"] for t in TRUTHS])
    mixed = np.mean([beat_metrics.evaluate(d)["beat_lock"] for d in shuffled(TRUTHS)])
    assert own > 0.5
    assert mixed < 0.1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    systems = {"model": NullModel(), "retrieval": Retrieval(TRAIN), "metronome": Metronome()}
    cases = [case(), case("other", 84, first=0.1)]
    found = evaluate(
        Study(systems, cases, TRUTHS, (0, 1), suites=tuple(suites.SUITES), conventions=("bailando",)),
        folder,
        videos=1,
    )
    return folder, found


def test_the_table_has_every_system_and_ranks_the_truth_above_the_puppets(run):
    _, results = run
    assert list(results["table"]) == [
        "truth", "truth (train)", "shuffled", "model", "model, other music", "retrieval", "metronome"
    ]  # fmt: skip
    lock = {s: t["beat_lock"]["mean"] for s, t in results["table"].items()}
    assert lock["metronome"] > 0.6
    assert lock["truth"] > 0.5 > lock["shuffled"]
    sums = {s: found["sum"] for s, found in results["score"]["systems"].items()}
    assert sums["truth"] < min(sums[s] for s in ("shuffled", "model", "metronome"))
    assert sums["retrieval"] < sums["model"]
    assert results["verdicts"].keys() == sums.keys() - {"model"}
    assert results["table"]["truth"]["fid_kinetic"]["mean"] < results["table"]["model"]["fid_kinetic"]["mean"]


def test_dances_are_also_scored_against_another_songs_beats(run):
    folder, results = run
    lock = {s: t["beat_lock"]["mean"] for s, t in results["table"].items()}
    assert lock["model"] > lock["model, other music"] + 0.2
    assert lock["model, other music"] < 0.15
    assert "model, other music" not in results["score"]["systems"]
    assert set(results["listening"]) == {"model", "retrieval", "metronome"}
    found = {c["figure"]: c for c in results["listening"]["metronome"]}
    assert found["beat_lock"]["difference"] > 0.4
    assert "Does it listen?" in (folder / "index.html").read_text()


def test_no_song_is_its_own_other_music():
    made = {
        (c.name, seed): NullModel()(c.song, c.request(standing_pose(), seed))
        for c in (case("a", 80), case("b", 100), case("c", 130))
        for seed in (0, 1)
    }
    mixed = other_music(made)
    assert list(mixed) == list(made)
    for key, dance in mixed.items():
        assert np.array_equal(dance.poses.keypoints, made[key].poses.keypoints)
        assert not np.array_equal(dance.beat_times, made[key].beat_times)
    assert other_music({k: d for k, d in made.items() if k[0] == "a"}) == {}


def test_results_are_written_as_json_csv_and_one_page_that_loads_nothing(run):
    folder, results = run
    kept = json.loads((folder / "results.json").read_text())
    assert len(kept["rows"]) == len(results["rows"])
    with (folder / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results["rows"])
    assert {"system", "song", "seed", "beat_lock", "bas_bailando"} <= set(rows[0])
    page = (folder / "index.html").read_text()
    assert page.count("data:image/png") >= 6
    for title in (
        "The sum",
        "Tempo following",
        "Slow to fast",
        "Odd references",
        "Three minutes",
        "Styles",
        "Vocabulary",
    ):
        assert f"<h2>{title}</h2>" in page
    assert page.count("data:video/mp4") == 1
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


class Counting(NullModel):
    """Counts, and gives up after so many dances as a killed process would."""

    def __init__(self, after=10**6):
        self.calls, self.after = 0, after

    def __call__(self, *args, **kwargs):
        if self.calls == self.after:
            raise KeyboardInterrupt
        self.calls += 1
        return super().__call__(*args, **kwargs)


def test_a_stopped_run_goes_on_where_it_was_and_other_settings_start_anew(tmp_path):
    cases = [case(seconds=6), case("other", 84, seconds=6)]
    with pytest.raises(KeyboardInterrupt):
        evaluate(Study({"model": Counting(3)}, cases, seeds=(0, 1)), tmp_path)
    second = Counting()
    evaluate(Study({"model": second}, cases, seeds=(0, 1)), tmp_path)
    assert second.calls == 1
    third = Counting()
    evaluate(Study({"model": third}, cases, seeds=(0, 1), settings={"steps": 7}), tmp_path)
    assert third.calls == 4


def test_baselines_are_kept_for_the_next_model_and_damaged_dances_made_again(tmp_path):
    cases = [case(seconds=6)]
    for name in ("one", "two"):
        model, cached = Counting(), Counting()
        both = Study({"model": model, "null": cached}, cases, seeds=(0,))
        evaluate(both, tmp_path / name, cache=tmp_path / "cache")
        assert (model.calls, cached.calls) == (1, 1 if name == "one" else 0)
    (kept,) = (tmp_path / "two" / "dances" / "model").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    again = Counting()
    evaluate(Study({"model": again}, cases, seeds=(0,)), tmp_path / "two")
    assert again.calls == 1


def test_trials_are_danced_to_songs_of_many_tempi_whose_beats_are_sure():
    cases = [case(f"{bpm}", bpm) for bpm in (150, 70, 90, 130, 110)]
    doubtful = songs.Case("doubtful", Song(NOISE), 12, grid=replace(grid(100), confidence=0.2))
    short = replace(case("short", 180), song=Song(NOISE[: 5 * SAMPLE_RATE]))
    assert [c.name for c in study.spread([*cases, doubtful, short], 3)] == ["110", "150", "70"]
    assert {c.name for c in study.spread([*cases, doubtful], 9)} == {c.name for c in cases}
    assert study.spread([doubtful], 3) == [doubtful]
    assert study.spread([], 3) == []


def test_another_split_is_another_baseline():
    assert Retrieval(TRAIN).revision == Retrieval(TRAIN).revision != Retrieval(TRAIN[1:]).revision
    assert GenreMean(TRAIN).revision != GenreMean(TRAIN[1:]).revision


def test_clips_that_stand_still_are_no_reference(tmp_path):
    still = replace(TRUTHS[0], name="still", poses=replace(
        TRUTHS[0].poses, keypoints=np.repeat(TRUTHS[0].poses.keypoints[:1], 360, 0)))  # fmt: skip
    assert moving([*TRUTHS, still]) == TRUTHS
    found = evaluate(Study(truths=[*TRUTHS, still]), tmp_path)
    assert found["floor"]["still"] == 1
    assert "still" not in {r["song"] for r in found["rows"]}


def test_finished_dances_are_measured_without_songs_or_truth(tmp_path):
    dances = [(f"d{i}", replace(TRUTHS[i].dance(), seed=i)) for i in range(3)]
    found = evaluate(Study(finished={"dances": dances}), tmp_path)
    assert found["table"]["dances"]["beat_lock"]["mean"] > 0.5
    assert (tmp_path / "index.html").is_file()


def rows(values: dict[str, list[float]], system="model") -> list[figures.Row]:
    return [
        {"system": system, "song": song, "seed": seed, "beat_lock": v}
        for song, found in values.items()
        for seed, v in enumerate(found)
    ]


def test_intervals_are_the_wider_one_of_seeds_and_songs():
    two = figures.estimate(rows({"a": [0.1, 0.3], "b": [0.1, 0.3]}), "beat_lock")
    assert two.mean == pytest.approx(0.2)
    assert two.high - two.mean == pytest.approx(12.706 * np.std([0.1, 0.3], ddof=1) / np.sqrt(2), rel=1e-3)
    one = figures.estimate(rows({"a": [0.1], "b": [0.3]}), "beat_lock")
    assert one.count == 2
    stubborn = figures.estimate(rows({"a": [0.1, 0.1], "b": [0.3, 0.3]}), "beat_lock")  # seeds change nothing
    assert stubborn.high - stubborn.low > 1
    assert np.isnan(figures.estimate(rows({"a": [0.1]}), "beat_lock").low)
    assert figures.estimate([], "beat_lock").count == 0


def test_comparison_tells_differences_from_noise():
    random = np.random.default_rng(0)
    base = {f"s{i}": list(random.normal(0.1, 0.05, 2)) for i in range(8)}
    better = {s: [v + 0.05 + random.normal(0, 0.01) for v in found] for s, found in base.items()}
    noisy = {s: [v + random.normal(0, 0.05) for v in found] for s, found in base.items()}
    (verdict,) = figures.compare(rows(base), rows(better), ["beat_lock"])
    assert verdict["verdict"] == "b better"
    assert verdict["difference"] == pytest.approx(0.05, abs=0.01)
    (verdict,) = figures.compare(rows(better), rows(base), ["beat_lock"])
    assert verdict["verdict"] == "a better"
    (verdict,) = figures.compare(rows(base), rows(noisy), ["beat_lock"])
    assert not verdict["beyond_noise"]
    with pytest.raises(TemposeError, match="no song in common"):
        figures.compare(rows({"a": [1.0]}), rows({"b": [1.0]}))


def test_songs_come_from_a_folder_with_their_known_beats(tmp_path):
    with pytest.raises(TemposeError, match="no songs"):
        songs.load_cases(tmp_path)
    soundfile.write(tmp_path / "a.wav", NOISE[: 3 * SAMPLE_RATE], SAMPLE_RATE)
    (tmp_path / "a.json").write_text(json.dumps({"beats": [0, 0.5, 1], "downbeats": [0], "style": "pop"}))
    (found,) = songs.load_cases(tmp_path)
    assert (found.name, found.style, found.genre, found.seconds) == ("a", "pop", None, 3)
    assert found.grid is not None
    assert found.grid.beats.tolist() == [0, 0.5, 1]
    (tmp_path / "a.json").write_text('{"beats": "x"}')
    with pytest.raises(TemposeError):
        songs.load_cases(tmp_path)
    with pytest.raises(TemposeError, match="no evaluation"):
        results.load_results(tmp_path)


def test_the_command_measures_a_folder_of_dances_and_compares(tmp_path):
    import typer
    from typer.testing import CliRunner

    from tempose.evaluation import cli

    app = typer.Typer()
    app.command()(cli.evaluate)
    (tmp_path / "dances").mkdir()
    for i in range(2):
        made: Dance = truth(i, 100, seconds=4).dance()
        made.save(tmp_path / "dances" / f"d{i}.npz")

    def invoke(*arguments: str):
        return CliRunner().invoke(app, list(arguments))

    folder = str(tmp_path / "dances")
    first = invoke(folder, "-o", str(tmp_path / "a"), "--videos", "0")
    assert first.exit_code == 0, first.output
    assert "beat_lock" in first.output
    second = invoke(folder, "-o", str(tmp_path / "b"), "--videos", "1", "--against", str(tmp_path / "a"))
    assert second.exit_code == 0, second.output
    assert "shown" in second.output
    assert f"<h2>Against {tmp_path / 'a'}</h2>" in (tmp_path / "b" / "index.html").read_text()
    assert isinstance(invoke(folder, "-o", str(tmp_path / "c"), "--against", folder).exception, TemposeError)
    assert isinstance(invoke("null").exception, TemposeError)  # no songs
    (tmp_path / "none").mkdir()
    assert isinstance(invoke(str(tmp_path / "none")).exception, TemposeError)


def test_the_command_evaluates_the_null_model_on_songs(tmp_path):
    import typer
    from typer.testing import CliRunner

    from tempose.evaluation.cli import evaluate

    (tmp_path / "songs").mkdir()
    soundfile.write(tmp_path / "songs" / "a.wav", NOISE[: 8 * SAMPLE_RATE], SAMPLE_RATE)
    notes = {"beats": np.arange(0, 8, 0.5).tolist(), "downbeats": np.arange(0, 8, 2.0).tolist()}
    (tmp_path / "songs" / "a.json").write_text(json.dumps(notes))
    app = typer.Typer()
    app.command()(evaluate)
    arguments = ["null", "--songs", str(tmp_path / "songs"), "-o", str(tmp_path / "out"), "--seeds", "1"]
    arguments += ["--videos", "0", "--cache", str(tmp_path / "cache")]
    result = CliRunner().invoke(app, [*arguments, "--suite", "long"])
    assert result.exit_code == 0, result.output
    kept = results.load_results(tmp_path / "out")
    assert {"model", "metronome"} == set(kept["table"])
    assert len(kept["suites"]["long"]["model"]["minutes"]) == 3
    assert list((tmp_path / "cache" / "dances" / "metronome").glob("*.npz"))
    assert not (tmp_path / "cache" / "dances" / "model").exists()
    result = CliRunner().invoke(app, [*arguments, "--suite", "none"])  # the same things: trials are kept
    assert result.exit_code == 0, result.output
    assert set(results.load_results(tmp_path / "out")["suites"]) == {"long"}
    result = CliRunner().invoke(app, [*arguments, "--suite", "none", "--energy", "1.5"])  # others: not
    assert result.exit_code == 0, result.output
    assert not results.load_results(tmp_path / "out")["suites"]
    assert "stretch" in str(CliRunner().invoke(app, [*arguments, "--suite", "dressage"]).exception)
    twice = CliRunner().invoke(app, [*arguments, "--songs", str(tmp_path / "songs")])
    assert "one name" in str(twice.exception)
