"""Codes of errors on the wire, with their HTTP status; docs/server.md says what each means and what to do."""

from __future__ import annotations

STATUS: dict[str, int] = {
    code: status
    for status, codes in {
        400: "json_invalid json_duplicate json_not_finite challenge client_name client_gone",
        401: "token_wrong",
        403: "host_refused origin_refused",
        404: "audio_unknown job_unknown not_found",
        405: "method_not_allowed",
        408: "upload_slow",
        409: "job_exists job_not_finished pose_model_missing pose_model_broken pose_model_joints job_failed "
        "job_canceled",
        413: "body_too_large json_too_deep json_too_many",
        415: "content_type content_encoding",
        422: "request_invalid seconds_range tempo_map grid curve curve_range section reference_empty "
        "reference_incomplete skeleton_unsupported pose_shape pose_not_finite known_long known_mask joint_unknown "
        "audio_hash audio_unreadable audio_format audio_shape audio_short audio_silent audio_long audio_big "
        "audio_levels audio_not_finite audio_crashed audio_costly picture_unreadable picture_large picture_small "
        "picture_moves picture_big picture_crashed picture_costly nobody_seen video_unreadable video_long video_big "
        "video_crashed video_costly",
        429: "queue_full uploads_busy",
        500: "internal engine_failed",
        503: "setup_failed out_of_memory",
        507: "disk_full",
    }.items()
    for code in codes.split()
}
JOB_ENDS = ("out_of_memory", "disk_full", "engine_failed", "job_crashed", "audio_unknown")
"""With which a job may fail, besides those of 422."""
QUEUE_FULL, TOKEN_WRONG = "queue_full", "token_wrong"
"""What the add-on knows what to do about: wait; connect anew."""
