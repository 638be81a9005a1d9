"""Poses: skeletons as data, pose sequences, and the file formats they come in."""
