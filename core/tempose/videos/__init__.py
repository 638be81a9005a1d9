"""Dances out of videos: their frames, the people in them, and the music they were danced to."""
