"""The routes of the v1 contract. Each is short: the parts that it calls do the work."""

from __future__ import annotations

from fastapi import APIRouter

from tempose_server.routes import about, jobs, songs, videos

PREFIX = "/v1"
PARTS = (about.router, songs.router, videos.router, jobs.router)

router = APIRouter(prefix=PREFIX)
for part in PARTS:
    router.include_router(part)
