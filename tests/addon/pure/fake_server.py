"""A server of a test's own that says what it is told to, and what an honest one would say."""

import base64
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from addon.model.server.client import Client
from patience import PATIENCE
from proving import proves

from tempose_pose.request import DanceRequest
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose
from tempose_pose.wire.job import JobRequest

TOKEN = "secret-token-for-tests"


def encoded(array):
    return base64.b64encode(np.asarray(array, "<f4").tobytes()).decode()


def result(frames=30, **changed):
    return {
        "fps": 30, "skeleton": "openpose18", "joints": list(OPENPOSE_18.joints), "frames": frames,
        "canvas": [1000, 1000],
        "keypoints": encoded(np.full((frames, 18, 2), 0.5)),
        "scores": encoded(np.ones((frames, 18))),
        "beat_times": [0.5, 1.0], "downbeat_times": [0.5], "seams": [], "seed": 7, "model_revision": "null-1",
        **changed,
    }  # fmt: skip


CAPABILITIES = {
    "models": [], "skeletons": [], "fps": 30, "segment_frames": 256, "overlap_frames": 16, "styles": ["pop"],
    "limits": {"dance_seconds": 1200},
}  # fmt: skip


def asked(seconds):
    return JobRequest("0" * 64, DanceRequest(standing_pose(), seconds))


def job(state="succeeded", **more):
    return {"id": "x", "state": state, "position": None, "progress": 1.0, "error": None, **more}


def event(number, name, data):
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


class Fake:
    """A server with an answer for each (method, path): bytes, an object, (status, object), or a function."""

    def __init__(self, answers):
        self.answers, self.calls, fake = answers, [], self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # after the proof the connection stays open

            def answer(self):
                if proves(self, TOKEN):
                    return
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                fake.calls.append((self.command, self.path, dict(self.headers), body))
                path = (
                    self.path if (self.command, self.path) in fake.answers else self.path.rpartition("/")[2]
                )
                found = fake.answers.get(
                    (self.command, path), (404, {"code": "not_found", "message": "Nothing here."})
                )
                if callable(found):
                    found = found(self)
                    if found is None:
                        return
                status, value = found if isinstance(found, tuple) else (200, found)
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_HEAD = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def serving(answers):
    fake = Fake(answers)
    try:
        yield fake, Client(fake.url, TOKEN, timeout=PATIENCE)
    finally:
        fake.close()


def health(**more):
    return {"status": "READY", "version": "0", **more}


class Quiet:
    """A worker whose words nobody hears and who never waits."""

    def status(self, text):
        pass

    def sleep(self, seconds):
        pass

    def use(self, client):
        return client
