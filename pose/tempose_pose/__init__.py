"""What Tempose speaks of: skeletons, pose sequences and their files, tempo maps, beat grids, dances.

Core, server and Blender extension share this package. It needs numpy and nothing else: no torch, no scipy, no bpy.
"""
