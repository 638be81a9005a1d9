"""A server that proves itself and then sends whatever bytes it is told to."""

import contextlib
import json
import socket
import threading

from tempose_pose.local import proof


class RawServer:
    """`answers` is called with each request's first line and gives the bytes to send, or pieces of them."""

    def __init__(self, token, answers):
        self.token, self.answers = token, answers
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, contextlib.suppress(OSError, ValueError):
            file = connection.makefile("rb")
            while first := file.readline():
                headers = {}
                while line := file.readline().strip():
                    name, _, value = line.decode("latin-1").partition(": ")
                    headers[name.lower()] = value
                file.read(int(headers.get("content-length", 0)))
                if asked := headers.get(proof.HEADER.lower()):
                    connection.sendall(said({"proof": proof.answer(self.token, asked)}))
                    continue
                data = self.answers(first.decode("latin-1"))
                for piece in [data] if isinstance(data, bytes) else data:
                    connection.sendall(piece)
                return


def said(value, status=200, kind="application/json", **headers):
    """A whole answer."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data
