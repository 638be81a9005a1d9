import importlib.util

# The pure modules are tested where there is no Blender at all.
collect_ignore_glob = ["test_*.py"] if importlib.util.find_spec("bpy") else []
