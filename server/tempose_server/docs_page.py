"""The contract as a page for people: generated from the OpenAPI document, without scripts or outside resources."""

from __future__ import annotations

import html
import json
import secrets
import threading
import time
from typing import Any

LINK_SECONDS = 60.0
LINKS = 20  # most links that wait to be opened
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; } code, pre { font-size: .9em; }
pre { background: #f4f4f4; padding: .8rem; overflow: auto; max-height: 30rem; } b { font-family: monospace; }
table { border-collapse: collapse; } td { padding: .2rem 1rem .2rem 0; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { background: #1b1b1b; color: #ddd; } pre { background: #2a2a2a; } }
"""


class Links:
    """Links that open the page once, without the token, which a browser cannot be made to send. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def make(self) -> str:
        """A fresh key."""
        key, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._until = {one: until for one, until in self._until.items() if until > now}
            while len(self._until) >= LINKS:
                del self._until[next(iter(self._until))]
            self._until[key] = now + LINK_SECONDS
        return key

    def use(self, key: str) -> bool:
        """Whether a key still opens the page; it never does again."""
        with self._lock:
            return self._until.pop(key, 0.0) > time.monotonic()


def page(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    calls = [
        (method, path, call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    parts = [_call(method, path, call) for method, path, call in calls]
    shapes = [
        f'<h2 id="{_text(name)}">{_text(name)}</h2><p>{_text(shape.get("description", ""))}</p>{_json(shape)}'
        for name, shape in document.get("components", {}).get("schemas", {}).items()
    ]
    about = document["info"]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(about['title'])}</title>"
        f"<style>{STYLE}</style><h1>{_text(about['title'])} {_text(about['version'])}</h1>"
        f"<p>{_text(about.get('summary', ''))}. Every call needs <code>Authorization: Bearer TOKEN</code>.</p>"
        f"{''.join(parts)}<h1>What is said</h1>{''.join(shapes)}</html>"
    )


def _call(method: str, path: str, call: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{_text(one['name'])}</code><td>{_text(one['in'])}<td>{_text(one.get('description', ''))}"
        for one in call.get("parameters", [])
    ]
    bodies = [
        f"<p>Body: <code>{_text(kind)}</code></p>{_json(shape.get('schema', {}))}"
        for kind, shape in call.get("requestBody", {}).get("content", {}).items()
    ]
    answers = [
        f"<tr><td>{_text(status)}<td>{_text(said.get('description', ''))}<td>{_shapes(said)}"
        for status, said in call.get("responses", {}).items()
    ]
    return (
        f"<h2><b>{_text(method.upper())}</b> <code>{_text(path)}</code></h2>"
        f"<p>{_text(call.get('description', ''))}</p>"
        f"<table>{''.join(rows)}</table>{''.join(bodies)}<table>{''.join(answers)}</table>"
    )


def _shapes(said: dict[str, Any]) -> str:
    names = []
    for kind, shape in said.get("content", {}).items():
        name = shape.get("schema", {}).get("$ref", "").rpartition("/")[2]
        names.append(f'<a href="#{_text(name)}">{_text(name)}</a>' if name else f"<code>{_text(kind)}</code>")
    return ", ".join(names)


def _json(value: Any) -> str:
    return f"<pre>{_text(json.dumps(value, indent=1))}</pre>"


def _text(value: Any) -> str:
    return html.escape(str(value))
