import bpy

settings = bpy.context.scene.tempose

settings.style = "House"
settings.energy = 1.0
settings.listen = 1.0
settings.repeat = 0.6
settings.quality = "NORMAL"
