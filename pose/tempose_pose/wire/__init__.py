"""What is said between Blender and the server, as both write and read it (docs/server.md).

`job` is what is asked, `answers` what is answered, `codes` what may go wrong; `known_poses`, `poses` and `arrays` are
parts of them, and `validation` checks what a peer sent against the types.
"""
