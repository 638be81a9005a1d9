"""No folder and no name gets out, whatever a path looks like; what helps to understand a fault stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.local.scrub import paths

NAMES = st.sampled_from(
    ["Mathilda", "Anna Maria", "Jürgen Müller", "O'Brien", "Musik (neu)", "Lieder, alte", "Songs v1.2", "my-files_2",
     "Dr. No", "[live]", "100% mine", "a&b", "日本の歌", "Ωmega", "x.y.z", "Früh & spät", "new+old", "(1)", "#7"]
)  # fmt: skip
ENDINGS = st.sampled_from([".wav", ".flac", ".npz", ".blend", ".json", ".m4a", ""])
PLACES = {
    "home": ("/home/", "/"),
    "mac": ("/Users/", "/"),
    "disk": ("/Volumes/", "/"),
    "own home": ("~/", "/"),
    "another home": ("~mathilda/", "/"),
    "beside": ("../", "/"),
    "drive": ("C:\\Users\\", "\\"),
    "drive with slashes": ("D:/Users/", "/"),
    "share": ("\\\\nas\\music\\", "\\"),
    "long share": ("\\\\?\\UNC\\nas\\music\\", "\\"),
    "long drive": ("\\\\?\\C:\\Users\\", "\\"),
    "written twice": ("C:\\\\Users\\\\", "\\\\"),
    "address": ("file:///home/", "/"),
    "drive as an address": ("file:///C:/Users/", "/"),
    "share as an address": ("file://nas/music/", "/"),
    "variable": ("%USERPROFILE%\\", "\\"),
    "home variable": ("$HOME/", "/"),
}
SENTENCES = [
    "{}", "The file {} cannot be read.", "cannot open {}: No such file or directory", "'{}'", '"{}"',
    "[Errno 13] Permission denied: '{}'", '  File "{}", line 12, in read', "({})", "path={} rate=48000",
    "{} and http://127.0.0.1:8765/v1/health", "moved {} away", "<{}>", "a\n{}\nb", "`{}` is gone",
]  # fmt: skip


@settings(max_examples=600, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(PLACES)),
    st.lists(NAMES, min_size=1, max_size=4),
    ENDINGS,
    st.sampled_from(SENTENCES),
)
def test_no_name_gets_out_of_a_path(place, names, ending, sentence):
    start, between = PLACES[place]
    clean = paths(sentence.format(start + between.join(names) + ending))
    for name in (*names, "mathilda", "nas", "Users", "home"):
        for word in name.replace("'", " ").split():
            if len(word) > 3:
                assert word not in clean, clean


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(sorted(PLACES)), NAMES, NAMES, ENDINGS), min_size=2, max_size=3))
def test_nor_out_of_several(found):
    lines = [PLACES[p][0] + a + PLACES[p][1] + b + ending for p, a, b, ending in found]
    for between in (" and ", ", ", " -> ", "' and '", "\n"):
        clean = paths("'" + between.join(lines) + "'")
        for _, a, b, _ in found:
            for word in (a + " " + b).replace("'", " ").split():
                if len(word) > 3:
                    assert word not in clean, clean


@pytest.mark.parametrize(
    "text",
    [
        "GET /v1/jobs/8c0 200 3 ms", "The server at http://127.0.0.1:8000 does not answer.", "https://[::1]:80/v1/health",
        "text/plain; charset=utf-8", "and/or", "2026/11/27 10:00:00", "5 / 3", "30 frames/s", "<b>bold</b>", "1:2",
        "a: b", "~3 seconds", "no. 5", "C: is full", "-/-", "key=value", "50%", "x ./ y",
    ],
)  # fmt: skip
def test_text_without_paths_stays(text):
    assert paths(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("could not read /home/anna/my song.wav: not found", "could not read (path).wav: not found"),
        (
            'File "/opt/x y/tempose_server/worker.py", line 3, in run',
            'File "(path)/worker.py", line 3, in run',
        ),
        ("see /a/b.wav and C:\\c\\d.blend now", "see (path).wav and (path).blend now"),
        ("at http://127.0.0.1:8765 /a/b c.npz", "at http://127.0.0.1:8765 (path).npz"),
    ],
)
def test_what_is_told_of_a_path(text, clean):
    assert paths(text) == clean
