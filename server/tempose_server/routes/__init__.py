"""The routes of the v1 contract. Each one is short: the work is done by the parts it calls."""

from __future__ import annotations

from fastapi import APIRouter

from tempose_server.routes import about, jobs, songs

router = APIRouter(prefix="/v1")
for part in (about, songs, jobs):
    router.include_router(part.router)
