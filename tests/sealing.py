"""What a wheel says of its own files, for packages that tests make."""

import base64
import hashlib


def seal(file, info):
    """Give a wheel the list of its files and their hashes."""
    rows = []
    for name in file.namelist():
        digest = base64.urlsafe_b64encode(hashlib.sha256(file.read(name)).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},\n")
    file.writestr(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\n")
