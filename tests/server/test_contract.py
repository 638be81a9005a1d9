"""The v1 contract as a client sees it, on a server with the null model."""

import base64
import io
import json
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
import soundfile
from patience import PATIENCE

import tempose
from tempose.music import audio, beats
from tempose.null_model import NullModel
from tempose_pose.dance import Dance
from tempose_pose.request import STYLES
from tempose_pose.skeletons import OPENPOSE_18
from tempose_server import schemas

BEAT_WEIGHTS = Path(beats.__file__).with_name("beat_net.safetensors")


@pytest.mark.with_ray
def test_health_says_that_the_server_is_ready_and_nothing_secret(server):
    deadline = time.monotonic() + PATIENCE
    while (health := server.client.get("/v1/health").json())["status"] == "STARTING":
        assert time.monotonic() < deadline
    assert health == {
        "status": "READY",
        "version": tempose.__version__,
        "device": "cpu",
        "model_revision": "null-1",
        "message": "Ready.",
    }


def test_capabilities_describe_the_skeletons_and_limits(server):
    known = server.client.get("/v1/capabilities").json()
    models = [(model["name"], model["skeleton"]) for model in known["models"]]
    assert models == [("default", "openpose18"), ("null", "openpose18")]
    skeleton = next(s for s in known["skeletons"] if s["name"] == "openpose18")
    assert tuple(skeleton["joints"]) == OPENPOSE_18.joints
    assert tuple(skeleton["parents"]) == OPENPOSE_18.parents
    assert [tuple(limb) for limb in skeleton["limbs"]] == list(OPENPOSE_18.limbs)
    assert tuple(skeleton["flip"]) == OPENPOSE_18.flip
    assert (known["fps"], known["segment_frames"], known["overlap_frames"]) == (30, 256, 16)
    assert known["styles"] == list(STYLES)
    assert {"wav", "flac", "ogg", "opus", "mp3", "aiff", "m4a", "aac", "webm"} == set(known["audio_formats"])
    assert {"audio_bytes", "audio_seconds", "dance_seconds", "queue"} <= set(known["limits"])


def test_a_song_is_uploaded_once(server, tools):
    data = tools.wav(tools.clicks(3.0))
    first, again = server.put_audio(data), server.put_audio(data)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["seconds"] == pytest.approx(3.0)
    address = f"/v1/audio/{first.json()['sha256']}"
    assert server.client.head(address).status_code == 200
    assert server.client.head(f"/v1/audio/{'0' * 64}").status_code == 404


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_each_format_is_heard_at_its_length(server, tools, kind):
    data = tools.wav(tools.clicks(2.5, 44_100), 44_100, format=kind, subtype=None)
    answer = server.put_audio(data)
    assert answer.status_code == 201, answer.text
    assert answer.json()["seconds"] == pytest.approx(2.5, abs=0.06)  # mp3 pads


def test_the_server_hears_exactly_what_the_package_hears(server, tools, tmp_path):
    click = tools.clicks(2.0, 44_100)
    songs = {
        "stereo": np.stack([click, 0.1 * tools.clicks(2.0, 44_100, 90)], 1),
        "canceling": np.stack([click, -click], 1),
        "clipping": 3 * click,
    }
    for name, samples in songs.items():
        data = tools.wav(samples, 44_100, subtype="FLOAT")
        (tmp_path / "song.wav").write_bytes(data)
        sha256 = server.put_audio(data).json()["sha256"]
        stored = np.load(server.folder / "data" / "audio" / sha256 / "pcm.npy")
        np.testing.assert_array_equal(stored, audio.Song.load(tmp_path / "song.wav").samples, name)


@pytest.mark.skipif(not BEAT_WEIGHTS.is_file(), reason="the beat tracker has no weights")
def test_the_analysis_finds_the_beats_and_is_kept(server, tools):
    sha256 = server.song(8.0)
    analysis = server.client.get(f"/v1/audio/{sha256}/analysis").json()
    assert analysis["seconds"] == pytest.approx(8.0)
    assert analysis["bpm"] == pytest.approx(120, abs=3)
    assert len(analysis["loudness"]) == 80
    assert all(len(pair) == 2 for pair in analysis["tempo_curve"])
    assert set(analysis["downbeats"]) <= set(analysis["beats"])
    assert len(analysis["energy"]) in (80, 81) and len(analysis["hits"]) == len(analysis["beats"])
    stored = server.folder / "data" / "audio" / sha256 / "analysis.json"
    before = stored.stat().st_mtime_ns
    assert server.client.get(f"/v1/audio/{sha256}/analysis").json() == analysis
    assert stored.stat().st_mtime_ns == before


def test_a_stretched_song_has_the_asked_length_and_form(server, tools):
    data = tools.wav(np.stack([tools.clicks(2.0, 48_000)] * 2, 1), 48_000)
    sha256 = server.put_audio(data).json()["sha256"]
    answer = server.client.post(
        f"/v1/audio/{sha256}/stretch", json={"tempo_map": [[0, 0], [1, 0.5]], "seconds": 3.5}
    )
    assert answer.headers["content-type"] == "audio/wav"
    info = soundfile.info(io.BytesIO(answer.content))
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (44_100, 2, "PCM_16", 154_350)
    refused = server.client.post(
        f"/v1/audio/{sha256}/stretch", json={"tempo_map": [[0, 0], [1, 0]], "seconds": 1}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "tempo_map")


@pytest.mark.with_ray
def test_a_job_gives_the_dance_that_the_package_gives(server, tools, tmp_path):
    body = server.body(seconds=12.0, seed=7, tempo_map=[[0, 0], [6, 3], [12, 9]])
    job_id = server.new_job(body=body)
    server.wait(job_id, "succeeded")
    result = server.client.get(f"/v1/jobs/{job_id}/result").json()
    request = schemas.job_of(schemas.read(schemas.JobBody, body)).dance
    expected = NullModel()(audio.Song(np.zeros(44_100)), request)
    np.testing.assert_array_equal(tools.floats(result["keypoints"], 360, 18, 2), expected.poses.keypoints)
    np.testing.assert_array_equal(tools.floats(result["scores"], 360, 18), expected.poses.scores)
    assert result["beat_times"] == expected.beat_times.tolist()
    assert (result["frames"], result["fps"], result["skeleton"]) == (360, 30, "openpose18")
    assert (result["canvas"], result["seed"], result["model_revision"]) == ([720, 1280], 7, "null-1")
    assert result["seams"] == [256]
    archive = server.client.get(f"/v1/jobs/{job_id}/result", headers={"Accept": "application/x-npz"})
    (tmp_path / "dance.npz").write_bytes(archive.content)
    dance = Dance.load(tmp_path / "dance.npz")
    np.testing.assert_array_equal(dance.poses.keypoints, expected.poses.keypoints)


@pytest.mark.with_ray
def test_events_tell_the_whole_story_in_order(server, tools):
    job_id = server.new_job(seconds=20.0)
    events = server.events(job_id)
    ids = [event[0] for event in events]
    assert ids[0] == 1
    assert ids == sorted(set(ids))
    states = [data["state"] for _, name, data in events if name == "state"]
    assert states == ["queued", "running", "succeeded"]
    assert events[-1][1:] == ("state", server.job(job_id))
    segments = [data for _, name, data in events if name == "segment"]
    assert [s["start"] for s in segments] == [0, 256, 496]
    shown = np.concatenate([tools.floats(s["keypoints"], s["frames"], 18, 2) for s in segments])
    result = server.client.get(f"/v1/jobs/{job_id}/result").json()
    np.testing.assert_array_equal(shown, tools.floats(result["keypoints"], 600, 18, 2))
    progress = [data for _, name, data in events if name == "progress"]
    assert progress[-1] == {"done": 3, "total": 3, "progress": 1.0}


def test_a_listener_that_comes_back_gets_only_what_it_missed(server):
    job_id = server.new_job(seconds=20.0)
    whole = server.events(job_id)
    middle = whole[len(whole) // 2][0]
    assert server.events(job_id, after=middle) == [event for event in whole if event[0] > middle]
    assert server.events(job_id, after=whole[-1][0]) == whole[-1:]
    assert server.events(job_id, after="not a number") == whole


def test_the_same_request_again_is_the_same_job(server):
    body = server.body(seed=11)
    first = server.put_job(body=body)
    job_id = first.json()["id"]
    turned = dict(reversed(body.items())) | {"seconds": 2}
    again = server.put_job(job_id, turned)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["created"] == first.json()["created"]
    other = server.put_job(job_id, body | {"seed": 12})
    assert (other.status_code, other.json()["code"]) == (409, "job_exists")
    assert server.wait(job_id)["seed"] == 11


@pytest.mark.with_ray
def test_known_frames_come_back_as_they_were(server, tools):
    keypoints = np.full((30, 18, 2), 0.25, np.float32)
    scores = np.ones((30, 18), np.float32)
    known = {
        "keypoints": keypoints.tolist(),
        "scores": scores.tolist(),
        "mask": [[0, 10], [20, 30]],
        "joints": ["neck", "nose"],
    }
    packed = known | {
        "keypoints": base64.b64encode(keypoints.tobytes()).decode(),
        "scores": base64.b64encode(scores.tobytes()).decode(),
    }
    results = []
    for form in (known, packed):
        job_id = server.new_job(known=form)
        server.wait(job_id, "succeeded")
        results.append(server.client.get(f"/v1/jobs/{job_id}/result").json()["keypoints"])
    assert results[0] == results[1]
    danced = tools.floats(results[0], 60, 18, 2)
    kept = (danced == 0.25).all(2)
    assert kept[:10, :2].all()
    assert kept[20:30, :2].all()
    assert not kept[10:20].any()
    assert not kept[:, 2:].any()


@pytest.mark.parametrize(
    "address",
    ["audio/{hash}/analysis", "jobs/{uuid}", "jobs/{uuid}/events", "jobs/{uuid}/result"],
)
def test_what_is_not_known_is_not_found(server, address):
    answer = server.client.get("/v1/" + address.format(hash="0" * 64, uuid=uuid.uuid4()))
    assert answer.status_code == 404
    assert answer.json()["code"] in ("audio_unknown", "job_unknown")


def test_a_job_for_an_unknown_song_is_refused(server):
    answer = server.put_job(body=server.body(audio="0" * 64))
    assert (answer.status_code, answer.json()["code"]) == (404, "audio_unknown")


def test_every_error_has_the_one_shape(server):
    answers = [
        server.client.get("/nowhere"),
        server.client.delete("/v1/health"),
        server.client.get("/v1/jobs/not-a-uuid"),
        server.client.get(f"/v1/jobs/{uuid.uuid4()}"),
        server.client.get("/v1/health", headers={"Authorization": "Bearer wrong"}),
        server.put_job(body={"audio": 1}),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 422, 404, 401, 422]
    for answer in answers:
        assert set(answer.json()) == {"code", "message", "details"}
        assert answer.json()["message"].endswith(".")


def test_the_openapi_document_describes_every_call(server):
    document = server.client.get("/v1/openapi.json").json()
    calls = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert calls == {
        ("GET", "/v1/health"),
        ("GET", "/v1/capabilities"),
        ("GET", "/v1/metrics"),
        ("PUT", "/v1/audio/{sha256}"),
        ("HEAD", "/v1/audio/{sha256}"),
        ("GET", "/v1/audio/{sha256}/analysis"),
        ("POST", "/v1/audio/{sha256}/stretch"),
        ("POST", "/v1/pose"),
        ("POST", "/v1/video"),
        ("PUT", "/v1/jobs/{job_id}"),
        ("GET", "/v1/jobs/{job_id}"),
        ("GET", "/v1/jobs/{job_id}/events"),
        ("POST", "/v1/jobs/{job_id}/cancel"),
        ("GET", "/v1/jobs/{job_id}/result"),
    }
    body = document["paths"]["/v1/jobs/{job_id}"]["put"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert {"audio", "seconds", "reference"} <= set(body["required"])
    assert "$ref" not in json.dumps(body)
