import bpy

keys = bpy.context.scene.tempose.keys

keys.density = "TWOS"
keys.interpolation = "STEPPED"
keys.beats = True
