"""What a server in these tests answers before anything is asked of it."""

import json

from tempose_pose.local import proof


def proves(handler, token):
    """Whether the question of a `BaseHTTPRequestHandler` was the one for the proof; it is answered then."""
    if handler.path != proof.PATH or proof.HEADER not in handler.headers:
        return False
    data = json.dumps({"proof": proof.answer(token, handler.headers[proof.HEADER])}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
    return True
