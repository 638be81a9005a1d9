import bpy

keys = bpy.context.scene.tempose.keys

keys.density = "POSES"
keys.interpolation = "SMOOTH"
keys.beats = True
keys.poses = "MOMENTS"
keys.per_bar = 4
