"""Tempose's HTTP server around the generation package.

The path of the data: `security` (who may speak, and how much) → `schemas` (the request) → `audio_store` and
`decode` (the song) → `jobs` and `turns` (the queue) → `worker` (the dance) → `events` and `app` (the answers).
`serve` runs it, `cli` has its options. Importing this module must stay light: the decoding child does it for every
song.
"""
