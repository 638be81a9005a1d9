import bpy

keys = bpy.context.scene.tempose.keys

keys.density = "POSES"
keys.interpolation = "SMOOTH"
keys.beats = True
keys.poses = "BAR"
keys.per_bar = 4
