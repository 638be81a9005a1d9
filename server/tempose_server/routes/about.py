"""Routes about the server: health, capabilities, metrics."""

from __future__ import annotations

from itertools import chain

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool

from tempose.null_model import NullModel
from tempose.segments import OVERLAP, SEGMENT
from tempose_pose.curves import RANGES
from tempose_pose.limits import FPS
from tempose_pose.request import STYLES
from tempose_pose.skeletons import LAYOUTS
from tempose_pose.wire.answers import Capabilities, Health, Limits, ModelInfo, PoseEstimator, SkeletonInfo
from tempose_server import decode, pictures
from tempose_server.metrics import CONTENT_TYPE
from tempose_server.service import Parts

router = APIRouter()


@router.get("/health")
async def health(parts: Parts) -> Health:
    """Whether the server can dance. Answers also while the model loads and while a job runs."""
    return parts.engine.health


@router.get("/capabilities")
async def capabilities(parts: Parts) -> Capabilities:
    """The server's capabilities and limits."""
    settings = parts.settings
    return Capabilities(
        models=[
            ModelInfo(name="default", revision=parts.engine.revision, skeleton=parts.engine.skeleton),
            ModelInfo(name="null", revision="null-1", skeleton=NullModel.skeleton.name),
        ],
        skeletons=[SkeletonInfo.of(bones) for bones in LAYOUTS.values()],
        fps=FPS,
        segment_frames=SEGMENT,
        overlap_frames=OVERLAP,
        styles=list(STYLES),
        curves={name: list(limits) for name, limits in RANGES.items()},
        audio_formats=list(dict.fromkeys(chain.from_iterable(decode.FORMATS.values()))),
        picture_formats=[kind.lower() for kind in pictures.KINDS],
        pose_estimator=PoseEstimator(
            available=not parts.poses.why_not, message=parts.poses.why_not or "Ready."
        ),
        limits=Limits(
            audio_bytes=settings.audio_bytes,
            audio_seconds=settings.audio_seconds,
            dance_seconds=settings.dance_seconds,
            queue=settings.queue,
            json_bytes=settings.json_bytes,
            json_elements=settings.json_elements,
            picture_bytes=settings.picture_bytes,
            picture_pixels=settings.picture_pixels,
            video_bytes=settings.video_bytes,
        ),
    )


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(parts: Parts) -> Response:
    """The server's metrics, in Prometheus' text format."""
    return Response(await run_in_threadpool(parts.metrics.text), headers={"content-type": CONTENT_TYPE})
