"""Tempose's HTTP server around the generation package.

The data's way through it: `security` (who may speak, and how much) → `schemas` (what was said) →
`audio_store` and `decode` (the song) → `jobs` and `order` (the queue) → `worker` (the dance) → `events`
and `app` (the answers). `serve` runs it, `cli` names its options. Importing this module stays light: the
decoding child does so for every song.
"""
