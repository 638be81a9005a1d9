import bpy

settings = bpy.context.scene.tempose

settings.style = ""
settings.energy = 0.6
settings.listen = 1.2
settings.repeat = 0.8
settings.quality = "NORMAL"
