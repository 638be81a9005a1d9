import bpy

settings = bpy.context.scene.tempose

settings.style = ""
settings.energy = 1.6
settings.listen = 1.0
settings.repeat = 0.4
settings.quality = "NORMAL"
