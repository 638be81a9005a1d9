"""What both sides need on their machine: durable files, private files, and proof of identity.

`whole_files` writes and checks durable files, `permissions` checks owners and rights, `runtime_file` says where a
server is, with `proof` it shows that it knows the token, `programs` finds programs and processes, and `scrub`
removes names and folders from text.
"""
