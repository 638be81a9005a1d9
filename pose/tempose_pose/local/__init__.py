"""What both sides do on the machine that they run on: files that last, files that are private, who is who.

`whole_files` writes and checks what must last, `permissions` looks at owners and rights, `runtime_file` says where a
server is, `proof` is how it shows that it knows the token, `programs` finds programs and processes, `scrub` takes
names and folders out of text.
"""
