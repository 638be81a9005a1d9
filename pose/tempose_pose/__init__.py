"""Tempose's vocabulary: skeletons, pose sequences and their files, tempo maps, beat grids, dances.

Core, server and Blender extension share this package. It needs only numpy: no torch, no scipy, no bpy.
"""
