"""Pictures in, poses out: what is found, and what is refused."""

import io
import shutil
import struct
import uuid
import zlib

import numpy as np
import pytest

from tempose_pose.errors import TemposeError
from tempose_server import pictures

PATH = "/v1/pose"


def send(server, data, **headers):
    return server.client.post(
        PATH, content=data, headers={"Content-Type": "application/octet-stream", **headers}
    )


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(answer.json()) == {"code", "message", "details"}
    return answer.json()["message"]


@pytest.fixture(scope="module")
def finder(dots, tools, tmp_path_factory):
    """A server with a model of 17 joints."""
    folder = tmp_path_factory.mktemp("finder")
    (folder / "models").mkdir()
    dots.write_models(folder / "models")
    running = tools.Server(
        folder / "own", "--pose-model", str(folder / "models"),
        settings={"picture_bytes": 2_000_000, "picture_pixels": 4_000_000, "children_at_once": 2},
    )  # fmt: skip
    yield running
    running.kill()


def picture(dots, **options):
    return dots.encoded(dots.dotted(dots.standing()), **options)


def off(dots, answer, wanted=None):
    """The farthest joint from where the picture has it, in shares; joints of COCO alone."""
    assert answer.status_code == 200, answer.text
    found = answer.json()
    pairs = "eye ear shoulder elbow wrist hip knee ankle".split()  # noqa: SIM905 -- readable so
    coco = ["nose", *(f"{side}_{part}" for part in pairs for side in ("left", "right"))]
    at = np.asarray([found["keypoints"][found["joints"].index(j)] for j in coco])
    return np.abs(at - (dots.standing() if wanted is None else wanted)).max()


def test_a_server_finds_everybody_with_the_model_that_ships(server):
    assert server.client.get("/v1/capabilities").json()["pose_estimator"]["available"] is True
    answer = send(server, photographs(2))
    found = answer.json()
    assert (answer.status_code, found["people"], found["skeleton"]) == (200, 2, "body25_hands"), answer.text
    places = []
    for person in (found, *found["others"]):
        at = dict(zip(person["joints"], person["keypoints"], strict=True))
        sure = dict(zip(person["joints"], person["scores"], strict=True))
        assert sure["nose"] > 0.8 and sure["left_ankle"] == 0  # the picture ends above them
        assert at["left_shoulder"][0] - at["right_shoulder"][0] > 0.1
        places.append(at["nose"])
    assert abs(places[0][0] - places[1][0]) == pytest.approx(0.5, abs=0.05)


def test_a_server_with_a_folder_without_models_says_so(launch, tmp_path):
    server = launch("--pose-model", str(tmp_path))
    capability = server.client.get("/v1/capabilities").json()["pose_estimator"]
    assert capability["available"] is False
    assert refused(send(server, b"x"), 409, "pose_model_missing") == capability["message"]


def photographs(count):
    """A half-length portrait, several times side by side, as a JPEG file."""
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    with Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)) as photograph:
        both = Image.new("RGB", (photograph.width * count, photograph.height))
        for k in range(count):
            both.paste(photograph, (k * photograph.width, 0))
    file = io.BytesIO()
    both.save(file, "JPEG")
    return file.getvalue()


def test_poses_are_found_in_each_kind_of_picture(dots, finder):
    assert finder.client.get("/v1/capabilities").json()["pose_estimator"]["available"] is True
    for options in (
        {"kind": "PNG"},
        {"kind": "JPEG", "quality": 97, "subsampling": 0},
        {"kind": "WEBP", "lossless": True},
    ):
        answer = send(finder, picture(dots, **options))
        assert off(dots, answer) < 0.02
        found = answer.json()
        assert (found["skeleton"], found["canvas"], found["people"]) == ("openpose18", [300, 400], 1)
        neck, left, right = (
            np.asarray(found["keypoints"][found["joints"].index(j)])
            for j in ("neck", "left_shoulder", "right_shoulder")
        )
        assert np.allclose(neck, (left + right) / 2, atol=1e-5)
    assert not list((finder.folder / "data" / "staging").iterdir())


def test_a_turned_photograph_stands_upright(dots, finder):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: to be turned clockwise
    lying = np.rot90(dots.dotted(dots.standing()))
    answer = send(finder, dots.encoded(np.ascontiguousarray(lying), "PNG", exif=exif))
    assert off(dots, answer) < 0.02
    assert answer.json()["canvas"] == [300, 400]


def test_joints_that_are_not_seen_have_no_score(dots, finder):
    points = dots.standing()
    points[[9, 10]] = np.nan  # the wrists
    found = send(finder, dots.encoded(dots.dotted(points))).json()
    scores = dict(zip(found["joints"], found["scores"], strict=True))
    assert scores["left_wrist"] == scores["right_wrist"] == 0
    assert scores["left_elbow"] > 0.9


def test_a_picture_of_nobody_is_said_to_be_one(dots, finder):
    refused(send(finder, dots.encoded(np.full((80, 80, 3), 128, np.uint8))), 422, "nobody_seen")


def test_feet_and_hands_come_where_the_model_has_them(dots, launch, tmp_path):
    (tmp_path / "models").mkdir()
    dots.write_models(tmp_path / "models", 133)
    server = launch("--pose-model", str(tmp_path / "models"))
    answer = send(server, dots.encoded(dots.dotted(dots.standing(133), (600, 800), 133)))
    assert answer.json()["skeleton"] == "body25_hands"
    joints, scores = answer.json()["joints"], answer.json()["scores"]
    assert scores[joints.index("left_big_toe")] > 0.9
    assert scores[joints.index("right_little_4")] > 0.9


def forged(width, height):
    """A PNG whose header promises this size and whose data is a few bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def moving(kind):
    from PIL import Image

    frames = [Image.new("RGB", (40, 40), c) for c in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


def test_bad_pictures_are_refused_with_a_reason(dots, tmp_path):
    good = picture(dots)
    big = zlib.compress(b"\0" * 30_000_000, 9)
    cases = {
        "nothing": (b"", "picture_unreadable"),
        "another kind": (moving("GIF"), "picture_unreadable"),
        "a drawing that names files": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture_unreadable"),
        "cut": (good[: len(good) // 2], "picture_unreadable"),
        "head alone": (good[:30], "picture_unreadable"),
        "a header of 60,000 by 60,000": (forged(60_000, 60_000), "picture_large"),
        "a header of no size": (forged(0, 0), "picture_unreadable"),
        "a header that promises more than comes": (forged(1000, 1000), "picture_unreadable"),
        "a bomb": (dots.encoded(np.zeros((2100, 2100, 3), np.uint8)), "picture_large"),
        "tiny": (dots.encoded(np.zeros((3, 3, 3), np.uint8)), "picture_small"),
        "moving PNG": (moving("PNG"), "picture_moves"),
        "moving WebP": (moving("WEBP"), "picture_moves"),
        "a text that unpacks": (good[:33] + text_chunk(big) + good[33:], "picture_unreadable"),
    }
    for name, (data, code) in cases.items():
        (tmp_path / "picture").write_bytes(data)
        with pytest.raises(TemposeError) as problem:
            pictures.read(tmp_path, 4_000_000)
        assert problem.value.code == code, name
        assert not (tmp_path / "pixels.npy").exists()


def test_bad_pictures_cost_the_call_alone(dots, finder):
    refused(send(finder, b"no picture"), 422, "picture_unreadable")
    refused(send(finder, forged(60_000, 60_000)), 422, "picture_large")
    assert not list((finder.folder / "data" / "staging").iterdir())


def text_chunk(packed):
    data = b"Comment\0\0" + packed
    return struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))


def test_pictures_too_large_are_refused_by_header_and_while_they_stream(finder):
    limit = finder.client.get("/v1/capabilities").json()["limits"]["picture_bytes"]
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{finder.port}\r\nAuthorization: Bearer {finder.token}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {limit + 1}\r\n\r\n"
    )
    assert finder.raw(head.encode()).startswith(b"HTTP/1.1 413")
    refused(send(finder, (bytes(100_000) for _ in range(100))), 413, "body_too_large")
    answer = finder.client.post(PATH, content=b"{}", headers={"Content-Type": "application/json"})
    refused(answer, 415, "content_type")
    assert not list((finder.folder / "data" / "staging").iterdir())


def test_a_broken_model_costs_the_call_alone(dots, launch, tmp_path):
    (tmp_path / "models").mkdir()
    dots.write_models(tmp_path / "models")
    server = launch("--pose-model", str(tmp_path / "models"))
    (tmp_path / "models" / "rtmpose_dots.onnx").write_bytes(b"no model")
    assert str(tmp_path) not in refused(send(server, picture(dots)), 409, "pose_model_broken")
    shutil.rmtree(tmp_path / "models")
    refused(send(server, picture(dots)), 409, "pose_model_missing")
    assert server.client.get("/v1/health").status_code == 200
    assert server.put_job(str(uuid.uuid4())).status_code == 202
