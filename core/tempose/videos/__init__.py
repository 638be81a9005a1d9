"""Dances read from videos: frames, the people in them, and the music they dance to."""
