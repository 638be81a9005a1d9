import bpy

keys = bpy.context.scene.tempose.keys

keys.density = "EVERY"
keys.interpolation = "SMOOTH"
keys.beats = True
