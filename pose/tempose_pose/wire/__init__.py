"""The wire format between Blender and the server, as both write and read it (docs/server.md).

`job` has the requests, `answers` the answers, `codes` the errors; `known_poses`, `poses` and `arrays` are parts of
them, and `validation` checks what a peer sent against the types.
"""
